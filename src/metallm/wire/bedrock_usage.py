"""Usage in Bedrock's Converse, normalised once.

There inputTokens EXCLUDE those read from or written to the cache, as in Anthropic's wire; models of
OpenAI's tell them, in streams, with those of the cache among them. Thoughts are in outputTokens and
not told apart.
"""

from __future__ import annotations

from typing import Any

from metallm.core.price import Usage
from metallm.wire.openai_usage import count
from metallm.wire.words import fields, word


def read_usage(usage: object, *, counts_all: bool = False, service: object = None) -> Usage | None:
    """Billed tokens from a `usage` object.

    Args:
        usage: what stood under "usage", of any type.
        counts_all: whether the input may be told with the cache's tokens among it. Where it is less
            than they are, it was not.
        service: what stood beside it under "serviceTier", of any type.

    Returns:
        Usage with all of the input in `input_tokens`; None where there is no object or it names no
        input tokens.
    """
    if not isinstance(usage, dict):
        return None
    told = count(usage.get("inputTokens"))
    if told is None:
        return None
    read = count(usage.get("cacheReadInputTokens")) or 0
    written = count(usage.get("cacheWriteInputTokens")) or 0
    if not (counts_all and told >= read + written):
        told += read + written
    return Usage(
        input_tokens=told,
        output_tokens=count(usage.get("outputTokens")) or 0,
        cached_tokens=read,
        cache_write_tokens=written,
        cache_write_1h_tokens=min(_kept_for_an_hour(usage.get("cacheDetails")), written),
        service=word(fields(service).get("type")) or None,
    )


def write_usage(usage: Usage) -> dict[str, Any]:
    """The `usage` object that `read_usage` reads back, reasoning apart."""
    written, hour = usage.cache_write_tokens, usage.cache_write_1h_tokens
    told: dict[str, Any] = {
        "inputTokens": usage.input_tokens - usage.cached_tokens - written,
        "outputTokens": usage.output_tokens,
        "totalTokens": usage.input_tokens + usage.output_tokens,
    }
    if usage.cached_tokens or written:
        told["cacheReadInputTokens"] = usage.cached_tokens
        told["cacheWriteInputTokens"] = written
    if hour:
        details = [{"ttl": "1h", "inputTokens": hour}]
        if written > hour:
            details.append({"ttl": "5m", "inputTokens": written - hour})
        told["cacheDetails"] = details
    return told


def _kept_for_an_hour(details: object) -> int:
    listed = details if isinstance(details, list) else []
    return sum(
        count(each.get("inputTokens")) or 0
        for each in listed
        if isinstance(each, dict) and each.get("ttl") == "1h"
    )
