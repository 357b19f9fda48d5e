from __future__ import annotations

import pytest

from metallm.core.price import Price, Usage


def test_each_token_is_billed_once_at_its_own_price() -> None:
    price = Price(input=3.0, output=15.0, cache_read=0.3, cache_write=3.75)
    usage = Usage(
        input_tokens=1_000_000,
        output_tokens=100_000,
        cached_tokens=600_000,
        cache_write_tokens=100_000,
        reasoning_tokens=50_000,
    )
    # .3 M plain at 3, .6 M read at .3, .1 M written at 3.75, .1 M out at 15 (reasoning within)
    assert price.cost_usd(usage) == pytest.approx(0.9 + 0.18 + 0.375 + 1.5)


def test_cached_tokens_without_a_price_of_their_own_cost_as_much_as_plain_ones() -> None:
    price = Price(input=2.0, output=4.0)
    cached = Usage(input_tokens=1000, output_tokens=10, cached_tokens=400)
    plain = Usage(input_tokens=1000, output_tokens=10)
    assert price.cost_usd(cached) == price.cost_usd(plain) == pytest.approx(0.00204)


def test_what_a_cache_keeps_for_an_hour_has_a_price_of_its_own() -> None:
    usage = Usage(
        input_tokens=1000, output_tokens=0, cache_write_tokens=800, cache_write_1h_tokens=300
    )
    price = Price(input=4.0, output=8.0, cache_write=5.0, cache_write_1h=8.0)
    assert price.cost_usd(usage) == pytest.approx((200 * 4 + 500 * 5 + 300 * 8) / 1e6)
    same = Price(input=4.0, output=8.0, cache_write=5.0)
    assert same.cost_usd(usage) == pytest.approx((200 * 4 + 800 * 5) / 1e6)
