"""The inner loops of learners and policies: compiled where they can be, numpy otherwise.

For one query or one outcome the arithmetic takes less than numpy's calls do; `c/` holds the same
loops in C, which an installation compiles where it finds a compiler. `pure` holds their twins, and
says what each takes and gives. Both agree to rounding; METALLM_PURE=1 has numpy used all the same.
See docs/decisions/0009-compiled-core.md.
"""

from __future__ import annotations

import os
from importlib import import_module
from typing import TYPE_CHECKING

from metallm.inner import pure

if TYPE_CHECKING:
    from types import ModuleType

INTERFACE = 6
"""What the compiled loops have to tell: a library left over from other sources is not used."""


def _library() -> ModuleType | None:
    if os.environ.get("METALLM_PURE", "") not in {"", "0"}:
        return None
    try:
        found = import_module("metallm.inner._compiled")
    except ImportError:
        return None
    return found if getattr(found, "INTERFACE", None) == INTERFACE else None


_found = _library()

COMPILED = _found is not None
"""Whether the compiled loops are in use."""

if TYPE_CHECKING or _found is None:
    RidgeLoops = pure.RidgeLoops
    gap_weights, draw, uniform = pure.gap_weights, pure.draw, pure.uniform
    project = pure.project
    locate, looked_up = pure.locate, pure.looked_up
    count, shrunk = pure.count, pure.shrunk
    kernel_predict, kernel_update = pure.kernel_predict, pure.kernel_update
    token_sum, gram_sums, scaled = pure.token_sum, pure.gram_sums, pure.scaled
    Lexicon, expected_costs = pure.Lexicon, pure.expected_costs
    hashed_ends, gram_ids = pure.hashed_ends, pure.gram_ids
    sparse_scores, sparse_step = pure.sparse_scores, pure.sparse_step
    dense_scores, dense_step = pure.dense_scores, pure.dense_step
else:
    RidgeLoops = _found.RidgeLoops
    gap_weights, draw, uniform = _found.gap_weights, _found.draw, _found.uniform
    project = _found.project
    locate, looked_up = _found.locate, _found.looked_up
    count, shrunk = _found.count, _found.shrunk
    kernel_predict, kernel_update = _found.kernel_predict, _found.kernel_update
    token_sum, gram_sums, scaled = _found.token_sum, _found.gram_sums, _found.scaled
    Lexicon, expected_costs = _found.Lexicon, _found.expected_costs
    hashed_ends, gram_ids = _found.hashed_ends, _found.gram_ids
    sparse_scores, sparse_step = _found.sparse_scores, _found.sparse_step
    dense_scores, dense_step = _found.dense_scores, _found.dense_step
