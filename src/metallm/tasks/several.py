"""Read several labels out of one answer."""

from __future__ import annotations

import re
from itertools import pairwise
from typing import TYPE_CHECKING

from metallm.core.folding import fold_lines
from metallm.tasks.evidence import Grade
from metallm.tasks.objects import listed_in_object
from metallm.tasks.refusals import refuses

if TYPE_CHECKING:
    from collections.abc import Sequence

    from metallm.tasks.evidence import Mention
    from metallm.tasks.reading import LabelReader

_GAP = r"[\s\"'*`_)\](\[•-]*"
_JOINED = re.compile(rf"{_GAP}(?:[,;/|&+]|\band\b|\bas well as\b|,\s*and\b|\n)?{_GAP}")
_EITHER = re.compile(rf"{_GAP},?\s*\bor\b{_GAP}", re.IGNORECASE)


class SeveralReader:
    """Reads every label that an answer names.

    In this order: a JSON list, alone or in an object; the labels that are announced ("Labels: X,
    Y") or stand as a list of their own; all that are mentioned and not denied. "X or Y", a
    refusal, and a list in which nothing is a label, are not read.

    Args:
        reader: finds mentions of single labels.
        none: the label that stands for an empty list; None where there is none.
    """

    def __init__(self, reader: LabelReader, none: str | None = None) -> None:
        self._reader = reader
        self._none = none

    def read(self, answer: str) -> frozenset[str] | None:
        """The labels that the answer names; None where it names none, or leaves it open.

        Args:
            answer: any text.
        """
        found = listed_in_object(answer)
        if found is None or isinstance(found, str):
            named = self._in_text(answer if found is None else found)
        else:
            named = self._in_list(found)
        if named and self._none in named and len(named) > 1:
            return None  # it says both that labels fit and that none does
        return named or None

    def _in_list(self, found: Sequence[str]) -> frozenset[str]:
        if not found:
            return frozenset() if self._none is None else frozenset([self._none])
        # what is no label is passed over: the others are plainly meant
        read = (self._reader.read_whole(each) for each in found)
        return frozenset(label for label in read if label is not None)

    def _in_text(self, answer: str) -> frozenset[str] | None:
        whole = self._reader.read_whole(answer)
        if whole is not None:
            return frozenset([whole])
        text = fold_lines(answer)
        mentions = self._reader.mentions(text)
        denied = {each.label for each in mentions if each.negated}
        meant = [each for each in mentions if not each.negated]
        for one, other in pairwise(mentions):
            if one.label != other.label and _EITHER.fullmatch(text, one.end, other.start):
                return None
        announced = _announced(text, meant)
        if announced:
            return frozenset(announced) if not announced & denied else None
        if refuses(self._reader.without_labels(text)):
            return None
        return frozenset(each.label for each in meant if each.label not in denied)


def _announced(text: str, mentions: Sequence[Mention]) -> set[str]:
    """The labels after the last "Labels:", up to the first not joined to the one before.

    The last, for what is asked is often repeated before it is answered.
    """
    chain: set[str] = set()
    end: int | None = None
    for each in mentions:
        follows = end is not None and _JOINED.fullmatch(text, end, each.start) is not None
        if each.grade >= Grade.STATED and not follows:
            chain = set()
        if follows or each.grade >= Grade.STATED:
            chain.add(each.label)
            end = each.end
        else:
            end = None
    return chain
