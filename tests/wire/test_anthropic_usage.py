from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from metallm.core.price import Price, Usage
from metallm.wire.anthropic_usage import read_usage, write_usage
from metallm.wire.openai_usage import read_usage as read_canonical
from metallm.wire.openai_usage import write_usage as write_canonical

COUNT = st.integers(0, 10**9)


@st.composite
def usages(draw: st.DrawFn) -> Usage:
    read, written, plain = draw(COUNT), draw(COUNT), draw(COUNT)
    reasoning, said, hour = draw(COUNT), draw(COUNT), draw(st.integers(0, written))
    return Usage(
        read + written + plain,
        reasoning + said,
        read,
        written,
        reasoning,
        cache_write_1h_tokens=hour,
    )


@given(usages())
def test_what_is_written_is_read_back_by_way_of_the_canonical_form_too(usage: Usage) -> None:
    assert read_usage(write_usage(usage)) == usage
    assert read_canonical(write_canonical(usage)) == usage


@given(
    st.dictionaries(
        st.sampled_from(sorted(write_usage(Usage(2, 1, 0, 1, 1, cache_write_1h_tokens=1)))),
        st.integers() | st.none() | st.floats() | st.text() | st.just({}),
    )
)
def test_no_part_exceeds_the_whole_whatever_was_sent(usage: dict[str, Any]) -> None:
    read = read_usage(usage)
    if read is not None:
        assert 0 <= read.cached_tokens + read.cache_write_tokens <= read.input_tokens
        assert 0 <= read.cache_write_1h_tokens <= read.cache_write_tokens
        assert 0 <= read.reasoning_tokens <= read.output_tokens


def test_tokens_of_the_cache_are_billed_once_and_each_at_its_own_price() -> None:
    told = {
        "input_tokens": 21,
        "cache_creation_input_tokens": 1000,
        "cache_read_input_tokens": 188_086,
        "cache_creation": {"ephemeral_5m_input_tokens": 400, "ephemeral_1h_input_tokens": 600},
        "output_tokens": 393,
        "output_tokens_details": {"thinking_tokens": 93},
        "service_tier": "standard",
    }
    usage = read_usage(told)
    assert usage == Usage(
        189_107, 393, 188_086, 1000, 93, cache_write_1h_tokens=600, service="standard"
    )
    price = Price(3.0, 15.0, cache_read=0.3, cache_write=3.75, cache_write_1h=6.0)
    usd = (21 * 3 + 188_086 * 0.3 + 400 * 3.75 + 600 * 6 + 393 * 15) / 1e6
    assert price.cost_usd(usage) == pytest.approx(usd)


@pytest.mark.parametrize("usage", [None, [], "x", {}, {"output_tokens": 3}, {"input_tokens": -1}])
def test_without_a_count_of_the_input_there_is_no_usage(usage: object) -> None:
    assert read_usage(usage) is None
