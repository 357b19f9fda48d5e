"""How likely an arm takes each label to be true, from the log probabilities of its tokens.

An answer's tokens are one path through all that the arm might have said, and the alternatives at
each token are where other paths leave it. From where the label begins, every alternative names the
labels that it can still become: one, or several that share its beginning, which then share its
probability alike. Along the path the tokens' probabilities are multiplied, so that the label that
was said has that of all its tokens, however many. What stands before the label, such as a quotation
mark or the key of a JSON object, counts for nothing.
"""

from __future__ import annotations

import codecs
import math
import re
from collections import defaultdict
from typing import TYPE_CHECKING

from metallm.core.folding import fold
from metallm.tasks.evidence import Grade, grade_before

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from metallm.core.classes import Likely
    from metallm.core.completion import Token

MOST = 20
"""Labels that are told of one answer; the rest share what is left."""

_OPENING = " \t\r\n\"'`´‘’“”„«»*_~#>([{<:="
"""Characters before a label that are no part of it, unless it begins with them."""

_WORD = re.compile(r"[\w\-]")


def likely_labels(tokens: Sequence[Token], labels: Sequence[str], label: str) -> Likely:
    """What an answer's tokens say of the labels; nothing where its label cannot be placed.

    Args:
        tokens: of the whole answer.
        labels: those that were asked about.
        label: the one that was read from the answer.
    """
    try:
        text = b"".join(token.said for token in tokens).decode()
    except UnicodeDecodeError:
        return ()
    place = _place(text, label)
    if place is None:
        return ()
    start, end = (len(text[:each].encode()) for each in place)
    names = _Names(labels)
    shares = names.walked(tokens, start, end, label)
    return _shared(shares, labels, _least(tokens, start))


class _Names:
    """Tells which labels a beginning can become.

    Args:
        labels: all of them.
    """

    def __init__(self, labels: Sequence[str]) -> None:
        self._labels = {fold(label).encode(): label for label in labels}

    def walked(
        self, tokens: Sequence[Token], start: int, end: int, label: str
    ) -> Mapping[str, float]:
        """The probability of each label that is met on the way, by label.

        Args:
            tokens: of the answer.
            start: byte at which the label begins.
            end: byte at which it has ended.
            label: it.
        """
        shares: dict[str, float] = defaultdict(float)
        said, mass, at = b"", 1.0, 0
        for token in tokens:
            before, at = at, at + len(token.said)
            if at <= start:
                continue
            opening, chosen = (
                token.said[: max(start - before, 0)],
                token.said[max(start - before, 0) :],
            )
            for other, logprob in token.others:
                if other == token.said:
                    continue
                named = self.of(said + other if said else self._opened(other, opening))
                for each in named:
                    shares[each] += mass * math.exp(logprob) / len(named)
            mass *= math.exp(token.logprob)
            said += chosen
            # one token more where the label is how a longer one begins: it tells that it ended
            if at > end or (at == end and self.of(said) == [label]) or before >= end:
                break
        shares[label] += mass
        return shares

    def of(self, beginning: bytes) -> list[str]:
        """The labels that a beginning can become; the longest that it names, where it goes on."""
        text = _folded(beginning)
        if not text:
            return []
        longer = [name for folded, name in self._labels.items() if folded.startswith(text)]
        if longer:
            return longer
        whole = [each for each in self._labels if text.startswith(each) and _ends(text, each)]
        return [self._labels[max(whole, key=len)]] if whole else []

    def _opened(self, token: bytes, opening: bytes) -> bytes:
        """What might have been a label's first token, without what stands before the label.

        Args:
            token: whole.
            opening: what stands there in the token that was said.
        """
        if opening and token.startswith(opening):
            return token[len(opening) :]
        text = token.decode(errors="ignore")
        if any(each.startswith(fold(text).encode()) for each in self._labels if fold(text)):
            return token
        rest = text.lstrip(_OPENING)
        return token[len(text[: len(text) - len(rest)].encode()) :]


def _place(text: str, label: str) -> tuple[int, int] | None:
    """Where a label is said as the answer; None where several places may be meant."""
    spelled = r"\s+".join(re.escape(word) for word in label.split())
    pattern = rf"(?<![\w\-]){spelled}(?![\w\-])" if label.strip() else r"(?!)"
    found = list(re.finditer(pattern, text)) or list(re.finditer(pattern, text, re.IGNORECASE))
    if len(found) > 1:
        graded = [(grade_before(text, each.start()), each) for each in found]
        plainest = max(grade for grade, _ in graded)
        found = [each for grade, each in graded if grade is plainest]
        if plainest >= Grade.STATED:
            found = found[-1:]
        elif not any(map(str.isalnum, text[: found[0].start()])):  # "B, for B is ..."
            found = found[:1]
    return found[0].span() if len(found) == 1 else None


def _folded(beginning: bytes) -> bytes:
    """Folded, but for a character that is cut in two at its end."""
    text, used = codecs.utf_8_decode(beginning, "replace", False)  # noqa: FBT003 - C's own
    return fold(text).encode() + beginning[used:]


def _ends(text: bytes, label: bytes) -> bool:
    """Whether a text goes on after a label as something else."""
    rest = text[len(label) :].decode(errors="replace")
    return not rest or _WORD.match(rest) is None


def _least(tokens: Sequence[Token], start: int) -> float:
    """The least probability that was told of a token where the label begins.

    What was not told there is no likelier.
    """
    at = 0
    for token in tokens:
        at += len(token.said)
        if at > start:
            return min((math.exp(logprob) for _, logprob in token.others), default=1.0)
    return 1.0


def _shared(shares: Mapping[str, float], labels: Sequence[str], least: float) -> Likely:
    """Probabilities that sum to 1 with what is left to the labels that were not met."""
    unmet = len(labels) - len(shares)
    rest = min(max(1.0 - sum(shares.values()), 0.0), unmet * least)
    total = sum(shares.values()) + rest
    if not total > 0.0:
        return ()
    told = sorted(shares.items(), key=lambda each: (-each[1], each[0]))[:MOST]
    return tuple((label, share / total) for label, share in told)
