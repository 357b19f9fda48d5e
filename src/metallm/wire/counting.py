"""How long a request is by its host's own count: what is sent for it, and what comes back."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import orjson

from metallm.errors import ProviderUnavailableError
from metallm.wire.openai_usage import count
from metallm.wire.words import fields

if TYPE_CHECKING:
    from collections.abc import Collection

    from metallm.core.arm import Arm


def counted(body: bytes, names: Collection[str]) -> dict[str, Any]:
    """The fields of a request that have an influence on its length.

    Args:
        body: of the request, JSON.
        names: of the fields that the host counts; it refuses others.
    """
    return {name: value for name, value in fields(orjson.loads(body)).items() if name in names}


def read_tokens(arm: Arm, raw: bytes, name: str) -> int:
    """The tokens that a host counted.

    Args:
        arm: whose host.
        raw: its answer.
        name: of the field that tells.

    Raises:
        ProviderUnavailableError: the answer has no such count.
    """
    try:
        tokens = count(fields(orjson.loads(raw)).get(name))
    except orjson.JSONDecodeError:
        tokens = None
    if tokens is None:
        raise ProviderUnavailableError(arm.name, "the answer counts no tokens")
    return tokens
