"""Both implementations of the inner loops, for tests that run with each."""

from __future__ import annotations

from importlib import import_module
from types import ModuleType

import pytest

from metallm import inner
from metallm.inner import pure

NAMES = (
    "RidgeLoops", "gap_weights", "draw", "uniform", "project", "locate", "looked_up", "count",
    "shrunk", "kernel_predict", "kernel_update", "token_sum", "gram_sums", "scaled", "Lexicon",
    "expected_costs", "hashed_ends", "gram_ids", "sparse_scores", "sparse_step",
    "dense_scores", "dense_step",
)  # fmt: skip


def compiled() -> ModuleType | None:
    """The compiled loops, whichever are in use; None where they were not compiled."""
    try:
        found = import_module("metallm.inner._compiled")
    except ImportError:
        return None
    return found if found.INTERFACE == inner.INTERFACE else None


needs_compiled = pytest.mark.skipif(compiled() is None, reason="there was no C compiler")

BOTH = [
    pytest.param(pure, id="numpy"),
    pytest.param(compiled(), id="compiled", marks=needs_compiled),
]


def use(monkeypatch: pytest.MonkeyPatch, loops: ModuleType) -> None:
    """Have learners and policies run on one of them."""
    for name in NAMES:
        monkeypatch.setattr(inner, name, getattr(loops, name))
