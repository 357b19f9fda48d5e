"""What an arm is asked for: the caller's fields, the arm's fixed ones over them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Mapping

    from metallm.core.arm import Arm
    from metallm.core.completion import ChatRequest


def merged(arm: Arm, request: ChatRequest) -> dict[str, Any]:
    """The canonical body for an arm, its model filled in; the same for every wire.

    The request's answer format goes to an arm that is `structured`, unless either has its own.

    Args:
        arm: names the model, holds the options, and says what it ignores.
        request: what the caller sent; unknown fields are kept.
    """
    body = over(arm, request.body)
    if request.native is not None:
        cap(arm, body)
    if arm.structured and request.answer_format is not None:
        body.setdefault("response_format", request.answer_format)
    return body


def cap(arm: Arm, body: dict[str, Any]) -> None:
    """Bring a limit that the caller's wire demands of it down to what the arm can say at most."""
    limit, most = body.get("max_tokens"), arm.max_output_tokens
    if most is not None and isinstance(limit, int) and limit > most:
        body["max_tokens"] = most


def over(arm: Arm, body: Mapping[str, Any]) -> dict[str, Any]:
    """A body without what the arm ignores, under its options and with its model."""
    merged = {**body, **arm.options, "model": arm.upstream_model}
    for name in arm.ignores:
        merged.pop(name, None)
    return merged
