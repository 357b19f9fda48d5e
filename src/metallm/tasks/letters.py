"""Read the letter of an option out of an answer."""

from __future__ import annotations

import re
import unicodedata
from typing import TYPE_CHECKING

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
from metallm.tasks.reading import LabelReader

if TYPE_CHECKING:
    from collections.abc import Sequence

# "A because", "B is right": the letter is the subject, and no article goes before these words
_AFTER_A_LETTER = r"(?:because|since|as|is|was|or|and)\b"
_ARTICLES = "AI"
_ENDS = re.compile(rf"[*_`]*(?:\s*$|\s*[.,;:!?)\]}}\"'”’$\n–—]|\s+-|\s+{_AFTER_A_LETTER})")
_OPENS_WITH = re.compile(rf"[*_`]*(?:[).:,\]]|\s*\n|\s+[-–—]|\s+{_AFTER_A_LETTER})")
_OPTION_MARK = re.compile(r"(?:^[^\w\n]*|\()([A-Z])[*_`]*[).:\]]", re.MULTILINE)
_POINTING = re.compile(
    r"\b(?:option|choice|letter|answer|choose|pick|select|guess|(?:go|went|going) with|is|be|was"
    r"|it['’]s|say)\s+[\"'*`_(\[]*$",
    re.IGNORECASE,
)
_PRAISED = re.compile(
    r"[)\].*_\"'`]*\s+(?:is|seems|must be|would be)\s+(?:the\s+)?(?:correct|right|best|true"
    r"|most|answer)",
    re.IGNORECASE,
)


class LetterReader:
    """Reads which option's letter an answer names.

    A capital counts where it is the whole answer, stands in a JSON object or a box, is stated
    ("Answer: B", alone on its line), opens the answer ("B) because ..."), or is pointed at
    ("option B", "(B)", "B is correct"). Any other capital, such as an article or the C of
    "vitamin C", is no letter of an option. Small letters count only where nothing else can be
    meant.

    Args:
        letters: capitals of A to Z.
    """

    def __init__(self, letters: Sequence[str]) -> None:
        self._whole = LabelReader(letters)
        self._first_two = list(letters[:2])
        capitals = "".join(letters)
        either = capitals + capitals.lower()
        self._named = re.compile(rf"(?<![\w\-'’.])[{either}](?![\w]|[-'’]\w|\.\w)")

    def read(self, answer: str) -> str | None:
        """The letter that the answer names; None where it names none or several.

        Args:
            answer: any text.
        """
        text = unicodedata.normalize("NFKC", answer)
        stated = stated_in_object(text)
        return self._read_text(text if stated is None else stated)

    def _read_text(self, text: str) -> str | None:
        # with more than this one character it is running text, where an "a" is an article
        if sum(map(str.isalnum, text)) == 1:
            return self._whole.read(text)
        matches = [each for each in self._named.finditer(text) if _is_letter(text, each)]
        listed = _OPTION_MARK.findall(text)[:2] == self._first_two
        mentions = [_mention(text, each, listed=listed) for each in matches]
        return settle(weaken_alternatives(text, mentions))


def _is_letter(text: str, match: re.Match[str]) -> bool:
    """Whether this can be an option's letter at all, rather than an article or a pronoun."""
    letter = match.group()
    if letter.isupper() and letter not in _ARTICLES:
        return True
    ends = _ENDS.match(text, match.end()) is not None
    return ends and (letter.isupper() or grade_before(text, match.start()) >= Grade.STATED)


def _mention(text: str, match: re.Match[str], *, listed: bool) -> Mention:
    """One mention; `listed` where the answer begins by repeating the options."""
    start, end = match.span()
    grade = grade_before(text, start)
    if grade is Grade.MENTIONED:
        opens = not any(map(str.isalnum, text[:start])) and _OPENS_WITH.match(text, end)
        if not listed and (opens or is_alone(text, start, end)):
            grade = Grade.STATED
        elif not _is_pointed_at(text, start, end):
            grade = Grade.NONE
    return Mention(match.group().upper(), start, end, grade, is_denied(text, start, end))


def _is_pointed_at(text: str, start: int, end: int) -> bool:
    in_brackets = text[start - 1 : start] == "(" and text[end : end + 1] == ")"
    before = text[max(0, start - 40) : start]
    return in_brackets or bool(_POINTING.search(before) or _PRAISED.match(text, end))
