"""The provider that settings describe, under a hard budget."""

from __future__ import annotations

import asyncio
import random
from typing import TYPE_CHECKING

from metallm.assembly.choices import http_provider
from metallm.errors import ConfigurationError, UnknownPriceError
from metallm.providers.bounds import Bounds, unbounded
from metallm.providers.prices import priced
from metallm.providers.retry import Retry

if TYPE_CHECKING:
    from collections.abc import Callable

    from metallm.core.protocols import Books, Provider
    from metallm.settings import Settings


def budgeted_provider(
    settings: Settings, books: Books, *, output_tokens: int, tell: Callable[[str], None]
) -> Provider:
    """Calls arms over HTTP, and makes no attempt that the books do not cover.

    Args:
        settings: with the arms and how they are called.
        books: the budget.
        output_tokens: the limit of calls that bring none.
        tell: is told of bills that pass their bound.

    Raises:
        ConfigurationError: an arm that cannot be held to a budget; the message says why.
    """
    from metallm.providers.budgeted import BudgetedProvider  # noqa: PLC0415 - aiohttp takes .1 s

    check_bounded(settings)
    # attempts are repeated where each of them is reserved
    single = settings.providers.model_copy(update={"max_retries": 0})
    retry = Retry(asyncio.sleep, random.random, settings.providers.max_retries)

    def under(inner: Provider) -> Provider:
        return BudgetedProvider(inner, books, Bounds(output_tokens), retry, tell)

    return http_provider(single, under=under)


def check_bounded(settings: Settings) -> None:
    """Refuse arms whose calls have no bound.

    Raises:
        UnknownPriceError: an arm without a price.
        ConfigurationError: an arm whose price is flagged as unknown, or that is not billed by
            tokens alone.
    """
    for each in settings.arms:
        arm = priced(each.arm())
        if arm.list_price is None and arm.price != "unknown":
            raise UnknownPriceError(arm.name)
        why = unbounded(arm)
        if why is not None:
            raise ConfigurationError(f"arm {arm.name!r} cannot be held to a budget: {why}")
