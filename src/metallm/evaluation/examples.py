"""Which labelled rows to show a model as examples: every label in turn, each by what stands for it.

Within a label the rows are its medoids (`medoids`), so that k examples cover what its texts are
about. Labels take turns, the most frequent first, so that the last examples are not all of one
label: models lean towards what they saw last.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from metallm.evaluation.medoids import medoids

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from metallm.core.arrays import Context

LOOKED_AT = 400
"""Rows of each label that are compared, evenly over the file."""

LONG = 0.75
"""Texts longer than this share of their label's are passed over: every prompt carries them."""


def spread_examples(
    texts: Sequence[str],
    labels: Sequence[str],
    count: int,
    embed: Callable[[Sequence[str]], Context],
    *,
    seed: int = 0,
) -> list[int]:
    """Positions of rows to show, in the order in which to show them.

    Args:
        texts: n texts.
        labels: n true labels.
        count: how many are wanted; all n come where there are fewer.
        embed: texts to contexts, shape (n, d).
        seed: of the choice of rows to look at where a label has very many.
    """
    by_label: dict[str, list[int]] = {}
    for place, label in enumerate(labels):
        by_label.setdefault(label, []).append(place)
    turns = sorted(by_label, key=lambda label: (-len(by_label[label]), label))
    wanted = min(count, len(texts))
    shares = _shares([len(by_label[label]) for label in turns], wanted)
    rng = np.random.default_rng(seed)
    queues = [
        _standing_for(by_label[label], texts, share, embed, rng)
        for label, share in zip(turns, shares, strict=True)
    ]
    longest = max((len(queue) for queue in queues), default=0)
    return [queue[turn] for turn in range(longest) for queue in queues if turn < len(queue)]


def _shares(sizes: Sequence[int], count: int) -> list[int]:
    """How many examples each label gets: one each in turn, for as long as it has rows."""
    shares = [0] * len(sizes)
    while count:
        for place, size in enumerate(sizes):
            if count and shares[place] < size:
                shares[place] += 1
                count -= 1
    return shares


def _standing_for(
    places: Sequence[int],
    texts: Sequence[str],
    count: int,
    embed: Callable[[Sequence[str]], Context],
    rng: np.random.Generator,
) -> list[int]:
    """The rows that stand for one label's, the one that stands for most first."""
    if not count:
        return []
    lengths = np.array([len(texts[place]) for place in places])
    short = np.flatnonzero(lengths <= np.quantile(lengths, LONG))
    if len(short) < count:
        short = np.argsort(lengths, kind="stable")[:count]
    if len(short) > LOOKED_AT:
        short = short[np.linspace(0, len(short) - 1, LOOKED_AT).astype(np.intp)]
    looked_at = [places[each] for each in short.tolist()]
    contexts = embed([texts[place] for place in looked_at])
    return [looked_at[each] for each in medoids(contexts, count, rng).tolist()]
