"""Text to decision through the public `Router` with its log in memory."""

from __future__ import annotations

import re
from contextlib import closing
from typing import TYPE_CHECKING

from deciding.timing import timed
from metallm import Arm, Router

if TYPE_CHECKING:
    from deciding.timing import Timing

_WORDS = re.findall(
    r"\w+",
    "what is the capital of a country whose largest river flows north through two deserts and "
    "how many people live there today if we count every town near its delta as well",
)

LENGTHS = (15, 100)
"""Tokens of a text, about: plain words have one each, a number one per digit."""


def text_timings(*, arms: int, outcomes: int, blocks: int, calls: int) -> dict[str, Timing]:
    """Time of `Router.decide` for texts of each length, after some judged decisions.

    Every text is another: it ends in a number that was never seen. The router has learned
    `outcomes` judgements by then.
    """
    choices = [
        Arm(f"sim/{place}", input_price=0.1 * (place + 1), output_price=0.4 * (place + 1))
        for place in range(arms)
    ]
    with closing(Router(choices)) as router:
        for number in range(outcomes):
            decision = router.decide(_text(15 + number % 60, number))
            router.feedback(decision.id, quality=float(number % 3 > 0))
        return {f"text_{length}_us": _timed(router, length, blocks, calls) for length in LENGTHS}


def _timed(router: Router, length: int, blocks: int, calls: int) -> Timing:
    texts = [_text(length, number) for number in range((blocks + 1) * calls)]
    return timed(lambda number: router.decide(texts[number]), blocks=blocks, calls=calls)


def _text(tokens: int, number: int) -> str:
    words = tokens - 7
    start = number % len(_WORDS)
    repeated = _WORDS[start:] + _WORDS * (words // len(_WORDS) + 1)
    return f"{' '.join(repeated[:words])} {number}?"
