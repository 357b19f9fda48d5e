"""What the caller tells of a query beside its text, as entries of the context.

A named task, else the system prompt, else the labels that are asked about: each name is a direction
of its own, so that queries of one task lie closer together than their texts say. And the shape of
the conversation: whether there is a system prompt, how long it has gone on, what it carries along.
A bare text tells nothing, and all entries are 0.
"""

from __future__ import annotations

import math
from functools import lru_cache
from hashlib import blake2b
from typing import TYPE_CHECKING

import numpy as np

from metallm.core.query import CHARACTERS_PER_TOKEN, message_text

if TYPE_CHECKING:
    from collections.abc import Sequence

    from metallm.core.arrays import Context
    from metallm.core.query import Query

NAME_DIM = 32
"""Entries for the name: so many that the directions of two names hardly ever meet."""

NAME_LENGTH = 0.5
"""Beside an embedding of length 1; .5 and .75 were measured to tie, .25 and 1 are a bit worse."""

SHAPE_DIM = 3
SHAPE_SPREAD = 0.3

DIM = NAME_DIM + SHAPE_DIM


def told(queries: Sequence[Query], labels: tuple[str, ...] = ()) -> Context:
    """What is told of n queries, shape (n, DIM), float32; arguments as for `tell`."""
    out = np.zeros((len(queries), DIM), dtype=np.float32)
    tell(queries, labels, out)
    return out


def tell(queries: Sequence[Query], labels: tuple[str, ...], out: Context) -> None:
    """Write what is told of n queries.

    Args:
        queries: n queries.
        labels: the labels that are asked about; none where the answer is free.
        out: zeros of shape (n, DIM), float32.
    """
    for row, query in enumerate(queries):
        several = len(query.messages) > 1
        name = query.task or (several and _system_prompt(query)) or "\n".join(labels)
        if name:
            out[row, :NAME_DIM] = _direction(name)
        if several:
            out[row, NAME_DIM:] = _shape(query)


@lru_cache(maxsize=4096)
def _direction(name: str) -> Context:
    """A direction for a name, the same on every machine, shape (NAME_DIM,)."""
    digest = blake2b(name.encode("utf-8", "surrogatepass"), digest_size=2 * NAME_DIM).digest()
    # sixteen bits an entry: uniform numbers do as well as normal ones
    entries = np.frombuffer(digest, "<u2") / 65535.0 - 0.5
    direction: Context = (NAME_LENGTH * entries / np.linalg.norm(entries)).astype(np.float32)
    return direction


def _system_prompt(query: Query) -> str:
    prompts = (message_text(each) for each in query.messages if each["role"] in _INSTRUCTIONS)
    return "\n".join(prompts)


def _shape(query: Query) -> list[float]:
    roles = [message["role"] for message in query.messages]
    own = len(query.text) / CHARACTERS_PER_TOKEN
    entries = (
        float(any(role in _INSTRUCTIONS for role in roles)),
        math.log2(max(sum(role == "user" for role in roles), 1)),
        math.log((query.input_tokens + 10.0) / (own + 10.0)),
    )
    return [SHAPE_SPREAD * entry for entry in entries]


_INSTRUCTIONS = frozenset({"system", "developer"})
