from __future__ import annotations

from typing import Any

import orjson
import pytest

from metallm.core.arm import Arm
from metallm.core.completion import ChatRequest
from metallm.core.wires import ANTHROPIC, OPENAI
from metallm.errors import ProviderUnavailableError
from metallm.wire.faces import FACES
from metallm.wire.wires import WIRES

ARM = Arm("anthropic/claude-sonnet-4-5")
PLAIN = ChatRequest({"messages": []})
THOUGHTS = [
    {"type": "thinking", "thinking": "hm", "signature": "s"},
    {"type": "redacted_thinking", "data": "d"},
]


def message(*content: Any, **fields: Any) -> bytes:
    return orjson.dumps(
        {
            "id": "msg_1",
            "type": "message",
            "role": "assistant",
            "model": "claude-x",
            "content": list(content),
            "stop_reason": "end_turn",
            "stop_sequence": None,
            "usage": {"input_tokens": 3, "output_tokens": 2},
            **fields,
        }
    )


def canonical(raw: bytes) -> Any:
    return orjson.loads(WIRES[ANTHROPIC].read_answer(ARM, raw, PLAIN, now=9.5)[1])


def native(message: dict[str, Any], finish_reason: str = "stop", **fields: Any) -> Any:
    choice = {"index": 0, "message": message, "finish_reason": finish_reason}
    raw = orjson.dumps({"id": "x", "model": "m", "choices": [choice], **fields})
    return orjson.loads(FACES[ANTHROPIC].write_answer(raw, wire=OPENAI, model="sim/arm"))


def test_thoughts_words_and_calls_find_their_places() -> None:
    use = {"type": "tool_use", "id": "t", "name": "f", "input": {}}
    words = [{"type": "text", "text": "a"}, {"type": "text", "text": "b"}]
    told = canonical(message(*THOUGHTS, *words, use, stop_reason="tool_use"))
    assert told["created"] == 9
    (choice,) = told["choices"]
    assert choice["finish_reason"] == "tool_calls"
    assert choice["message"] == {
        "role": "assistant",
        "content": "ab",
        "refusal": None,
        "tool_calls": [
            {"id": "t", "type": "function", "function": {"name": "f", "arguments": "{}"}}
        ],
        "reasoning_content": "hm",
        "thinking_blocks": THOUGHTS,
    }
    # what a client gives back is what it got
    assert native(choice["message"])["content"] == [
        *THOUGHTS,
        {"type": "text", "text": "ab"},
        use,
    ]


@pytest.mark.parametrize(
    ("reason", "told"),
    [
        ("end_turn", "stop"),
        ("stop_sequence", "stop"),
        ("max_tokens", "length"),
        ("model_context_window_exceeded", "length"),
        ("refusal", "content_filter"),
        ("tool_use", "tool_calls"),
        ("brand_new", "stop"),
        (None, None),
    ],
)
def test_why_it_ended_is_told_in_openais_words(reason: str | None, told: str | None) -> None:
    assert canonical(message(stop_reason=reason))["choices"][0]["finish_reason"] == told


@pytest.mark.parametrize(
    ("message", "reason", "told"),
    [
        ({"content": "a"}, "stop", "end_turn"),
        ({"content": "a"}, "length", "max_tokens"),
        ({"content": "a"}, "content_filter", "refusal"),
        ({"content": None, "refusal": "no"}, "stop", "refusal"),
        ({"content": None, "tool_calls": [{"id": "c", "function": {}}]}, "stop", "tool_use"),
        ({"content": "a"}, "brand_new", "end_turn"),
    ],
)
def test_and_in_anthropics(message: dict[str, Any], reason: str, told: str) -> None:
    assert native(message, reason)["stop_reason"] == told


def test_an_answer_without_usage_tells_none_read_and_none_said() -> None:
    assert native({"content": "a"})["usage"] == {"input_tokens": 0, "output_tokens": 0}
    usage = {
        "prompt_tokens": 9,
        "completion_tokens": 4,
        "prompt_tokens_details": {"cached_tokens": 5},
    }
    told = native({"content": "a"}, usage=usage)["usage"]
    assert (told["input_tokens"], told["cache_read_input_tokens"]) == (4, 5)


def test_reasoning_of_other_hosts_is_a_thought_without_a_signature() -> None:
    for name in ("reasoning_content", "reasoning"):
        told = native({"content": "a", name: "hm"})
        assert told["content"][0] == {"type": "thinking", "thinking": "hm", "signature": ""}


def test_arguments_that_are_no_object_are_shown_as_the_model_wrote_them() -> None:
    call = {"id": "c", "function": {"name": "f", "arguments": "{broken"}}
    (use,) = native({"content": None, "tool_calls": [call]})["content"]
    assert use["input"] == {"arguments": "{broken"}


def test_an_answer_of_the_callers_own_wire_gets_the_arms_name_and_nothing_else() -> None:
    raw = message({"type": "text", "text": "a", "citations": [{"type": "odd"}]}, brand_new=[1])
    told = FACES[ANTHROPIC].write_answer(raw, wire=ANTHROPIC, model="sim/arm")
    assert orjson.loads(told) == {**orjson.loads(raw), "model": "sim/arm"}


def test_an_error_in_place_of_an_answer_tells_its_kind_and_status() -> None:
    raw = orjson.dumps({"type": "error", "error": {"type": "overloaded_error", "message": "busy"}})
    with pytest.raises(ProviderUnavailableError, match="overloaded_error") as raised:
        WIRES[ANTHROPIC].read_answer(ARM, raw, PLAIN, now=0.0)
    assert raised.value.status == 529
