"""Wait for the log without a turn of the event loop where it is done already."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from concurrent.futures import Future


async def done(future: Future[None]) -> None:
    """Return once it is resolved; raises what it failed with."""
    if future.done():
        future.result()
    else:
        await asyncio.wrap_future(future)
