from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from metallm.core.price import Usage
from metallm.wire.gemini_usage import read_usage, write_usage

COUNTS = st.integers(0, 10**6)


@pytest.mark.parametrize(
    ("told", "usage"),
    [
        ({"promptTokenCount": 5}, Usage(5, 0)),
        ({"promptTokenCount": 5, "candidatesTokenCount": 3, "totalTokenCount": 8}, Usage(5, 3)),
        (
            {"promptTokenCount": 500, "cachedContentTokenCount": 400, "candidatesTokenCount": 3},
            Usage(500, 3, 400),
        ),
        (
            {"promptTokenCount": 5, "candidatesTokenCount": 3, "thoughtsTokenCount": 40},
            Usage(5, 43, reasoning_tokens=40),
        ),
        (  # a host that counts thoughts among what was said: its total tells
            {
                "promptTokenCount": 5,
                "candidatesTokenCount": 43,
                "thoughtsTokenCount": 40,
                "totalTokenCount": 48,
            },
            Usage(5, 43, reasoning_tokens=40),
        ),
        (  # results of Google's own tools are read too
            {"promptTokenCount": 5, "toolUsePromptTokenCount": 20, "candidatesTokenCount": 3},
            Usage(25, 3),
        ),
    ],
)
def test_every_token_is_counted_once(told: dict[str, Any], usage: Usage) -> None:
    assert read_usage(told) == usage


@pytest.mark.parametrize("told", [None, [], {}, {"promptTokenCount": "5"}, {"totalTokenCount": 5}])
def test_what_names_no_prompt_is_no_usage(told: Any) -> None:
    assert read_usage(told) is None


@given(COUNTS, COUNTS, COUNTS, COUNTS)
def test_usage_comes_back_as_it_was(cached: int, plain: int, said: int, thought: int) -> None:
    usage = Usage(cached + plain, said + thought, cached, reasoning_tokens=thought)
    assert read_usage(write_usage(usage)) == usage
