"""Read a label out of an answer, whatever the answer is wrapped in."""

from __future__ import annotations

import re
from dataclasses import replace
from typing import TYPE_CHECKING

from metallm.core.folding import fold, fold_lines
from metallm.tasks.evidence import (
    Grade,
    Mention,
    grade_before,
    is_alone,
    is_denied,
    settle,
    weaken_alternatives,
)
from metallm.tasks.objects import stated_in_object
from metallm.tasks.refusals import refuses

if TYPE_CHECKING:
    from collections.abc import Sequence

_MARKS = (
    "\\s\"'`´‘’“”„«»*_~#>.,;:!?()\\[\\]{}<>\\\\/|=$…\u200b\ufeff。！？，：；、「」『』（）【】《》"
)
# a dash is decoration only where it stands apart: "-1" is not "1"
_DECORATION = rf"(?:[{_MARKS}]|[-–—•](?=\s))"
_MOST_DECORATION = 64  # characters; more around a label is no decoration
# "part" is not in "party", "non-part", "part-time" or "part's", and 1 is not in 1.5
_LEFT = r"(?<![\w\-‐‑])(?<!\d\.)"
_RIGHT = r"(?!\w|[-‐‑'’]\w|\.\d)"


class LabelReader:
    """Reads which of a set of labels an answer names.

    In this order: the label alone, in any case and decoration; a JSON object's label; a boxed
    label; one that is stated ("Answer: X", or alone on its line); the only one mentioned, unless
    the answer is a refusal. Where the plainest of these names several labels, or the words around
    it deny it, nothing is read.

    Args:
        labels: as `checked_labels` gives them.
    """

    def __init__(self, labels: Sequence[str]) -> None:
        self._labels = {fold(label): label for label in labels}
        # the longest first: "overruling" counts only where "not overruling" does not stand
        longest_first = sorted(self._labels, key=len, reverse=True)
        any_label = "|".join(re.escape(folded).replace(r"\ ", r"\s+") for folded in longest_first)
        self._longest = len(longest_first[0])
        self._whole = re.compile(rf"{_DECORATION}*?({any_label}){_DECORATION}*")
        self._named = re.compile(rf"{_LEFT}(?:{any_label}){_RIGHT}")

    def read(self, answer: str) -> str | None:
        """The label that the answer names; None where it names none or several.

        Args:
            answer: any text.
        """
        whole = self.read_whole(answer)
        if whole is not None:
            return whole
        stated = stated_in_object(answer)
        if stated is not None:
            return self.read_whole(stated)
        text = fold_lines(answer)
        weighed = _weigh(text, self.mentions(text))
        if weighed and refuses(self.without_labels(text)):
            weighed = [each for each in weighed if each.grade >= Grade.STATED]
        return settle(weighed)

    def read_whole(self, answer: str) -> str | None:
        """The label that is all the answer says, in any case and decoration.

        Args:
            answer: any text.
        """
        folded = fold(answer)
        exact = self._labels.get(folded)
        if exact is not None or len(folded) > self._longest + _MOST_DECORATION:
            return exact
        match = self._whole.fullmatch(folded)
        return self._labels[match.group(1)] if match else None

    def mentions(self, text: str) -> Sequence[Mention]:
        """Every place that names a label, in order.

        Args:
            text: as `fold_lines` gives it.
        """
        found = [self._mention(text, match) for match in self._named.finditer(text)]
        # a label's own "not" denies no other label
        unlabelled = self.without_labels(text)
        return [
            replace(each, negated=is_denied(unlabelled, each.start, each.end)) for each in found
        ]

    def without_labels(self, text: str) -> str:
        """The text with every label blotted out, at the same length."""
        return self._named.sub(lambda match: "_" * len(match.group()), text)

    def _mention(self, text: str, match: re.Match[str]) -> Mention:
        label = self._labels[" ".join(match.group().split())]
        return Mention(label, match.start(), match.end(), grade_before(text, match.start()))


def _weigh(text: str, found: Sequence[Mention]) -> Sequence[Mention]:
    """Count lines that are one label as statements, and "X or Y" as none."""
    alone = [each for each in found if is_alone(text, each.start, each.end)]
    if len({each.label for each in alone}) > 1:  # the labels, listed
        alone = []
    weighed = [
        replace(each, grade=max(each.grade, Grade.STATED)) if each in alone else each
        for each in found
    ]
    return weaken_alternatives(text, weighed)
