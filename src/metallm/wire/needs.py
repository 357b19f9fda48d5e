"""What a canonical request needs of an arm beside text, read once for all arms."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from metallm.core.needs import (
    AUDIO,
    FILES,
    IMAGES,
    JSON_SCHEMA,
    LOGPROBS,
    REASONING,
    SEVERAL,
    STREAMING,
    TOOLS,
)

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from metallm.core.completion import ChatRequest

_PARTS = {
    "image_url": IMAGES,
    "input_audio": AUDIO,
    "file": FILES,
}
"""The need by a content part's type."""


def needs_of(request: ChatRequest, *, stream: bool) -> frozenset[str]:
    """What is needed, names of `core.needs`; nothing for plain text in a plain answer."""
    needs = frozenset(_needs(request.body, stream=stream))
    # on other wires thinking is allowed rather than asked for: who cannot, answers without
    return needs if request.native is None else needs - {REASONING}


def _needs(body: Mapping[str, Any], *, stream: bool) -> Iterator[str]:
    if stream:
        yield STREAMING
    if body.get("tools") or body.get("functions"):
        yield TOOLS
    if body.get("logprobs"):
        yield LOGPROBS
    if (body.get("n") or 1) != 1:
        yield SEVERAL
    if body.get("reasoning_effort") not in (None, "none"):
        yield REASONING
    form = body.get("response_format")
    if isinstance(form, dict) and form.get("type") == "json_schema":
        yield JSON_SCHEMA
    messages = body.get("messages")
    for message in messages if isinstance(messages, list) else ():
        content = message.get("content") if isinstance(message, dict) else None
        for part in content if isinstance(content, list) else ():
            if isinstance(part, dict) and (need := _PARTS.get(str(part.get("type")))):
                yield need
