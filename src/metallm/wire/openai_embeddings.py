"""OpenAI's embeddings, which pass through: only the model's name and the bill are ours to know."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import orjson

from metallm.wire.openai_usage import read_usage

if TYPE_CHECKING:
    from collections.abc import Mapping

    from metallm.core.arm import Arm
    from metallm.core.price import Usage

PATH = "/embeddings"
"""Where an API takes these requests, below its base URL."""


def write_request(arm: Arm, body: Mapping[str, Any]) -> bytes:
    """What the caller sent, with the model that the host knows."""
    return orjson.dumps({**body, "model": arm.upstream_model})


def read_bill(raw: bytes) -> Usage | None:
    """Billed tokens of an answer; None where it tells none."""
    try:
        document = orjson.loads(raw)
    except orjson.JSONDecodeError:
        return None
    return read_usage(document.get("usage")) if isinstance(document, dict) else None
