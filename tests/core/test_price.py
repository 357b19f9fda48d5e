from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from metallm.core.price import STANDARD_OUTPUT_TOKENS, Price, Tier, Usage, list_cost_usd


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


LONG = Price(
    input=1.0,
    output=10.0,
    cache_read=0.1,
    tiers=(Tier(above=100, input=2.0, output=15.0, cache_read=0.2), Tier(1000, 4.0, 20.0)),
)


@pytest.mark.parametrize(
    ("input_tokens", "usd_per_mtok"),
    [(100, (1.0, 10.0)), (101, (2.0, 15.0)), (1000, (2.0, 15.0)), (1001, (4.0, 20.0))],
)
def test_a_long_call_is_billed_by_its_tier_all_of_it(
    input_tokens: int, usd_per_mtok: tuple[float, float]
) -> None:
    told = LONG.at(input_tokens)
    assert (told.input, told.output, told.tiers) == (*usd_per_mtok, ())
    usage = Usage(input_tokens, 7)
    expected = (input_tokens * usd_per_mtok[0] + 7 * usd_per_mtok[1]) / 1e6
    assert LONG.cost_usd(usage) == pytest.approx(expected)
    standard = (input_tokens * usd_per_mtok[0] + STANDARD_OUTPUT_TOKENS * usd_per_mtok[1]) / 1e6
    assert list_cost_usd(LONG, input_tokens) == pytest.approx(standard)


def test_what_is_read_from_the_cache_makes_a_call_long_too() -> None:
    usage = Usage(input_tokens=101, output_tokens=0, cached_tokens=100)
    assert LONG.cost_usd(usage) == pytest.approx((1 * 2.0 + 100 * 0.2) / 1e6)


USD = st.floats(0, 100)
MAYBE = st.none() | USD
TIERS = st.builds(Tier, st.integers(0, 2000), USD, USD, MAYBE, MAYBE, MAYBE)


@given(
    st.builds(Price, USD, USD, MAYBE, MAYBE, MAYBE),
    st.lists(TIERS, max_size=2, unique_by=lambda tier: tier.above),
    st.lists(st.integers(0, 1000), min_size=4, max_size=4),
    st.integers(0, 500),
    st.integers(0, 500),
)
def test_no_call_costs_more_than_the_most(
    price: Price, tiers: list[Tier], parts: list[int], more_in: int, more_out: int
) -> None:
    price = Price(
        price.input,
        price.output,
        price.cache_read,
        price.cache_write,
        price.cache_write_1h,
        tuple(sorted(tiers, key=lambda tier: tier.above)),
    )
    plain, read, written, output = parts
    usage = Usage(plain + read + written, output, read, written, cache_write_1h_tokens=written // 2)
    most = price.most_usd(usage.input_tokens + more_in, usage.output_tokens + more_out)
    assert price.cost_usd(usage) <= most * (1 + 1e-12)
