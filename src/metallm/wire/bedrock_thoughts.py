"""A model's reasoning, between `thinking_blocks` and Converse's reasoningContent."""

from __future__ import annotations

from typing import Any

from metallm.wire.responses_thoughts import foreign
from metallm.wire.words import kind, word


def write_thoughts(thoughts: object) -> list[dict[str, Any]]:
    """Blocks for the thoughts that were signed; nobody takes back others."""
    blocks = []
    for thought in thoughts if isinstance(thoughts, list) else ():
        if kind(thought) == "thinking" and word(thought.get("signature")):
            told = {"text": word(thought.get("thinking")), "signature": thought["signature"]}
            blocks.append({"reasoningContent": {"reasoningText": told}})
        elif foreign(thought):
            continue
        elif kind(thought) == "redacted_thinking" and word(thought.get("data")):
            blocks.append({"reasoningContent": {"redactedContent": thought["data"]}})
    return blocks


def read_thought(block: dict[str, Any]) -> tuple[str, dict[str, Any] | None]:
    """The text of a block's reasoning, and the canonical block where the provider signed it."""
    content = block.get("reasoningContent")
    if not isinstance(content, dict):
        return "", None
    if word(content.get("redactedContent")):
        return "", {"type": "redacted_thinking", "data": content["redactedContent"]}
    told = content.get("reasoningText")
    if not isinstance(told, dict):
        return "", None
    text, signature = word(told.get("text")), word(told.get("signature"))
    return text, signed(text, signature) if signature else None


def signed(text: str, signature: str) -> dict[str, Any]:
    """A thought with its signature, canonical."""
    return {"type": "thinking", "thinking": text, "signature": signature}
