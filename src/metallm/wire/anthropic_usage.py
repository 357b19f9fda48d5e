"""Usage in Anthropic's Messages, normalised once.

There input_tokens EXCLUDE those read from or written to the cache; output_tokens include thinking.
"""

from __future__ import annotations

from typing import Any

from metallm.core.price import Usage
from metallm.wire.openai_usage import count
from metallm.wire.words import fields


def read_usage(usage: object) -> Usage | None:
    """Billed tokens from a `usage` object.

    Args:
        usage: what stood under "usage", of any type; in a stream, the parts put together.

    Returns:
        Usage with all of the input in `input_tokens`; None where there is no object or it names no
        input tokens.
    """
    if not isinstance(usage, dict):
        return None
    plain = count(usage.get("input_tokens"))
    if plain is None:
        return None
    output = count(usage.get("output_tokens")) or 0
    read = count(usage.get("cache_read_input_tokens")) or 0
    written = count(usage.get("cache_creation_input_tokens")) or 0
    hour = count(fields(usage.get("cache_creation")).get("ephemeral_1h_input_tokens")) or 0
    thought = count(fields(usage.get("output_tokens_details")).get("thinking_tokens")) or 0
    service = usage.get("service_tier")
    return Usage(
        input_tokens=plain + read + written,
        output_tokens=output,
        cached_tokens=read,
        cache_write_tokens=written,
        reasoning_tokens=min(thought, output),
        cache_write_1h_tokens=min(hour, written),
        service=service if isinstance(service, str) else None,
    )


def write_usage(usage: Usage) -> dict[str, Any]:
    """The `usage` object that `read_usage` reads back."""
    written, hour = usage.cache_write_tokens, usage.cache_write_1h_tokens
    told: dict[str, Any] = {
        "input_tokens": usage.input_tokens - usage.cached_tokens - written,
        "cache_creation_input_tokens": written,
        "cache_read_input_tokens": usage.cached_tokens,
        "output_tokens": usage.output_tokens,
    }
    if hour:
        told["cache_creation"] = {
            "ephemeral_5m_input_tokens": written - hour,
            "ephemeral_1h_input_tokens": hour,
        }
    if usage.reasoning_tokens:
        told["output_tokens_details"] = {"thinking_tokens": usage.reasoning_tokens}
    return told
