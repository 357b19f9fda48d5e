"""Token ids of a text, word by word: what was tokenized once is looked up.

The tokenizer (byte pair encoding, Sennrich et al. 2016, in LLaMA's variant) sets "▁" for each space
and one in front of the text. No token of it has a "▁" after another sign, so no merge ever crosses
the end of a word: the ids of a text are those of its words, one after the other. A tokenizer whose
tokens do reach over words is refused.
"""

from __future__ import annotations

import re
from itertools import pairwise
from typing import TYPE_CHECKING

import numpy as np

from metallm.embeddings.surrogates import without_lone
from metallm.errors import ConfigurationError

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from numpy.typing import NDArray
    from tokenizers import Tokenizer

CAPACITY = 50_000
"""Words that are kept, some ten MB; when they are too many all are forgotten."""

LONGEST = 40
"""Characters of a word that is kept; what is longer seldom comes again."""

_SPACE = "▁"
_NUMBER = re.compile(r"[0-9]{1,20}[?!.,;:%)]?")
_BYTE = re.compile(r"<0x[0-9A-F]{2}>")
_DIGIT = re.compile("[0-9]")
_SEGMENT = re.compile(r" +[^ ]*")
_REACHES_OVER = re.compile(f"[^{_SPACE}]{_SPACE}")


class _Known(dict[str, bytes]):
    """Ids of words that were met. Numbers come new all the time, and need no tokenizer.

    Args:
        blank: what is known at first: the ids of "".
        single: ids of digits and of the signs that may end a number; none where a digit may be part
            of a longer token.
    """

    def __init__(self, blank: Mapping[str, bytes], single: Mapping[str, bytes]) -> None:
        super().__init__(blank)
        self._front, self._single = blank[""], single

    def tells(self, word: str) -> bool:
        """Whether a word's ids can be had from here."""
        return word in self or (bool(self._single) and _NUMBER.fullmatch(word) is not None)

    def __missing__(self, word: str) -> bytes:
        if self.tells(word):
            return self._front + b"".join(map(self._single.__getitem__, word))
        raise KeyError(word)


class WordTokenizer:
    """The ids that a tokenizer gives, from the words' ids. Safe to use from several threads.

    Args:
        tokenizer: with neither padding nor truncation.

    Raises:
        ConfigurationError: a tokenizer with tokens that reach over the end of a word.
    """

    def __init__(self, tokenizer: Tokenizer) -> None:
        vocabulary: dict[str, int] = tokenizer.get_vocab(with_added_tokens=True)
        across = next(filter(_REACHES_OVER.search, vocabulary), None)
        if across is not None:
            raise ConfigurationError(
                f"this tokenizer cannot go word by word: its token {across!r} reaches over two"
            )
        if _SPACE not in vocabulary:
            raise ConfigurationError(
                f"this tokenizer cannot go word by word: it has none for {_SPACE!r}"
            )
        self._tokenizer = tokenizer
        self._starts = np.zeros(max(vocabulary.values()) + 1, dtype=np.bool_)
        self._starts[[place for token, place in vocabulary.items() if token[:1] == _SPACE]] = True
        self._blank = {"": _bytes([vocabulary[_SPACE]])}
        self._single = _single_signs(vocabulary)
        self._known = self._forgotten()
        odd = [_SPACE, *(token.content for token in tokenizer.get_added_tokens_decoder().values())]
        # texts that hold one of these are not cut at spaces alone; their first signs are rare, and
        # looking for a sign takes next to nothing
        self._odd = re.compile("|".join(map(re.escape, odd)))
        self._odd_signs = tuple({token[0] for token in odd})
        # the parts of one context ask for the same text one after another
        self._last = ("", self._cut(""))

    def ids(self, text: str) -> NDArray[np.int64]:
        """Ids of a text's tokens, without special ones; read-only.

        A lone surrogate, which no UTF-8 can hold, counts as U+FFFD.
        """
        known, ids = self._last
        if known != text:
            ids = self._cut(text)
            self._last = (text, ids)
        return ids

    def _cut(self, text: str) -> NDArray[np.int64]:
        if not text or self._is_odd(text):
            return np.frombuffer(_bytes(self._encoded(text)), dtype=np.int64)
        words: Sequence[str] = text.split(" ")
        if "" in words:  # several spaces in a row, or at an end
            words = [segment[1:] for segment in _SEGMENT.findall(" " + text)]
        try:
            found = b"".join(map(self._known.__getitem__, words))
        except KeyError:
            found = self._learned(words)
        return np.frombuffer(found, dtype=np.int64)

    def _is_odd(self, text: str) -> bool:
        for sign in self._odd_signs:
            if sign in text:
                return self._odd.search(text) is not None
        return False

    def _learned(self, words: Sequence[str]) -> bytes:
        """The ids of words some of which are new; those are kept."""
        known = self._known
        fresh = self._fresh({word for word in words if word not in known and not known.tells(word)})
        found = b"".join([fresh.get(word) or known[word] for word in words])
        kept = {word: ids for word, ids in fresh.items() if len(word) <= LONGEST}
        if len(known) + len(kept) > CAPACITY:
            # a new mapping, not an emptied one: another thread may be reading
            self._known = known = self._forgotten()
        known.update(kept)
        return found

    def _forgotten(self) -> _Known:
        """What is known before any word was met."""
        return _Known(self._blank, self._single)

    def _fresh(self, new: set[str]) -> dict[str, bytes]:
        """The ids of new words."""
        fresh: dict[str, bytes] = {}
        plain: list[str] = []
        for word in new:
            if word[0] == " ":
                fresh[word] = _bytes(self._encoded(word))
            else:
                plain.append(word)
        if plain:
            # all in one call; each word begins with the one token in it that begins with "▁"
            together = np.array(self._encoded(" ".join(plain)), dtype=np.int64)
            cuts = [*(np.flatnonzero(self._starts[together]) * together.itemsize).tolist(), None]
            ids = together.tobytes()
            parts = (ids[start:end] for start, end in pairwise(cuts))
            fresh.update(zip(plain, parts, strict=True))
        return fresh

    def _encoded(self, text: str) -> list[int]:
        ids: list[int] = self._tokenizer.encode(without_lone(text), add_special_tokens=False).ids
        return ids


def _single_signs(vocabulary: Mapping[str, int]) -> dict[str, bytes]:
    """The ids of digits and of the signs that may end a number, where each is a token of its own.

    Empty where a digit is part of any longer token: then numbers go the way of words.
    """
    signs = "0123456789?!.,;:%)"
    digits = filter(_DIGIT.search, vocabulary)
    if any(len(token) > 1 and not _BYTE.fullmatch(token) for token in digits):
        return {}
    if not all(sign in vocabulary for sign in signs):
        return {}
    return {sign: _bytes([vocabulary[sign]]) for sign in signs}


def _bytes(ids: Sequence[int]) -> bytes:
    return np.array(ids, dtype=np.int64).tobytes()
