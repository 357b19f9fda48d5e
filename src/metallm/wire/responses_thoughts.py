"""Reasoning in OpenAI's Responses: what a provider has signed travels as `encrypted_content`.

Providers that sign their model's thoughts want them back within a call of tools. Clients of this
wire send reasoning back as they got it and look into no `encrypted_content`, so that is where it
goes. Other reasoning is a note for the reader: chat completions take none back.
"""

from __future__ import annotations

import base64
import binascii
from typing import Any

import orjson

from metallm.wire.words import fields, kind, objects, word

_OURS = "metallm."

_THEIRS = "openai-responses."
"""Before a reasoning item of OpenAI's own, where it travels as another wire's redacted thought."""


def seal(blocks: list[dict[str, Any]]) -> str:
    """Signed thoughts as one text that `unseal` reads.

    Args:
        blocks: as `thinking_blocks` of the canonical form holds them.
    """
    return _OURS + base64.urlsafe_b64encode(orjson.dumps(blocks)).decode()


def unseal(sealed: object) -> list[dict[str, Any]]:
    """Signed thoughts; none where the text is of somebody else's making."""
    return objects(_opened(sealed, _OURS))


def kept(item: dict[str, Any]) -> list[dict[str, Any]]:
    """An arm's reasoning item as signed thoughts of the canonical form; none where it has none.

    What OpenAI encrypts only OpenAI reads: it travels as a redacted thought, which callers of any
    wire send back without looking into it.
    """
    sealed = word(item.get("encrypted_content"))
    if not sealed or (ours := unseal(sealed)):
        return ours if sealed else []
    told = {name: item.get(name) for name in ("id", "summary", "encrypted_content")}
    data = _THEIRS + base64.urlsafe_b64encode(orjson.dumps(told)).decode()
    return [{"type": "redacted_thinking", "data": data}]


def restored(blocks: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """OpenAI's own reasoning items among signed thoughts, as it wants them back."""
    found = (fields(_opened(block.get("data"), _THEIRS)) for block in blocks)
    return [{"type": "reasoning", **item} for item in found if item]


def foreign(block: Any) -> bool:
    """Whether a thought is OpenAI's own, which no other provider can read."""
    return kind(block) == "redacted_thinking" and word(block.get("data")).startswith(_THEIRS)


def readable(item: Any) -> list[Any]:
    """An item of a caller's input as OpenAI can read it.

    Reasoning that we have sealed is another provider's, or OpenAI's own by way of another wire.
    """
    sealed = word(item.get("encrypted_content")) if kind(item) == "reasoning" else ""
    return restored(unseal(sealed)) if sealed.startswith(_OURS) else [item]


def _opened(sealed: object, mark: str) -> Any:
    """What was sealed under a mark; None for anything else."""
    if not isinstance(sealed, str) or not sealed.startswith(mark):
        return None
    try:
        return orjson.loads(base64.urlsafe_b64decode(sealed[len(mark) :]))
    except (binascii.Error, orjson.JSONDecodeError, ValueError):
        return None
