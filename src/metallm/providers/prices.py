"""List prices from the offline bundle of genai-prices, for arms that were given none.

What the bundle knows of a model's context window is taken along.

Note: Where a price rises beyond a prompt length (tiers), the base tier is taken: an arm has one
price. Give the arm's prices yourself where most queries are longer than that.
"""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from metallm.core.arm import Arm


def priced(arm: Arm, *, at: datetime | None = None) -> Arm:
    """The arm with list prices filled in, or the very arm where nothing can be filled in.

    Prices that the arm was given win, all of them: none is mixed with the table's. An arm with
    price="unknown" stays so. A model that the table lacks, or for which it knows only one of
    input and output, stays without a price; it is never taken for free.

    Args:
        arm: any arm.
        at: the moment that the price is for; None means now.
    """
    if arm.input_price is not None or arm.price == "unknown":
        return arm
    from genai_prices.data_snapshot import get_snapshot  # noqa: PLC0415 - takes .2 s to import

    try:
        _, model = get_snapshot().find_provider_model(
            # a server of one's own may go by the full name: openai/gpt-4 rather than gpt-4
            arm.upstream_model.removeprefix(f"{arm.provider}/"),
            None,
            arm.provider.lower(),
            None,
        )
    except LookupError:
        return arm
    prices = model.get_prices(at or datetime.now(tz=UTC))
    input_price, output_price = _usd(prices.input_mtok), _usd(prices.output_mtok)
    if input_price is None or output_price is None:
        return arm
    kept = {
        "cache_read_price": _usd(prices.cache_read_mtok),
        "cache_write_price": _usd(prices.cache_write_mtok),
        "cache_write_1h_price": _usd(getattr(prices, "cache_write_1h_mtok", None)),
        "context_window": model.context_window,
    }
    given = {name: value for name in kept if (value := getattr(arm, name)) is not None}
    return replace(arm, input_price=input_price, output_price=output_price, **{**kept, **given})


def _usd(price: Any) -> float | None:
    """USD per million tokens of a plain or tiered price; None where there is none."""
    if price is None:
        return None
    return float(getattr(price, "base", price))
