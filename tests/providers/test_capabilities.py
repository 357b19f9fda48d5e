from __future__ import annotations

from typing import Any

import pytest

from metallm.core.arm import Arm
from metallm.core.completion import ChatRequest, Native
from metallm.core.wires import OPENAI
from metallm.providers.capabilities import obstacles

PLAIN = {"messages": [{"role": "user", "content": "hello"}]}
PICTURE = {"type": "image_url", "image_url": {"url": "https://example.org/a.png"}}


def told(arm: Arm, body: dict[str, Any], *, stream: bool = False, tokens: int = 10) -> str | None:
    found = obstacles([arm], ChatRequest(body), stream=stream, input_tokens=tokens)
    assert set(found) <= {arm.name}
    return found.get(arm.name)


@pytest.mark.parametrize(
    ("lack", "extra", "stream"),
    [
        ("tools", {"tools": [{"type": "function", "function": {"name": "f"}}]}, False),
        ("tools", {"functions": [{"name": "f"}]}, False),
        ("images", {"messages": [{"role": "user", "content": [PICTURE]}]}, False),
        ("audio", {"messages": [{"role": "user", "content": [{"type": "input_audio"}]}]}, False),
        ("files", {"messages": [{"role": "user", "content": [{"type": "file"}]}]}, False),
        ("json_schema", {"response_format": {"type": "json_schema"}}, False),
        ("logprobs", {"logprobs": True}, False),
        ("several_answers", {"n": 2}, False),
        ("streaming", {}, True),
    ],
)
def test_an_arm_that_lacks_what_a_query_needs_cannot_take_it(
    lack: str, extra: dict[str, Any], stream: bool
) -> None:
    body = {**PLAIN, **extra}
    arm = Arm("x/a", lacks=(lack,))
    assert told(arm, body, stream=stream) == f"the arm has no {lack}"
    assert told(Arm("x/a"), body, stream=stream) is None
    assert told(arm, PLAIN) is None


@pytest.mark.parametrize(
    "extra",
    [
        {"n": 1},
        {"n": None},
        {"logprobs": False},
        {"tools": []},
        {"response_format": {"type": "text"}},
        {"messages": "no list"},
        {"messages": [None, {"content": [None, {"type": []}]}]},
    ],
)
def test_what_asks_for_nothing_special_is_taken_by_the_plainest_arm(extra: dict[str, Any]) -> None:
    arm = Arm("x/a", lacks=("tools", "logprobs", "several_answers", "json_schema", "images"))
    assert told(arm, {**PLAIN, **extra}) is None


def test_a_query_is_held_back_where_it_is_surely_longer_than_the_context_window() -> None:
    arm = Arm("x/a", context_window=1000)
    assert told(arm, PLAIN, tokens=1499) is None
    reason = told(arm, PLAIN, tokens=1600)
    assert reason is not None
    assert "1067 tokens or more and the context window 1000" in reason


def test_what_only_the_callers_wire_can_carry_is_for_arms_of_that_wire_alone() -> None:
    request = ChatRequest(PLAIN, native=Native("other", {}, bound=("container",)))
    arms = [Arm("x/a", wire=OPENAI)]
    found = obstacles(arms, request, stream=False, input_tokens=1)
    assert found == {"x/a": "only an API of the wire 'other' takes container"}
