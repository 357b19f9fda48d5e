"""What arms, calls and tokens are called in OpenTelemetry's conventions for GenAI.

Source: https://github.com/open-telemetry/semantic-conventions, docs/gen-ai, version 1.41.
"""

from __future__ import annotations

import asyncio
from types import MappingProxyType
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from metallm.errors import ConfigurationError, ProviderError, ProviderTimeoutError
from metallm.providers.registry import endpoint

if TYPE_CHECKING:
    from collections.abc import Mapping

    from metallm.core.arm import Arm
    from metallm.core.price import Usage

PROVIDERS: Mapping[str, str] = MappingProxyType(
    {"bedrock": "aws.bedrock", "gemini": "gcp.gemini", "mistral": "mistral_ai", "xai": "x_ai"}
)
"""Providers that the conventions call otherwise than we do."""

CANCELLED = "cancelled"

_PORTS = {"http": 80, "https": 443}


def call_names(arm: Arm, operation: str) -> Mapping[str, str | int]:
    """Attributes of every call of an arm, all from the settings: they are as few as the arms.

    Args:
        arm: who is asked.
        operation: "chat" or "embeddings".
    """
    name = arm.provider.lower()
    return {
        "gen_ai.operation.name": operation,
        "gen_ai.provider.name": PROVIDERS.get(name, name),
        "gen_ai.request.model": arm.upstream_model,
        **_server(arm),
    }


def usage_names(usage: Usage) -> Mapping[str, int]:
    """Attributes of an answer's tokens; parts that a provider has not told of are left out."""
    parts = {
        "gen_ai.usage.cache_read.input_tokens": usage.cached_tokens,
        "gen_ai.usage.cache_creation.input_tokens": usage.cache_write_tokens,
        "gen_ai.usage.reasoning.output_tokens": usage.reasoning_tokens,
    }
    return {
        "gen_ai.usage.input_tokens": usage.input_tokens,
        "gen_ai.usage.output_tokens": usage.output_tokens,
        **{name: count for name, count in parts.items() if count},
    }


def error_type(error: BaseException) -> str:
    """The kind of an error: the host's status, or else one of our classes; never its words."""
    if isinstance(error, GeneratorExit | asyncio.CancelledError):
        return CANCELLED
    if isinstance(error, ProviderTimeoutError):
        return "timeout"
    if isinstance(error, ProviderError) and error.status is not None:
        return str(error.status)
    return type(error).__name__


def _server(arm: Arm) -> dict[str, str | int]:
    """Host and port; nothing where an arm has none, as behind a provider that is no HTTP."""
    try:
        parts = urlsplit(endpoint(arm).base_url)
    except ConfigurationError:
        return {}
    port = parts.port or _PORTS.get(parts.scheme)
    if parts.hostname is None or port is None:
        return {}
    return {"server.address": parts.hostname, "server.port": port}
