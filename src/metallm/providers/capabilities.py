"""Which arms can take a query, asked before one is chosen: nothing is dropped in silence."""

from __future__ import annotations

from typing import TYPE_CHECKING

from metallm.core.query import CHARACTERS_PER_TOKEN
from metallm.providers.registry import wire_of
from metallm.wire.needs import needs_of

if TYPE_CHECKING:
    from collections.abc import Sequence

    from metallm.core.arm import Arm
    from metallm.core.completion import ChatRequest

MOST_CHARACTERS_PER_TOKEN = 6.0
"""No text has more in the mean: what is too long even so is surely too long. In doubt the provider
is asked, which counts exactly."""


def obstacles(
    arms: Sequence[Arm], request: ChatRequest, *, stream: bool, input_tokens: int
) -> dict[str, str]:
    """Why arms cannot take a request, by their names; those that can are left out.

    Args:
        arms: those that may be asked.
        request: what the caller sent.
        stream: whether it wants a stream.
        input_tokens: a guess of the query's length.
    """
    needs = needs_of(request, stream=stream)
    told = ((arm.name, _obstacle(arm, request, needs, input_tokens)) for arm in arms)
    return {name: reason for name, reason in told if reason is not None}


def _obstacle(
    arm: Arm, request: ChatRequest, needs: frozenset[str], input_tokens: int
) -> str | None:
    lacking = needs.intersection(arm.lacks) if arm.lacks else ()
    if lacking:
        return f"the arm has no {', '.join(sorted(lacking))}"
    surely = input_tokens * CHARACTERS_PER_TOKEN / MOST_CHARACTERS_PER_TOKEN
    if arm.context_window is not None and surely > arm.context_window:
        return (
            f"the query has {round(surely)} tokens or more and the context window "
            f"{arm.context_window}"
        )
    wire = wire_of(arm)
    native = request.native
    if native is not None and native.wire == wire.name:
        return None
    if native is not None and native.bound:
        return f"only an API of the wire {native.wire!r} takes {', '.join(native.bound)}"
    return wire.obstacle(arm, request)
