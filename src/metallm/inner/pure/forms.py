"""The first and last words of a text, hashed. The compiled loop takes texts of ASCII alone."""

from __future__ import annotations

import math
import re
from itertools import islice
from typing import TYPE_CHECKING
from zlib import crc32

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

NEAR = 40
"""Characters from the end in which the last two words nearly always are."""

_TOKEN = re.compile(r"\w+|[^\w\s]|\n")


def hashed_ends(text: str, out: NDArray[np.float32], reach: int, length: float) -> None:
    """Hash the first word of a text, the first two, the last and the last two.

    The CRC-32 of each, after "^" or "$" and in lower case, tells its entry, and a bit of it the
    sign. The compiled loop and this one give the same bits.

    Args:
        text: a sign that is no letter, digit or blank is a word, and so is the end of a line.
        out: zeros of shape (d,), float32, d at least 1; left as they are for a blank text.
        reach: characters from each end in which words are looked for.
        length: of what is written.
    """
    if not len(out) or reach < 1:
        raise ValueError("out has no entry, or no character is in reach")
    bare = text.strip()
    if not bare:
        return
    first, last = _first_words(bare, reach), _last_words(bare, reach)
    signs: dict[int, float] = {}
    for mark in (f"^{first[0]}", f"^{' '.join(first)}", f"${last[-1]}", f"${' '.join(last)}"):
        number = crc32(mark.encode("utf-8", "surrogatepass"))
        place = number % len(out)
        signs[place] = signs.get(place, 0.0) + (1.0 if number & 0x100000 else -1.0)
    # two marks may cancel out
    norm = max(math.sqrt(sum(sign * sign for sign in signs.values())), 1e-9)
    for place, sign in signs.items():
        out[place] = length * sign / norm


def _first_words(bare: str, reach: int) -> list[str]:
    found = _TOKEN.finditer(bare[:reach].lower())
    return [each.group() for each in islice(found, 2)]


def _last_words(bare: str, reach: int) -> list[str]:
    near = bare[-min(NEAR, reach) :]
    if near.isascii():
        # with a third in front, the last two are whole; others may be written in lower case by
        # what stands further in front of them
        words = _TOKEN.findall(near.lower())
        if len(words) > 2:
            return words[-2:]
    return _TOKEN.findall(bare[-reach:].lower())[-2:]
