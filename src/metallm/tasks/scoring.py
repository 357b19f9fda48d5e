"""Score what was read from an answer."""

from __future__ import annotations

from metallm.core.folding import fold


def correct(read: str | None, truth: str) -> float:
    """Quality of a read answer: 1.0 where it is the true label, else 0.0.

    Args:
        read: what a task read; None, the unreadable, is wrong.
        truth: the true label; its case makes no difference.
    """
    return float(read is not None and fold(read) == fold(truth))
