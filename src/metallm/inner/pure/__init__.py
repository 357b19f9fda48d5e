"""The inner loops in numpy: one query or one outcome each, results written to `out`.

All arrays are of float64, cells of int64; a context may be of float32. Wrong shapes raise
ValueError, positions that do not exist IndexError. The files are those of `inner/c`.
"""

from metallm.inner.pure.cells import count, locate, looked_up, shrunk
from metallm.inner.pure.choice import draw, gap_weights, uniform
from metallm.inner.pure.contexts import project
from metallm.inner.pure.costs import expected_costs
from metallm.inner.pure.forms import hashed_ends
from metallm.inner.pure.grams import gram_ids
from metallm.inner.pure.kernel import kernel_predict, kernel_update, near
from metallm.inner.pure.ridge import RidgeLoops
from metallm.inner.pure.softmax import dense_scores, dense_step, sparse_scores, sparse_step
from metallm.inner.pure.texts import Lexicon
from metallm.inner.pure.tokens import gram_sums, scaled, token_sum

__all__ = [
    "Lexicon",
    "RidgeLoops",
    "count",
    "dense_scores",
    "dense_step",
    "draw",
    "expected_costs",
    "gap_weights",
    "gram_ids",
    "gram_sums",
    "hashed_ends",
    "kernel_predict",
    "kernel_update",
    "locate",
    "looked_up",
    "near",
    "project",
    "scaled",
    "shrunk",
    "sparse_scores",
    "sparse_step",
    "token_sum",
    "uniform",
]
