"""What is counted of a text, and how many of its words are in each of some groups; its features.

The compiled loops count texts of ASCII alone, without regular expressions; these count any.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

import numpy as np

from metallm.inner.pure.checks import check
from metallm.inner.pure.features import features_of
from metallm.inner.pure.signs import Signs

if TYPE_CHECKING:
    from numpy.typing import NDArray

COUNTED = (
    "words", "letters", "distinct", "long_words", "sentences", "lines", "digits", "numbers",
    "uppercase", "spaces", "options", "questions", "asks", "exclamations", "quotes", "code",
    "formulas", "blanks", "others", "mentions", "colons",
)  # fmt: skip
"""What is counted, in order. Letters are those of words, long words have more than 8; `asks` is 1
where a question mark ends the text, `blanks` 1 where there is something to fill in, else 0."""

LONG = 8
MOST_GROUPS = 31

_NUMBER = re.compile(r"\d+(?:[.,]\d+)*")
_OPTION = re.compile(r"(?:^|[\s(])\(?([A-Ja-j1-9])[).:]\s")
# an option's end, with what has to stand before it: much quicker to look for than an option
_OPTION_END = re.compile(r"[).:](?:(?<=[\s(][A-Ja-j1-9].)|(?<=^[A-Ja-j1-9].))\s")
_CODE = re.compile(
    r"def |class |import |return |#include|```|;\s*\n|=>|\{\s*\n|</\w|SELECT |::|\(\)"
)
_FORMULA = re.compile(r"\\[a-zA-Z]+|\$[^$]+\$|\^\{?\d|[=+*/<>≤≥]")
_BLANK = re.compile(r"_{2,}|\.{3,}|\[MASK\]|<mask>", re.IGNORECASE)
_SENTENCE = re.compile(r"[.!?](?:\s|$)")


class Lexicon:
    """Groups of words, and what is counted of a text.

    Args:
        groups: words in lower case, separated by spaces, for each of 31 groups at most; a word may
            be in several.
    """

    def __init__(self, groups: tuple[str, ...]) -> None:
        if len(groups) > MOST_GROUPS:
            raise ValueError(f"a lexicon has {MOST_GROUPS} groups of words at most")
        members = [frozenset(words.split()) for words in groups]
        self._count = len(groups)
        self._groups_of = {
            word: tuple(place for place, words in enumerate(members) if word in words)
            for word in frozenset().union(*members)
        }

    def count(self, text: str) -> tuple[int, ...]:
        """All of `COUNTED`, and then how many words are in each group."""
        signs = Signs.of(text)
        words = signs.words
        return (
            len(words),
            sum(map(len, words)),
            len(set(words)),
            len([word for word in words if len(word) > LONG]),
            len(_SENTENCE.findall(text)),
            text.count("\n"),
            signs.digits,
            len(_NUMBER.findall(text)) if signs.digits else 0,
            signs.uppercase,
            text.count(" "),
            len(set(_OPTION.findall(text))) if _OPTION_END.search(text) else 0,
            text.count("?"),
            int(text.rstrip().endswith("?")),
            text.count("!"),
            text.count('"') + text.count("“"),
            len(_CODE.findall(text)),
            len(_FORMULA.findall(text)) if signs.formula else 0,
            int(_has_blank(text)),
            signs.others,
            text.count("@") + text.count("#") + text.count("http"),
            text.count(":"),
            *self._known(words),
        )

    def describe(self, text: str, total: int, out: NDArray[np.float32], scale: float) -> None:
        """Features of a text, the same bits as of the compiled loop.

        Args:
            text: what is looked at.
            total: characters of the whole text.
            out: shape (22 + groups,), float32.
            scale: factor on each.
        """
        features = features_of(self.count(text), max(len(text), 1), total)
        check("out", out, (len(features),))
        out[:] = features
        out *= np.float32(scale)

    def _known(self, words: list[str]) -> list[int]:
        """How many of the words are in each group."""
        known = [0] * self._count
        for groups in filter(None, map(self._groups_of.get, words)):
            for group in groups:
                known[group] += 1
        return known


def _has_blank(text: str) -> bool:
    # single signs are found at once, the expression ignores case and is slow
    if not ("_" in text or "..." in text or "[" in text or "<" in text):
        return False
    return _BLANK.search(text) is not None
