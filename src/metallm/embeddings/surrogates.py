r"""Lone surrogates: half of a pair, which stands for nothing alone and which no UTF-8 can hold.

JSON can carry one ("\ud83d" cut off an emoji), and tokenizers refuse a text with it.
"""

from __future__ import annotations

import re

_LONE = re.compile("[\ud800-\udfff]")
_UNKNOWN_SIGN = "\ufffd"


def without_lone(text: str) -> str:
    """The text with U+FFFD, the sign for what is unknown, in place of each."""
    return _LONE.sub(_UNKNOWN_SIGN, text)
