"""Hosts as rows of data: where each provider's API is, what it speaks, and who holds its key."""

from __future__ import annotations

import ipaddress
import os
from dataclasses import dataclass
from functools import lru_cache
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from metallm.core.wires import ANTHROPIC, BEDROCK, GEMINI, OPENAI, RESPONSES
from metallm.errors import ConfigurationError, ProviderAuthError
from metallm.providers.aws_region import region_of
from metallm.wire.wires import WIRES

if TYPE_CHECKING:
    from collections.abc import Mapping

    from metallm.core.arm import Arm
    from metallm.wire.base import Wire


@dataclass(frozen=True, slots=True)
class Host:
    """One provider.

    Args:
        name: the part of an arm's name before the slash.
        base_url: root of its API; the wire adds the path. "{region}" in it stands for AWS's region,
            a name in capitals for the environment variable that holds that part.
        api_key_env: the environment variable that holds the key; None where none is needed.
        wire: what the API speaks.
        openai_url: root of its OpenAI-compatible API, for arms that ask for that wire; None where
            it is `base_url` too.
        signed: whether requests can be signed where there is no key.
    """

    name: str
    base_url: str
    api_key_env: str | None = None
    wire: str = OPENAI
    openai_url: str | None = None
    signed: bool = False


@dataclass(frozen=True, slots=True)
class Endpoint:
    """Where an arm's requests go.

    Args:
        base_url: without a slash at its end.
        api_key_env: the variable that holds the key; None sends none.
        key_required: whether a missing key is an error.
        signed: whether requests are signed where there is no key.
    """

    base_url: str
    api_key_env: str | None
    key_required: bool
    signed: bool = False


HOSTS: Mapping[str, Host] = {
    host.name: host
    for host in (
        Host("anthropic", "https://api.anthropic.com/v1", "ANTHROPIC_API_KEY", ANTHROPIC),
        Host("azure", "{AZURE_OPENAI_ENDPOINT}/openai/v1", "AZURE_OPENAI_API_KEY"),
        Host(
            "bedrock",
            "https://bedrock-runtime.{region}.amazonaws.com",
            "AWS_BEARER_TOKEN_BEDROCK",
            BEDROCK,
            openai_url="https://bedrock-runtime.{region}.amazonaws.com/openai/v1",
            signed=True,
        ),
        Host("cerebras", "https://api.cerebras.ai/v1", "CEREBRAS_API_KEY"),
        Host("cohere", "https://api.cohere.ai/compatibility/v1", "COHERE_API_KEY"),
        Host("deepinfra", "https://api.deepinfra.com/v1/openai", "DEEPINFRA_API_KEY"),
        Host("deepseek", "https://api.deepseek.com/v1", "DEEPSEEK_API_KEY"),
        Host("fireworks", "https://api.fireworks.ai/inference/v1", "FIREWORKS_API_KEY"),
        Host(
            "gemini",
            "https://generativelanguage.googleapis.com/v1beta",
            "GEMINI_API_KEY",
            GEMINI,
            openai_url="https://generativelanguage.googleapis.com/v1beta/openai",
        ),
        Host("groq", "https://api.groq.com/openai/v1", "GROQ_API_KEY"),
        Host("huggingface", "https://router.huggingface.co/v1", "HF_TOKEN"),
        Host("llamacpp", "http://127.0.0.1:8080/v1"),
        Host("lmstudio", "http://127.0.0.1:1234/v1"),
        Host("mistral", "https://api.mistral.ai/v1", "MISTRAL_API_KEY"),
        Host("moonshot", "https://api.moonshot.ai/v1", "MOONSHOT_API_KEY"),
        Host("nvidia", "https://integrate.api.nvidia.com/v1", "NVIDIA_API_KEY"),
        Host("ollama", "http://127.0.0.1:11434/v1"),
        Host("openai", "https://api.openai.com/v1", "OPENAI_API_KEY"),
        Host("openrouter", "https://openrouter.ai/api/v1", "OPENROUTER_API_KEY"),
        Host("perplexity", "https://api.perplexity.ai", "PERPLEXITY_API_KEY"),
        Host("together", "https://api.together.xyz/v1", "TOGETHER_API_KEY"),
        Host("vllm", "http://127.0.0.1:8000/v1"),
        Host("xai", "https://api.x.ai/v1", "XAI_API_KEY"),
    )
}


