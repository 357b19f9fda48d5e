"""Headers that go upstream with every call that is made for one request, such as the request's id.

They are kept in the context (`contextvars`), which every task that works for the request inherits,
so that no one in between has to know of them.
"""

from __future__ import annotations

from contextvars import ContextVar
from types import MappingProxyType
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping

PASSED: ContextVar[Mapping[str, str]] = ContextVar("PASSED", default=MappingProxyType({}))
"""Names and values; those of the wire itself go before them."""


def pass_on(headers: Mapping[str, str]) -> None:
    """Send these with all further calls of this context, beside those that were given before.

    Args:
        headers: values by names, in lower case.
    """
    PASSED.set({**PASSED.get(), **headers})
