"""Embeddings that stand for a model's: texts that share words are near.

They are the same in every run, under every model's name, and mean nothing beyond that.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from hashlib import blake2b
from typing import TYPE_CHECKING, Any

import numpy as np

from metallm.core.price import Usage
from metallm.core.query import CHARACTERS_PER_TOKEN
from metallm.errors import InputError
from metallm.wire.openai_embeddings import read_texts, write_answer

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from numpy.typing import NDArray

    from metallm.wire.openai_embeddings import Text

DIMENSIONS = 256
MOST_DIMENSIONS = 4096

MOST_TEXTS = 2048
"""Of one request, as OpenAI has it."""

_WORD = re.compile(r"\w+")


@dataclass(frozen=True, slots=True)
class Wanted:
    """What a request asks for.

    Args:
        model: any name.
        texts: to be embedded.
        dimensions: of a vector.
        packed: whether numbers go as base64.
    """

    model: str
    texts: Sequence[Text]
    dimensions: int
    packed: bool

    @classmethod
    def read(cls, body: Mapping[str, Any]) -> Wanted:
        """Read a request.

        Raises:
            InputError: a field is missing or out of range.
        """
        model, form = body.get("model"), body.get("encoding_format") or "float"
        if not isinstance(model, str) or not model:
            raise InputError("model must name an embedding model; the sandbox takes any name")
        texts = read_texts(body)
        if len(texts) > MOST_TEXTS:
            raise InputError(f"input holds {len(texts)} texts; {MOST_TEXTS} are the most")
        dimensions = body.get("dimensions")
        dimensions = DIMENSIONS if dimensions is None else dimensions
        if type(dimensions) is not int or not 0 < dimensions <= MOST_DIMENSIONS:
            raise InputError(f"dimensions must be a whole number from 1 to {MOST_DIMENSIONS}")
        if form not in {"float", "base64"}:
            raise InputError("encoding_format must be 'float' or 'base64'")
        return cls(model, texts, dimensions, form == "base64")

    def answer(self, *, usage: bool = True) -> bytes:
        """What is answered, with or without what it is billed."""
        vectors = np.stack([vector(text, self.dimensions) for text in self.texts])
        billed = Usage(sum(_tokens(text) for text in self.texts), 0) if usage else None
        return write_answer(self.model, vectors, billed, packed=self.packed)


def vector(text: Text, dimensions: int) -> NDArray[np.float32]:
    """A text's vector, shape (d,), float32, of length 1.

    Fewer dimensions give the beginning of the same direction.
    """
    words = text if isinstance(text, list) else _WORD.findall(text.lower()) or [text]
    total = np.sum([_direction(f"{word}", dimensions) for word in words], axis=0)
    return np.asarray(total / np.linalg.norm(total), dtype=np.float32)


def _direction(word: str, dimensions: int) -> NDArray[np.float64]:
    seed = int.from_bytes(blake2b(word.encode(), digest_size=8).digest())
    return np.random.default_rng(seed).standard_normal(dimensions)


def _tokens(text: Text) -> int:
    if isinstance(text, list):
        return len(text)
    return max(1, round(len(text) / CHARACTERS_PER_TOKEN))
