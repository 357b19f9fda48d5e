from __future__ import annotations

import orjson

from metallm.core.arm import Arm
from metallm.core.completion import ChatRequest, Native
from metallm.wire.extensions import without_extensions
from metallm.wire.openai_chat import write_request

MARK = {"type": "ephemeral"}
BODY = {
    "messages": [
        {"role": "user", "content": [{"type": "text", "text": "a", "cache_control": MARK}, "odd"]},
        {"role": "assistant", "content": "b", "thinking_blocks": [{"type": "thinking"}]},
    ],
    "tools": [{"type": "function", "function": {"name": "f"}, "cache_control": MARK}],
    "seed": 3,
}
PLAIN = {
    "messages": [
        {"role": "user", "content": [{"type": "text", "text": "a"}, "odd"]},
        {"role": "assistant", "content": "b"},
    ],
    "tools": [{"type": "function", "function": {"name": "f"}}],
    "seed": 3,
}


def test_what_strict_hosts_refuse_is_taken_out_and_the_given_body_stays() -> None:
    before = orjson.dumps(BODY)
    assert without_extensions(BODY) == PLAIN
    assert orjson.dumps(BODY) == before


def test_a_translated_request_goes_without_them_and_a_callers_own_as_it_came() -> None:
    arm = Arm("x/a")
    translated = ChatRequest(BODY, native=Native("other", {}))
    assert orjson.loads(write_request(arm, translated, stream=False)) == {**PLAIN, "model": "a"}
    own = orjson.loads(write_request(arm, ChatRequest(BODY), stream=False))
    assert own == {**BODY, "model": "a"}


def test_fields_that_an_arm_ignores_are_left_out() -> None:
    arm = Arm("x/a", ignores=("seed",))
    sent = orjson.loads(write_request(arm, ChatRequest(BODY), stream=False))
    assert "seed" not in sent
