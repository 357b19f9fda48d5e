"""Routers for tests of feedback, closed at the end."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import pytest

from doubles import yes_router
from metallm.assembly import Router


@pytest.fixture(name="make")
def _make() -> Iterator[Callable[..., Router]]:
    """Makes routers whose arms always say "yes", and closes them."""
    made: list[Router] = []

    def make(**options: Any) -> Router:
        made.append(yes_router(**options))
        return made[-1]

    yield make
    for router in made:
        router.close()
