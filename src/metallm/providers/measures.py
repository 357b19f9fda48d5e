"""The most input tokens that a request can be billed, by its bytes; and what has no such bound."""

from __future__ import annotations

import unicodedata
from typing import TYPE_CHECKING, Any

from metallm.errors import InputError
from metallm.wire.acting import only_functions
from metallm.wire.bodies import written

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from metallm.core.completion import ChatRequest

ADDED_FOR_TOOLS = 1024
"""Tokens that a host may add to a call with tools, beside their descriptions: some add 700."""

TOKENS_OF_IMAGE = 50_000
"""Most tokens of one image: the dearest known is billed 48,169 (gpt-4o-mini, 8 tiles)."""

NOT_IN_TOKENS = (
    "audio",
    "cachedContent",
    "container",
    "functions",
    "guardrailConfig",
    "mcp_servers",
    "modalities",
    "plugins",
    "prediction",
    "tools",
    "web_search_options",
)
"""Fields of a request whose use hosts may bill by other units, or beside the limit."""

_EXTRA = tuple(name for name in NOT_IN_TOKENS if name not in {"tools", "functions"})
_UNUSED: tuple[Any, ...] = (None, False, [], ["text"])
_DEARER: Mapping[str, tuple[Any, ...]] = {
    "inference_geo": (None, "global", "not_available"),
    "service_tier": (None, "auto", "default", "flex", "standard", "standard_only"),
    "serviceTier": (None, "standard", "flex"),
    "speed": (None, "standard"),
}
"""Fields whose other values are billed above the list price, such as priority and fast modes."""

_ELSEWHERE = (
    "cachedContent",
    "cached_content",
    "conversation",
    "guardrailConfig",
    "previous_response_id",
    "prompt",
    "promptVariables",
)
"""Fields that name what a host holds already: it is billed, and its length is not to be seen."""


def most_tokens(request: ChatRequest, merged: Mapping[str, Any] | None = None) -> int:
    """Input tokens that the request can come to at most, without what hosts add to any call.

    Args:
        request: in any wire; where it came in another than OpenAI's, the longer of the two counts.
        merged: what is sent in place of its body, with an arm's options: these are the operator's,
            as the arm's price is, and are measured alone.

    Raises:
        InputError: it holds something that is not billed by tokens alone, or that has no bound.
    """
    native = request.native
    _check(request.body)
    if native is not None:
        _check(native.body)
    size, images = measured(request.body if merged is None else merged)
    if native is not None and not images:
        size = max(size, measured(native.body)[0])
    elif native is not None and native.bound:
        raise InputError(
            f"images beside {', '.join(native.bound)} have no bound that a budget could hold"
        )
    tools = request.body.get("tools") or (native is not None and native.body.get("tools"))
    return size + images * TOKENS_OF_IMAGE + ADDED_FOR_TOOLS * bool(tools)


def measured(body: Mapping[str, Any]) -> tuple[int, int]:
    """Bytes of a body without its images, in the longer of two forms; and how many images it has.

    Args:
        body: of a request.

    Raises:
        InputError: audio or files, or what cannot be written as JSON.
    """
    plain, images = _without_images(body)
    sent = written(plain)
    if sent.isascii():
        return len(sent), images
    return max(len(sent), len(unicodedata.normalize("NFKC", sent.decode()).encode())), images


def _without_images(body: Mapping[str, Any]) -> tuple[Mapping[str, Any], int]:
    images, kept = 0, []
    for message in body.get("messages") or ():
        content = message.get("content")
        if not isinstance(content, list) or all(_type(part) == "text" for part in content):
            kept.append(message)
            continue
        parts = [part for part in content if _type(part) != "image_url"]
        images += len(content) - len(parts)
        _check_parts(parts)
        kept.append({**message, "content": parts})
    return (body, 0) if not images else ({**body, "messages": kept}, images)


def _check_parts(parts: Iterable[Any]) -> None:
    if any(_type(part) in {"input_audio", "file", "video_url"} for part in parts):
        raise InputError("audio, video and files have no bound that a budget could hold")


def _check(body: Mapping[str, Any]) -> None:
    """Refuse what is billed by the search, the minute or the like."""
    # an empty object switches a search on as well
    used = [name for name in (*_EXTRA, *_ELSEWHERE) if body.get(name) not in _UNUSED]
    used += [name for name, plain in _DEARER.items() if body.get(name) not in plain]
    if not only_functions(body):
        used.append("tools that the host runs itself")
    if used:
        raise InputError(
            f"{', '.join(used)} cannot be used under a budget: hosts bill more for it than the "
            "tokens of the request at their list price"
        )


def _type(part: object) -> object:
    return part.get("type") if isinstance(part, dict) else None
