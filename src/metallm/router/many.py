"""The same work on many items, some at a time."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, TypeVar

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Sequence

_Item = TypeVar("_Item")
_Result = TypeVar("_Result")


async def in_order(
    items: Sequence[_Item], work: Callable[[_Item], Awaitable[_Result]], at_once: int
) -> list[_Result]:
    """What the work made of each item, in the items' order.

    The first error ends all of it, and so does being cancelled: what was begun is cancelled, and
    waited for.

    Args:
        items: n of them.
        work: on one item.
        at_once: items that are worked on at the same time, 1 or more.
    """
    found: dict[int, _Result] = {}
    waiting = iter(enumerate(items))

    async def worker() -> None:
        # one iterator for all: whoever is free takes the next
        for place, item in waiting:
            found[place] = await work(item)

    workers = [asyncio.create_task(worker()) for _ in range(min(at_once, len(items)))]
    try:
        await asyncio.gather(*workers)
    finally:
        for each in workers:
            each.cancel()
        await asyncio.gather(*workers, return_exceptions=True)
    return [found[place] for place in range(len(items))]
