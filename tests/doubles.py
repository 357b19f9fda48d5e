"""Small doubles that several tests share: a quick embedder, ids and a clock that count."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from hashlib import blake2b
from itertools import count
from typing import Any

import numpy as np

import metallm
from metallm.core.arrays import Context
from metallm.providers.scripted import ScriptedProvider


class HashEmbedder:
    """A context of 8 numbers from a text's hash, with a first entry that says "easy" or "hard"."""

    id = "hash-8"
    dim = 8

    def embed(self, texts: Sequence[str]) -> Context:
        """Contexts, shape (n, 8)."""
        return np.array([self._one(text) for text in texts], dtype=np.float32).reshape(-1, 8)

    def _one(self, text: str) -> list[float]:
        digest = blake2b(text.encode(), digest_size=7).digest()
        level = 2.0 if "hard" in text else -2.0
        return [level, *(byte / 256.0 - 0.5 for byte in digest)]


def counting_ids() -> Callable[[], str]:
    """Ids dec_0, dec_1, ..."""
    numbers: Iterator[int] = count()
    return lambda: f"dec_{next(numbers)}"


CHEAP = metallm.Arm("sim/cheap", 0.1, 0.2)
DEAR = metallm.Arm("sim/dear", 10.0, 20.0)
"""A hundred times as dear."""


def yes_router(**options: Any) -> metallm.Router:
    """A router of a cheap and a dear arm that always say "yes"."""
    return metallm.Router(
        [CHEAP, DEAR],
        embedder=HashEmbedder(),
        clock=lambda: 1000.0,
        new_id=counting_ids(),
        provider=ScriptedProvider(lambda _arm, _request: "yes"),
        **options,
    )
