"""Signatures of the thoughts behind a call, which Google's models want back with the call."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from metallm.wire.words import word

if TYPE_CHECKING:
    from collections.abc import Mapping

SIGNATURE = "thoughtSignature"
"""Where a part carries one."""

UNSIGNED = "skip_thought_signature_validator"
"""Google's word for calls that another model made, whose thoughts nobody signed."""


def extra_of(signature: str) -> dict[str, Any]:
    """A signature on a canonical call, spelled as in Google's OpenAI-compatible API.

    Callers keep what they find on a call and send it back.
    """
    return {"extra_content": {"google": {"thought_signature": signature}}} if signature else {}


def signature_of(call: Mapping[str, Any]) -> str:
    """The signature that a canonical call carries; "" for none."""
    extra = call.get("extra_content")
    google = extra.get("google") if isinstance(extra, dict) else None
    return word(google.get("thought_signature")) if isinstance(google, dict) else ""
