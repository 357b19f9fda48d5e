from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from metallm.core.price import Price, Usage
from metallm.wire.openai_usage import read_usage, write_usage

COUNT = st.integers(0, 10**9)


@st.composite
def usages(draw: st.DrawFn) -> Usage:
    read, written, plain = draw(COUNT), draw(COUNT), draw(COUNT)
    reasoning, said = draw(COUNT), draw(COUNT)
    return Usage(read + written + plain, reasoning + said, read, written, reasoning)


@given(usages())
def test_what_is_written_is_read_back(usage: Usage) -> None:
    assert read_usage(write_usage(usage)) == usage


@given(
    st.dictionaries(
        st.sampled_from(sorted(write_usage(Usage(1, 1)))),
        st.integers() | st.none() | st.floats() | st.text(),
    )
)
def test_no_part_exceeds_the_whole_whatever_was_sent(usage: dict[str, Any]) -> None:
    read = read_usage(usage)
    if read is not None:
        assert 0 <= read.cached_tokens + read.cache_write_tokens <= read.input_tokens
        assert 0 <= read.reasoning_tokens <= read.output_tokens


@pytest.mark.parametrize(
    ("sent", "usage"),
    [
        ({"prompt_tokens": 10, "completion_tokens": 3}, Usage(10, 3)),
        ({"prompt_tokens": 10.0, "completion_tokens": None}, Usage(10, 0)),
        (
            {
                "prompt_tokens": 10,
                "completion_tokens": 9,
                "total_tokens": 19,
                "prompt_tokens_details": {"cached_tokens": 6, "audio_tokens": None},
                "completion_tokens_details": {"reasoning_tokens": 5},
            },
            Usage(10, 9, 6, 0, 5),
        ),
        # DeepSeek tells cache hits beside the count
        (
            {"prompt_tokens": 10, "completion_tokens": 1, "prompt_cache_hit_tokens": 8},
            Usage(10, 1, 8),
        ),
        # xAI leaves reasoning out of completion_tokens
        (
            {
                "prompt_tokens": 10,
                "completion_tokens": 3,
                "total_tokens": 33,
                "completion_tokens_details": {"reasoning_tokens": 20},
            },
            Usage(10, 23, reasoning_tokens=20),
        ),
        # Gemini's endpoint tells thinking in the total alone
        (
            {"prompt_tokens": 10, "completion_tokens": 3, "total_tokens": 33},
            Usage(10, 23, reasoning_tokens=20),
        ),
        # more from the cache than there was: nothing may be billed twice
        (
            {"prompt_tokens": 10, "prompt_tokens_details": {"cached_tokens": 99}},
            Usage(10, 0, 10),
        ),
        (None, None),
        ([], None),
        ({}, None),
        ({"prompt_tokens": "many"}, None),
        ({"prompt_tokens": True}, None),
        ({"prompt_tokens": -1}, None),
    ],
)
def test_usage_is_normalised_once(sent: Any, usage: Usage | None) -> None:
    assert read_usage(sent) == usage


def test_cached_tokens_are_billed_once() -> None:
    usage = read_usage(
        {
            "prompt_tokens": 1_000_000,
            "completion_tokens": 0,
            "prompt_tokens_details": {"cached_tokens": 900_000},
        }
    )
    assert usage is not None
    assert Price(2.5, 10.0, cache_read=1.25).cost_usd(usage) == pytest.approx(0.25 + 1.125)
