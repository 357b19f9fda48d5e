"""The form of a text: its first and last words, hashed.

A task is often known by how its queries begin and end ("Context:", "Answer the following", "True or
false?"), of which an average over all words keeps little. The first word, the first two, the last
and the last two are each hashed to an entry and a sign (Weinberger et al. 2009, arXiv 0902.2206).
"""

from __future__ import annotations

import math
import re
from itertools import islice
from typing import TYPE_CHECKING
from zlib import crc32

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Sequence

    from metallm.core.arrays import Context

LENGTH = 0.5
"""Beside an embedding of length 1; .35 to .75 were measured to tie."""

REACH = 120
"""Characters from each end in which words are looked for."""

NEAR = 40
"""Characters from the end in which the last two words nearly always are."""

_TOKEN = re.compile(r"\w+|[^\w\s]|\n")


class FormEmbedder:
    """Hashed first and last words."""

    id = "form-64-v1"
    dim = 64

    def embed(self, texts: Sequence[str]) -> Context:
        """Contexts of n texts, shape (n, 64), float32, each of length `LENGTH`, or 0 if blank."""
        out = np.zeros((len(texts), self.dim), dtype=np.float32)
        self.write(texts, out)
        return out

    def write(self, texts: Sequence[str], out: Context) -> None:
        """As `embed`, into zeros of shape (n, 64)."""
        for row, text in enumerate(texts):
            bare = text.strip()
            if bare:
                _hash(_first_words(bare), _last_words(bare), out[row])


def _first_words(bare: str) -> list[str]:
    found = _TOKEN.finditer(bare[:REACH].lower())
    return [each.group() for each in islice(found, 2)]


def _last_words(bare: str) -> list[str]:
    near = bare[-NEAR:]
    if near.isascii():
        # with a third in front, the last two are whole; others may be written in lower case by
        # what stands further in front of them
        words = _TOKEN.findall(near.lower())
        if len(words) > 2:
            return words[-2:]
    return _TOKEN.findall(bare[-REACH:].lower())[-2:]


def _hash(first: list[str], last: list[str], out: Context) -> None:
    """Write the entries of first and last words, of which there are one or two each."""
    signs: dict[int, float] = {}
    for mark in (f"^{first[0]}", f"^{' '.join(first)}", f"${last[-1]}", f"${' '.join(last)}"):
        number = crc32(mark.encode("utf-8", "surrogatepass"))
        place = number % FormEmbedder.dim
        signs[place] = signs.get(place, 0.0) + (1.0 if number & 0x100000 else -1.0)
    # two marks may cancel out
    length = max(math.sqrt(sum(sign * sign for sign in signs.values())), 1e-9)
    for place, sign in signs.items():
        out[place] = LENGTH * sign / length
