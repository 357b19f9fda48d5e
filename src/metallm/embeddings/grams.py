"""What a student reads of a text: hashed words, pairs of words, and parts of words.

Words tell what a text says; parts of them, three to five signs with the blanks around, forgive
spellings and endings, and need no notion of what a word is in a script. What is kept is whether a
part is there, not how often: short texts seldom repeat. Hashing (Weinberger et al. 2009, arXiv
0902.2206) needs no vocabulary, and 65,536 ids fit a log: two bytes each, and no text.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from metallm import inner

if TYPE_CHECKING:
    from numpy.typing import NDArray

MAX_CHARACTERS = 4096
"""What comes after is not read."""


def grams(text: str) -> NDArray[np.uint16]:
    """Sorted distinct ids of a text's parts, shape (n,), read-only; none of an empty text.

    Words and pairs of words are hashed to ids below 32,768, parts of 3 to 5 signs to those above.
    Case does not matter. Where a script has no blanks between words each sign counts as a word.
    The same text has the same ids on every machine.
    """
    # some signs are two in lower case, hence the second cut
    lowered = text[:MAX_CHARACTERS].lower()[:MAX_CHARACTERS]
    return np.frombuffer(inner.gram_ids(lowered), dtype=np.uint16)
