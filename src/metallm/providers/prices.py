"""List prices from the offline bundle of genai-prices, for arms that were given none.

What the bundle knows of a model's context window is taken along, and what longer calls cost.
"""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from metallm.core.price import Tier

if TYPE_CHECKING:
    from metallm.core.arm import Arm


def priced(arm: Arm, *, at: datetime | None = None, output_price: float | None = None) -> Arm:
    """The arm with list prices filled in, or the very arm where nothing can be filled in.

    Prices that the arm was given win, all of them: none is mixed with the table's. An arm with
    price="unknown" stays so. A model that the table lacks, or for which it knows only one of
    input and output, stays without a price; it is never taken for free.

    Args:
        arm: any arm.
        at: the moment that the price is for; None means now.
        output_price: USD per million tokens where the table knows the input's price alone; 0 for
            models of embeddings, which have no output.
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
    input_price, told = _usd(prices.input_mtok), _usd(prices.output_mtok)
    output_price = output_price if told is None else told
    if input_price is None or output_price is None:
        return arm
    kept = {
        "price_tiers": _tiers(prices),
        "cache_read_price": _usd(prices.cache_read_mtok),
        "cache_write_price": _usd(prices.cache_write_mtok),
        "cache_write_1h_price": _usd(getattr(prices, "cache_write_1h_mtok", None)),
        "context_window": model.context_window,
        "service_prices": HALF_PRICED,
    }
    given = {name: value for name in kept if (value := getattr(arm, name)) not in (None, ())}
    return replace(arm, input_price=input_price, output_price=output_price, **{**kept, **given})


HALF_PRICED = {"flex": 0.5, "batch": 0.5}
"""Services that OpenAI, Anthropic, Google and Amazon sell at half of what the table tells; what
others cost, such as "priority", differs by model."""

_FIELDS = {
    "input": "input_mtok",
    "output": "output_mtok",
    "cache_read": "cache_read_mtok",
    "cache_write": "cache_write_mtok",
    "cache_write_1h": "cache_write_1h_mtok",
}
"""What the bundle calls each price."""


def _tiers(prices: Any) -> tuple[Tier, ...]:
    """What longer calls cost; what the bundle knows one price of costs that in every tier."""
    told = {name: getattr(prices, here, None) for name, here in _FIELDS.items()}
    starts = {tier.start for price in told.values() for tier in getattr(price, "tiers", ())}
    return tuple(
        Tier(start, **{name: _usd(price, start + 1) for name, price in told.items()})
        for start in sorted(starts)
    )


def _usd(price: Any, input_tokens: int = 0) -> Any:
    """USD per million tokens of a call of that length; None where there is no price."""
    if price is None:
        return None
    reached = [tier.price for tier in getattr(price, "tiers", ()) if input_tokens > tier.start]
    return float(reached[-1] if reached else getattr(price, "base", price))
