"""Garbage of cycles is looked for less often while a gateway serves.

Python looks after 700 new objects, a request makes hundreds, and what it finds is next to nothing:
nearly all of it is freed as soon as the last reference goes. That took a tenth of a request's CPU.
"""

from __future__ import annotations

import gc
from contextlib import contextmanager
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator

THRESHOLDS = (5_000, 20, 50)
"""New objects until the young are looked at; such looks until the middle-aged are; and those until
all are."""


def settle() -> None:
    """Leave what is there by now, which stays, out of every further look."""
    gc.collect()
    gc.freeze()
    gc.set_threshold(*THRESHOLDS)


@contextmanager
def unsettled_after() -> Iterator[None]:
    """Have everything as it was at the end, for a process that does more than serve."""
    before = gc.get_threshold()
    try:
        yield
    finally:
        gc.set_threshold(*before)
        gc.unfreeze()
