"""What the mentions of labels in an answer add up to."""

from __future__ import annotations

import re
from dataclasses import dataclass, replace
from enum import IntEnum
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence


class Grade(IntEnum):
    """How plainly a mention is meant as the answer."""

    NONE = 0
    MENTIONED = 1
    STATED = 2
    BOXED = 3


@dataclass(frozen=True, slots=True)
class Mention:
    """One place where an answer names a label.

    Args:
        label: the label.
        start: where it begins in the text.
        end: where it has ended.
        grade: how plainly it is meant.
        negated: True where the words around it deny it or ask about it.
    """

    label: str
    start: int
    end: int
    grade: Grade
    negated: bool = False


def settle(mentions: Sequence[Mention]) -> str | None:
    """The label that the plainest mentions agree on, if nothing in the answer denies it."""
    plainest = max((mention.grade for mention in mentions), default=Grade.NONE)
    if plainest is Grade.NONE:
        return None
    meant = {mention.label for mention in mentions if mention.grade is plainest}
    denied = {mention.label for mention in mentions if mention.negated and mention.grade}
    return next(iter(meant)) if len(meant) == 1 and not meant & denied else None


_DENIAL = (
    r"not|cannot|never|unlikely|wrong|incorrect|false|untrue|\w+n['’]t"
    r"|(?:is|are|was|do|does|did|ca|wo|would|should)nt"
)
_DENIES_NEXT = re.compile(
    rf"\b(?:{_DENIAL}|no|neither|nor|none|nothing|without|hardly|barely|scarcely"
    r"|rather than|instead of|opposed to|far from|anything but|lacks?|fails?)\b",
    re.IGNORECASE,
)
_DENIES_PREVIOUS = re.compile(rf"\b(?:{_DENIAL})\b", re.IGNORECASE)
_TURN = (
    r"\b(?:(?<!anything )but|because|since|so|though|although|while|however|yet|therefore|hence)\b"
)
# A sentence wrapped over two lines goes on, so a denial reaches down past a line's end; but what
# stands below a label is a remark on it, so none reaches up.
_BEFORE = re.compile(rf"[.,;:!?()]|\n\s*\n|{_TURN}", re.IGNORECASE)
_AFTER = re.compile(rf"[.;:!?(),\n]|{_TURN}", re.IGNORECASE)
_INTERRUPTED = re.compile(r"\bnot,[^.;:!?\n]*,\s*$", re.IGNORECASE)  # "not, I think, good"
_CLOSING = re.compile(r"[\])\"'’”*`_}]*")
_REACH = 200  # characters: a clause is shorter, and a runaway answer stays quick to read


def is_denied(text: str, start: int, end: int) -> bool:
    """Whether the clause around text[start:end] denies it, or asks about it.

    English words only: a denial in another language is read as a plain mention.
    """
    reached = text[max(0, start - _REACH) : start]
    before = _BEFORE.split(reached)[-1]
    # the mark that closes "(B)" or a quotation ends no clause
    closing = _CLOSING.match(text, end)
    rest = text[closing.end() if closing else end :][:_REACH]
    boundary = _AFTER.search(rest)
    after = rest[: boundary.start()] if boundary else rest
    asked = boundary is not None and boundary.group() == "?"
    denied_before = _DENIES_NEXT.search(before) or _INTERRUPTED.search(reached)
    return asked or bool(denied_before or _DENIES_PREVIOUS.search(after))


_CUE = (
    r"(?:answers?|labels?|class(?:es)?|categor(?:y|ies)|sentiment|classification|prediction|verdict"
    r"|output|choice|option)"
)
_LINK = r"(?:\s*[:=]|\s+(?:is|are|would be|should be|must be)\b\s*:?)"
_OPENING = r"[\s\"'“‘*`_(\[{$]*"
_STATING = re.compile(
    rf"\b{_CUE}[\"'*_]*{_LINK}{_OPENING}(?:(?:option|choice|letter)\s+{_OPENING})?$",
    re.IGNORECASE,
)
_BOXING = re.compile(r"\\boxed\s*\{\s*(?:\\(?:text|textbf|mathrm)\s*\{\s*)?$", re.IGNORECASE)
_JOIN = re.compile(
    r"[ \"'*`_)\]]*(?:,? *\b(?:or|and|nor)\b|[,/|&])?[ \"'*`_(\[]*(?:option +)?", re.IGNORECASE
)


def grade_before(text: str, start: int) -> Grade:
    """How plainly the words before text[start:] announce an answer."""
    before = text[max(0, start - _REACH) : start]
    if _BOXING.search(before):
        return Grade.BOXED
    return Grade.STATED if _STATING.search(before) else Grade.MENTIONED


def weaken_alternatives(text: str, mentions: Sequence[Mention]) -> Sequence[Mention]:
    """Mentions in their order, of which "good or bad", "good, bad" and "good/bad" state nothing."""
    weaker = list(mentions)
    for at in range(len(weaker) - 1):
        one, other = weaker[at : at + 2]
        if one.label != other.label and _JOIN.fullmatch(text, one.end, other.start):
            grade = min(Grade.MENTIONED, max(one.grade, other.grade))
            weaker[at : at + 2] = replace(one, grade=grade), replace(other, grade=grade)
    return weaker


def is_alone(text: str, start: int, end: int) -> bool:
    """Whether text[start:end] is all that its line says."""
    line_start = text.rfind("\n", 0, start) + 1
    line_end = text.find("\n", end)
    rest = text[line_start:start] + text[end : len(text) if line_end < 0 else line_end]
    return not any(character.isalnum() for character in rest)
