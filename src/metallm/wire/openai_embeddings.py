"""OpenAI's embeddings, which pass through: only the model's name and the bill are ours to know.

The sandbox, which answers by itself, reads and writes the rest.
"""

from __future__ import annotations

from base64 import b64encode
from typing import TYPE_CHECKING, Any

import orjson

from metallm.errors import InputError, ProviderUnavailableError
from metallm.wire.bodies import written
from metallm.wire.documents import answer_json, answer_object
from metallm.wire.openai_errors import error_in
from metallm.wire.openai_usage import read_usage

if TYPE_CHECKING:
    from collections.abc import Mapping

    import numpy as np
    from numpy.typing import NDArray

    from metallm.core.arm import Arm
    from metallm.core.price import Usage

Text = str | list[int]
"""What is embedded: a text, or its tokens."""

PATH = "/embeddings"
"""Where an API takes these requests, below its base URL."""

LARGE = 2**16
"""Bytes from which an answer is not read as a whole; no error in place of an answer is so long."""


def write_request(arm: Arm, body: Mapping[str, Any]) -> bytes:
    """What the caller sent, with the model that the host knows.

    Raises:
        InputError: a value that JSON cannot carry.
    """
    return written({**body, "model": arm.upstream_model})


def read_texts(body: Mapping[str, Any]) -> list[Text]:
    """The texts of a request, in any of the four shapes that it may have.

    Raises:
        InputError: another shape, or an empty text.
    """
    given = body.get("input")
    alone = isinstance(given, str) or (isinstance(given, list) and is_tokens(given))
    texts = [given] if alone else given
    if not isinstance(texts, list) or not all(isinstance(t, str) or is_tokens(t) for t in texts):
        raise InputError("input must be a text, tokens, or a list of them")
    if not texts or not all(texts):
        raise InputError("input must not be empty")
    return texts


def is_tokens(item: object) -> bool:
    """Whether this is one text as tokens."""
    return isinstance(item, list) and bool(item) and all(type(each) is int for each in item)


def write_answer(
    model: str, vectors: NDArray[np.float32], usage: Usage | None, *, packed: bool
) -> bytes:
    """An answer.

    Args:
        model: who answers.
        vectors: shape (n, d), float32.
        usage: billed tokens; left out where None.
        packed: whether numbers go as base64 of their bytes (`encoding_format`).
    """
    rows: list[Any] = vectors.tolist()
    if packed:
        rows = [b64encode(row.astype("<f4").tobytes()).decode() for row in vectors]
    data = [
        {"object": "embedding", "index": place, "embedding": row} for place, row in enumerate(rows)
    ]
    document: dict[str, Any] = {"object": "list", "data": data, "model": model}
    if usage is not None:
        tokens = usage.input_tokens
        document["usage"] = {"prompt_tokens": tokens, "total_tokens": tokens}
    return orjson.dumps(document)


def read_bill(arm: str, raw: bytes) -> Usage | None:
    """Billed tokens of an answer; None where it tells none.

    Args:
        arm: the model's name, for messages.
        raw: the answer's bytes.

    Raises:
        ProviderUnavailableError: no JSON, no embeddings, or an error in their place.
    """
    document = _end(raw) if len(raw) > LARGE else None
    if document is None:
        document = _whole(arm, raw)
    return read_usage(document.get("usage"))


def _end(raw: bytes) -> dict[str, Any] | None:
    """An answer from its usage on, which stands behind megabytes of numbers; None elsewhere.

    What is read ends with the brace that closes the answer, so nothing deeper is mistaken for it.
    """
    place = raw.rfind(b'"usage"')
    if place < 0 or not raw[:LARGE].lstrip().startswith(b"{"):
        return None
    try:
        found: dict[str, Any] = orjson.loads(b"{" + raw[place:])
    except orjson.JSONDecodeError:
        return None
    return found


def _whole(arm: str, raw: bytes) -> dict[str, Any]:
    document = answer_object(arm, answer_json(arm, raw))
    if (problem := error_in(document)) is not None:
        told = problem.kind or "no kind given"
        raise ProviderUnavailableError(
            arm, f"an error came in place of embeddings ({told})", status=problem.status
        )
    if not isinstance(document.get("data"), list):
        raise ProviderUnavailableError(arm, "the answer has no embeddings")
    return document
