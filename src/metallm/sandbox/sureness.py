"""Log probabilities of an answer's tokens, made up: recordings hold none.

Right answers are mostly told with more certainty than wrong ones, which is what there is to learn;
how much more says nothing about any real model.
"""

from __future__ import annotations

import math
import re
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from metallm.core.completion import ChatRequest
    from metallm.sandbox.answers import RecordedAnswer

PLAIN = 0.999
"""Probability of a token that is no label."""

RIGHT = (0.8, 0.999)
WRONG = (0.4, 0.9)
"""How likely the label of a right answer and of a wrong one is, from the least to the most."""

_PIECE = r"\w+|[^\w\s]|\s+"


def share_of(*, right: bool, draw: float) -> float:
    """The probability of the label that is answered.

    Args:
        right: whether it is the true one.
        draw: from 0 to 1, of the answer alone.
    """
    least, most = RIGHT if right else WRONG
    return least + (most - least) * draw


def told_logprobs(request: ChatRequest, answer: RecordedAnswer) -> dict[str, Any] | None:
    """What goes under a choice's "logprobs"; None where the request asks for none.

    Args:
        request: canonical.
        answer: what was recorded.
    """
    if not request.body.get("logprobs"):
        return None
    most = request.body.get("top_logprobs")
    tokens = _tokens(answer.text, answer.labels)
    content = [_told(token, answer, most if isinstance(most, int) else 0) for token in tokens]
    return {"content": content, "refusal": None}


def _tokens(text: str, labels: Sequence[str]) -> Iterator[str]:
    """The text in pieces; a label is one."""
    longest_first = sorted(labels, key=len, reverse=True)
    whole = "|".join(rf"\b{re.escape(label)}\b" for label in longest_first)
    yield from re.findall(f"{whole}|{_PIECE}" if whole else _PIECE, text)


def _told(token: str, answer: RecordedAnswer, most: int) -> dict[str, Any]:
    """A token, with what might have stood in its place."""
    if token not in answer.labels:
        return {**_token(token, PLAIN), "top_logprobs": [_token(token, PLAIN)][:most]}
    others = [label for label in answer.labels if label != token]
    rest = (1.0 - answer.share) / max(len(others), 1)
    tops = [_token(token, answer.share), *(_token(label, rest) for label in others)]
    tops.sort(key=lambda each: -float(each["logprob"]))
    return {**_token(token, answer.share), "top_logprobs": tops[:most]}


def _token(text: str, probability: float) -> dict[str, Any]:
    return {
        "token": text,
        "logprob": math.log(probability),
        "bytes": list(text.encode(errors="replace")),
    }
