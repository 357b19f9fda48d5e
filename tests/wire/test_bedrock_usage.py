from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from metallm.core.price import Usage
from metallm.wire.bedrock_usage import read_usage, write_usage

COUNTS = st.integers(0, 10**6)
CACHED = {"inputTokens": 562, "outputTokens": 9, "cacheReadInputTokens": 3059}
WRITTEN = {"inputTokens": 4995, "outputTokens": 7, "cacheWriteInputTokens": 4993}


@pytest.mark.parametrize(
    ("told", "counts_all", "usage"),
    [
        ({"inputTokens": 5, "outputTokens": 3, "totalTokens": 8}, False, Usage(5, 3)),
        (CACHED, False, Usage(3621, 9, 3059)),
        (WRITTEN, False, Usage(9988, 7, 0, 4993)),
        # OpenAI's models in streams tell all of it, and elsewhere what was not cached
        (WRITTEN, True, Usage(4995, 7, 0, 4993)),
        ({**WRITTEN, "inputTokens": 2}, True, Usage(4995, 7, 0, 4993)),
        (
            {**WRITTEN, "inputTokens": 2, "cacheDetails": [{"ttl": "1h", "inputTokens": 4000}]},
            False,
            Usage(4995, 7, 0, 4993, cache_write_1h_tokens=4000),
        ),
    ],
)
def test_every_token_is_counted_once(told: dict[str, Any], counts_all: bool, usage: Usage) -> None:
    assert read_usage(told, counts_all=counts_all) == usage


@pytest.mark.parametrize("told", [None, [], {}, {"inputTokens": "5"}, {"totalTokens": 5}])
def test_what_names_no_input_is_no_usage(told: Any) -> None:
    assert read_usage(told) is None


@given(COUNTS, COUNTS, COUNTS, COUNTS, COUNTS)
def test_usage_comes_back_as_it_was(
    plain: int, read: int, written: int, hour: int, output: int
) -> None:
    hour = min(hour, written)
    usage = Usage(plain + read + written, output, read, written, cache_write_1h_tokens=hour)
    assert read_usage(write_usage(usage)) == usage
