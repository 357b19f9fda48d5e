"""Usage in Gemini's API, normalised once.

There promptTokenCount INCLUDES those read from a cache and excludes the results of Google's own
tools; candidatesTokenCount EXCLUDES thoughts, on most hosts. Counts of zero are left out.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from metallm.core.price import Usage
from metallm.wire.openai_usage import count

if TYPE_CHECKING:
    from collections.abc import Mapping


def read_usage(metadata: object) -> Usage | None:
    """Billed tokens from a `usageMetadata` object.

    Args:
        metadata: what stood under "usageMetadata", of any type.

    Returns:
        Usage with thoughts in `output_tokens`; None where there is no object or it names no tokens
        of the prompt.
    """
    if not isinstance(metadata, dict):
        return None
    prompt = count(metadata.get("promptTokenCount"))
    if prompt is None:
        return None
    prompt += _count(metadata, "toolUsePromptTokenCount")
    told, thought = _count(metadata, "candidatesTokenCount"), _count(metadata, "thoughtsTokenCount")
    # the total tells where the thoughts are counted among what was said
    included = thought <= told and _count(metadata, "totalTokenCount") == prompt + told
    return Usage(
        input_tokens=prompt,
        output_tokens=told if included else told + thought,
        cached_tokens=min(_count(metadata, "cachedContentTokenCount"), prompt),
        reasoning_tokens=thought,
    )


def write_usage(usage: Usage) -> dict[str, Any]:
    """The `usageMetadata` object that `read_usage` reads back, cache writes apart."""
    told: dict[str, Any] = {
        "promptTokenCount": usage.input_tokens,
        "candidatesTokenCount": usage.output_tokens - usage.reasoning_tokens,
        "totalTokenCount": usage.input_tokens + usage.output_tokens,
    }
    if usage.cached_tokens:
        told["cachedContentTokenCount"] = usage.cached_tokens
    if usage.reasoning_tokens:
        told["thoughtsTokenCount"] = usage.reasoning_tokens
    return told


def _count(metadata: Mapping[str, Any], name: str) -> int:
    return count(metadata.get(name)) or 0
