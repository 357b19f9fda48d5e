"""Features of a text from what was counted of it (embeddings/features.py)."""

from __future__ import annotations

from math import log, log1p, sqrt
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence


def features_of(counts: Sequence[int], characters: int, total: int) -> list[float]:
    """22 features, and one for each group of words.

    Args:
        counts: as `Lexicon.count` has them.
        characters: that were looked at, at least 1.
        total: characters of the whole text.
    """
    (
        words, letters, distinct, long_words, sentences, lines, digits, numbers, uppercase, spaces,
        options, questions, asks, exclamations, quotes, code, formulas, blanks, others, mentions,
        colons, *known,
    ) = counts  # fmt: skip
    count = max(words, 1)
    return [
        log1p(total) - 5.5,
        log1p(words) - 3.8,
        letters / count - 4.7,
        log(count / (sentences + 1) + 1.0) - 2.7,
        log1p(lines) - 0.7,
        sqrt(digits / characters) * 4.0,
        log1p(numbers) - 0.5,
        sqrt(uppercase / characters) * 4.0 - 0.7,
        sqrt((characters - letters - spaces) / characters) * 3.0 - 0.8,
        log1p(options) - 0.5,
        min(questions, 3) - 0.7,
        float(asks),
        min(exclamations, 3) * 0.7,
        log1p(quotes) * 0.8,
        log1p(code),
        log1p(formulas) * 0.7,
        float(blanks),
        sqrt(others / characters) * 4.0,
        log1p(mentions),
        distinct / count * 3.0 - 2.3,
        sqrt(long_words / count) * 3.0 - 1.0,
        log1p(colons) - 0.5,
        *[sqrt(each / count) * 3.0 if each else 0.0 for each in known],
    ]