def wire_of(arm: Arm) -> Wire:
    """What an arm's host speaks: as the arm says, or as its provider does.

    At a base_url of the arm's own that is OpenAI's wire, unless the arm says otherwise.
    """
    name = arm.wire
    if name is None:
        host = None if arm.base_url else HOSTS.get(arm.provider.lower())
        name = OPENAI if host is None else host.wire
    return WIRES[name]


def endpoint(arm: Arm, environ: Mapping[str, str] | None = None) -> Endpoint:
    """Where an arm's requests go and which variable holds its key.

    An arm's own base_url and api_key_env win over its provider's. A loopback host is sent a key
    only where the arm itself names the variable: a provider's key never goes to a stand-in.

    Args:
        arm: the arm.
        environ: where a region is looked up; None means this process's environment.

    Raises:
        ConfigurationError: a base_url that is no http(s) URL, or none and an unknown provider, or
            a region that nothing names.
    """
    host = HOSTS.get(arm.provider.lower())
    base_url = arm.base_url or (_root(host, arm) if host else None)
    if base_url is None:
        raise ConfigurationError(
            f"arm {arm.name!r}: no host is known for {arm.provider!r}; give its base_url, "
            f"or one of these providers: {', '.join(HOSTS)}"
        )
    if "{region}" in base_url:
        base_url = base_url.replace("{region}", region_of(arm, None, environ))
    elif "{" in base_url and not arm.base_url:
        base_url = _filled(arm, base_url, environ)
    if is_loopback(_hostname(arm, base_url)):
        return Endpoint(base_url.rstrip("/"), arm.api_key_env, key_required=False)
    key_env = arm.api_key_env or (host.api_key_env if host else None)
    signed = host is not None and host.signed and wire_of(arm).name == host.wire
    required = key_env is not None and not signed
    return Endpoint(base_url.rstrip("/"), key_env, key_required=required, signed=signed)


def api_key(arm: Arm, place: Endpoint, environ: Mapping[str, str] | None = None) -> str | None:
    """The key to send, or None where none is needed.

    Args:
        arm: the arm, for messages.
        place: what `endpoint` gave for it.
        environ: where keys are looked up; None means this process's environment.

    Raises:
        ProviderAuthError: a key is needed and its variable is empty or not set.
    """
    if place.api_key_env is None:
        return None
    variables = os.environ if environ is None else environ
    key = variables.get(place.api_key_env, "").strip()
    if not key and place.key_required:
        raise ProviderAuthError(
            arm.name, f"no key: set the environment variable {place.api_key_env}"
        )
    return key or None


@lru_cache
def is_loopback(hostname: str) -> bool:
    """Whether a host name means this machine."""
    if hostname == "localhost" or hostname.endswith(".localhost"):
        return True
    try:
        return ipaddress.ip_address(hostname).is_loopback
    except ValueError:
        return False


def _root(host: Host, arm: Arm) -> str:
    return (arm.wire in {OPENAI, RESPONSES} and host.openai_url) or host.base_url


def _filled(arm: Arm, base_url: str, environ: Mapping[str, str] | None) -> str:
    """A root with what the environment says of it.

    Raises:
        ConfigurationError: the variable is empty or not set.
    """
    name = base_url[base_url.index("{") + 1 : base_url.index("}")]
    value = (os.environ if environ is None else environ).get(name, "").strip().rstrip("/")
    if not value:
        raise ConfigurationError(
            f"arm {arm.name!r}: no host: set the environment variable {name}, such as to "
            "https://NAME.openai.azure.com, or give the arm's base_url"
        )
    return base_url.replace(f"{{{name}}}", value)


def _hostname(arm: Arm, base_url: str) -> str:
    try:
        parts = urlsplit(base_url)
        hostname = parts.hostname
    except ValueError:
        hostname = None
    if not hostname or parts.scheme not in {"http", "https"}:
        raise ConfigurationError(
            f"arm {arm.name!r}: base_url must be an http:// or https:// URL, not {base_url!r}"
        )
    return hostname
