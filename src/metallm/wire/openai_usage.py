"""Usage in OpenAI's chat completions, normalised once.

There prompt_tokens include those read from a cache, and completion_tokens include reasoning;
some hosts that speak the wire count reasoning in total_tokens alone.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from metallm.core.price import Usage

if TYPE_CHECKING:
    from collections.abc import Mapping


def read_usage(usage: object, service: object = None) -> Usage | None:
    """Billed tokens from a `usage` object.

    Args:
        usage: what stood under "usage", of any type.
        service: what stood beside it under "service_tier", of any type.

    Returns:
        Usage whose parts never exceed the whole, so that no token is billed twice; None where
        there is no object or it names no input tokens.
    """
    if not isinstance(usage, dict):
        return None
    prompt = count(usage.get("prompt_tokens"))
    if prompt is None:
        return None
    completion = count(usage.get("completion_tokens")) or 0
    asked = _object(usage.get("prompt_tokens_details"))
    answered = _object(usage.get("completion_tokens_details"))
    cached = _first(asked.get("cached_tokens"), usage.get("prompt_cache_hit_tokens"))
    written = _first(asked.get("cache_write_tokens"), usage.get("cache_creation_input_tokens"))
    hour = _first(asked.get("cache_write_1h_tokens"))
    reasoning = _first(answered.get("reasoning_tokens"))
    beyond = (count(usage.get("total_tokens")) or 0) - prompt - completion
    if beyond > 0 and reasoning in {0, beyond}:
        completion += beyond
        reasoning = beyond
    cached = min(cached, prompt)
    written = min(written, prompt - cached)
    return Usage(
        input_tokens=prompt,
        output_tokens=completion,
        cached_tokens=cached,
        cache_write_tokens=written,
        reasoning_tokens=min(reasoning, completion),
        cache_write_1h_tokens=min(hour, written),
        service=service if isinstance(service, str) else None,
    )


def write_usage(usage: Usage) -> dict[str, Any]:
    """The `usage` object that `read_usage` reads back."""
    asked: dict[str, int] = {"cached_tokens": usage.cached_tokens}
    if usage.cache_write_tokens:
        asked["cache_write_tokens"] = usage.cache_write_tokens
    if usage.cache_write_1h_tokens:
        asked["cache_write_1h_tokens"] = usage.cache_write_1h_tokens
    return {
        "prompt_tokens": usage.input_tokens,
        "completion_tokens": usage.output_tokens,
        "total_tokens": usage.input_tokens + usage.output_tokens,
        "prompt_tokens_details": asked,
        "completion_tokens_details": {"reasoning_tokens": usage.reasoning_tokens},
    }


def count(value: object) -> int | None:
    """A count of tokens; None for anything else."""
    if isinstance(value, bool) or not isinstance(value, int | float):
        return None
    return int(value) if value >= 0 and value != float("inf") else None


def _first(*values: object) -> int:
    """The first value that is a count, or 0."""
    return next((count for count in map(count, values) if count is not None), 0)


def _object(value: object) -> Mapping[str, Any]:
    return value if isinstance(value, dict) else {}
