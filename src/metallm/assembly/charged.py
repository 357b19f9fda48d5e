"""The providers of a gateway: what calls come to is charged to whoever asked."""

from __future__ import annotations

import asyncio
import random
from typing import TYPE_CHECKING, Any

from metallm.assembly.choices import http_provider
from metallm.providers.retry import Retry

if TYPE_CHECKING:
    from collections.abc import Callable

    from metallm.core.protocols import Provider
    from metallm.errors import ProviderError
    from metallm.providers.bounds import Bounds
    from metallm.providers.http import HttpProvider
    from metallm.settings import ProviderSettings


def charged_provider(
    settings: ProviderSettings,
    bounds: Bounds,
    tell: Callable[[str], None],
    *,
    around: Callable[[Provider], Provider] | None = None,
) -> Provider:
    """Calls arms over HTTP; under a payer's budget each attempt is reserved before it is made.

    Args:
        settings: how arms are called.
        bounds: what calls can cost at most; the gateway's, which admits requests by them.
        tell: is told of bills that pass their bound.
        around: what stands around each call of an arm, such as telemetry; None for nothing.
    """
    from metallm.providers.charged import ChargedProvider  # noqa: PLC0415 - aiohttp takes .1 s
    from metallm.providers.http import HttpProvider  # noqa: PLC0415 - the same

    def failed(error: ProviderError) -> None:
        made.failed(error)

    # its own connections: attempts are repeated where each of them is reserved
    single = HttpProvider(**_once(settings), failed=failed)
    retry = Retry(asyncio.sleep, random.random, settings.max_retries)

    def under(plain: Provider) -> Provider:
        charged = ChargedProvider(plain, single, bounds, retry, tell)
        return charged if around is None else around(charged)

    made = http_provider(settings, under=under)
    return made


def embedding_poster(settings: ProviderSettings) -> HttpProvider:
    """Calls embedding models; each request once, for clients repeat what can be repeated."""
    from metallm.providers.http import HttpProvider  # noqa: PLC0415 - aiohttp takes .1 s

    return HttpProvider(**_once(settings))


def _once(settings: ProviderSettings) -> dict[str, Any]:
    """How arms are called, without any retry."""
    return settings.model_copy(update={"max_retries": 0}).model_dump()
