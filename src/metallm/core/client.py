"""Who asked: what a decision notes of the client behind it."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Client:
    """Who asked for a decision through a gateway.

    Args:
        tenant: whose decision it is; only its keys may look at it.
        key: id of the key that was used.
        alias: the alias that was asked for.
        held_usd: what was set aside of a budget before the call. Where a process ended before it
            could say what the call came to, that much counts as spent. None without a budget.
        tags: words of the client's own.
    """

    tenant: str | None = None
    key: str | None = None
    alias: str | None = None
    held_usd: float | None = None
    tags: tuple[str, ...] = ()
