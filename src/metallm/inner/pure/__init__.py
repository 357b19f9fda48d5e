"""The inner loops in numpy: one query or one outcome each, results written to `out`.

All arrays are of float64, cells of int64; a context may be of float32. Wrong shapes raise
ValueError, positions that do not exist IndexError. The files are those of `inner/c`.
"""

from metallm.inner.pure.cells import count, locate, looked_up, shrunk
from metallm.inner.pure.choice import draw, gap_weights, uniform
from metallm.inner.pure.contexts import project
from metallm.inner.pure.kernel import kernel_predict, kernel_update, near
from metallm.inner.pure.ridge import RidgeLoops

__all__ = [
    "RidgeLoops",
    "count",
    "draw",
    "gap_weights",
    "kernel_predict",
    "kernel_update",
    "locate",
    "looked_up",
    "near",
    "project",
    "shrunk",
    "uniform",
]
