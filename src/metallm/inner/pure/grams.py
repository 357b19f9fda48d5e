"""Hashed words, pairs of words and parts of words of a text (embeddings/grams.py).

A sign is a blank, a mark, part of a word, or, in scripts that set no blanks between words, a word
alone. Signs are told apart by a table of ranges, the same in C, and not by the Unicode data of a
Python: ids must stay what they were when a log is read years later.
"""

from __future__ import annotations

from itertools import pairwise
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

CHARACTERS = 1 << 15
"""Ids of words and pairs are below, those of parts of words from here on."""

SHORTEST, LONGEST = 3, 5
"""Signs of a part; the blanks around a word count as one."""

BLANK, MARK, LETTER, ALONE = range(4)

RANGES = (
    # up to this sign: that kind
    (0x08, MARK), (0x0D, BLANK), (0x1B, MARK), (0x20, BLANK), (0x2F, MARK), (0x39, LETTER),
    (0x40, MARK), (0x5A, LETTER), (0x5E, MARK), (0x5F, LETTER), (0x60, MARK), (0x7A, LETTER),
    (0x84, MARK), (0x85, BLANK), (0x9F, MARK), (0xA0, BLANK), (0xA9, MARK), (0xAA, LETTER),
    (0xB1, MARK), (0xB3, LETTER), (0xB4, MARK), (0xB5, LETTER), (0xB8, MARK), (0xBA, LETTER),
    (0xBB, MARK), (0xBE, LETTER), (0xBF, MARK), (0xD6, LETTER), (0xD7, MARK), (0xF6, LETTER),
    (0xF7, MARK), (0x0DFF, LETTER),
    (0x109F, ALONE),  # Thai, Lao, Tibetan, Myanmar
    (0x177F, LETTER), (0x17FF, ALONE),  # Khmer
    (0x1FFF, LETTER), (0x200A, BLANK), (0x2027, MARK), (0x2029, BLANK), (0x206F, MARK),
    (0x209F, LETTER), (0x20CF, MARK), (0x214F, LETTER), (0x2BFF, ALONE), (0x2DFF, LETTER),
    (0x2FFF, ALONE), (0x3000, BLANK), (0x3004, MARK), (0x3007, ALONE), (0x3020, MARK),
    (0x9FFF, ALONE),  # kana and Chinese characters
    (0xD7FF, LETTER), (0xF8FF, MARK), (0xFAFF, ALONE), (0xFE0F, LETTER), (0xFE6F, MARK),
    (0xFEFE, LETTER), (0xFF0F, MARK), (0xFF19, LETTER), (0xFF20, MARK), (0xFF3A, LETTER),
    (0xFF40, MARK), (0xFF5A, LETTER), (0xFF65, MARK), (0xFF9F, ALONE), (0xFFEF, LETTER),
    (0xFFFF, MARK), (0x1EFFF, LETTER), (0x3FFFF, ALONE), (0x10FFFF, MARK),
)  # fmt: skip
"""Pictures and arrows stand alone too. Halves of surrogate pairs are marks."""

_LASTS = np.array([last for last, _ in RANGES])
_KINDS = np.array([kind for _, kind in RANGES])
_BASIS, _PRIME = 0xCBF29CE484222325, 0x100000001B3  # FNV-1a's, 64 bits, over code points
_SPREAD = 0x9E3779B97F4A7C15  # 2⁶⁴ over the golden ratio: the highest bits are the best mixed
_SPACE = 0x20
_WHOLE = 2**64 - 1


def gram_ids(text: str) -> bytes:
    """Sorted distinct ids of a text's words, pairs of words and parts, as packed uint16.

    Args:
        text: in lower case already.
    """
    signs = np.frombuffer(text.encode("utf-32-le", "surrogatepass"), dtype="<u4")
    kinds: NDArray[np.int64] = _KINDS[np.searchsorted(_LASTS, signs)]
    found = {*_words(signs.tolist(), kinds.tolist()), *_parts(signs, kinds)}
    return np.array(sorted(found), dtype=np.uint16).tobytes()


def _words(signs: list[int], kinds: list[int]) -> set[int]:
    words: list[list[int]] = []
    for place, (sign, kind) in enumerate(zip(signs, kinds, strict=True)):
        if kind == ALONE or (kind == LETTER and (place == 0 or kinds[place - 1] != LETTER)):
            words.append([sign])
        elif kind == LETTER:
            words[-1].append(sign)
    ids = {_id(_hashed(word)) for word in words}
    return ids | {_id(_hashed([*one, _SPACE, *other])) for one, other in pairwise(words)}


def _hashed(signs: list[int]) -> int:
    state = _BASIS
    for sign in signs:
        state = ((state ^ sign) * _PRIME) & _WHOLE
    return state


def _id(state: int) -> int:
    return (state * _SPREAD & _WHOLE) >> 49


def _parts(signs: NDArray[np.uint32], kinds: NDArray[np.int64]) -> list[int]:
    """Parts of what stands between blanks, one blank at each end taken with it."""
    blank = kinds == BLANK
    # each run of blanks as one space, one at both ends: words then share the spaces between
    kept = ~blank
    kept[1:] |= blank[1:] & ~blank[:-1]
    padded = np.where(blank, _SPACE, signs)[kept].astype(np.uint64)
    if len(padded) and padded[0] != _SPACE:
        padded = np.concatenate([[np.uint64(_SPACE)], padded])
    if len(padded) and padded[-1] != _SPACE:
        padded = np.concatenate([padded, [np.uint64(_SPACE)]])
    spaces = np.concatenate([[0], np.cumsum(padded == _SPACE)])
    state = np.full(len(padded), _BASIS, dtype=np.uint64)
    found: list[int] = []
    for length in range(1, LONGEST + 1):
        starts = len(padded) - length + 1
        if starts <= 0:
            break
        state = (state[:starts] ^ padded[length - 1 :]) * np.uint64(_PRIME)
        if length < SHORTEST:
            continue
        # none reaches over a space: only its ends may be one
        inner = spaces[length - 1 : length - 1 + starts] - spaces[1 : 1 + starts]
        ids = (state * np.uint64(_SPREAD)) >> np.uint64(49)
        found += (ids[inner == 0] + np.uint64(CHARACTERS)).tolist()
    return found
