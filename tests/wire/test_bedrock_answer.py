from __future__ import annotations

from typing import Any

import orjson
import pytest

from metallm.core.arm import Arm
from metallm.core.completion import ChatRequest
from metallm.core.price import Usage
from metallm.core.wires import BEDROCK, OPENAI
from metallm.errors import ProviderUnavailableError
from metallm.wire.base import Answer
from metallm.wire.faces import FACES
from metallm.wire.wires import WIRES

ARM = Arm("bedrock/anthropic.claude-sonnet-4-5-20250929-v1:0")


def read(
    *blocks: dict[str, Any], why: str = "end_turn", arm: Arm = ARM, **fields: Any
) -> tuple[Answer, dict[str, Any]]:
    message = {"role": "assistant", "content": list(blocks)}
    raw = orjson.dumps({"output": {"message": message}, "stopReason": why, **fields})
    answer, told = WIRES[BEDROCK].read_answer(arm, raw, ChatRequest({"messages": []}), now=7.9)
    return answer, orjson.loads(told)


def test_thoughts_stand_apart_and_keep_their_signature() -> None:
    answer, told = read(
        {"reasoningContent": {"reasoningText": {"text": "hm", "signature": "c2ln"}}},
        {"reasoningContent": {"redactedContent": "eA=="}},
        {"text": "he"},
        {"citationsContent": {"content": [{"text": "y"}], "citations": []}},
    )
    message = told["choices"][0]["message"]
    assert (message["reasoning_content"], message["content"], answer.text) == ("hm", "hey", "hey")
    assert message["thinking_blocks"] == [
        {"type": "thinking", "thinking": "hm", "signature": "c2ln"},
        {"type": "redacted_thinking", "data": "eA=="},
    ]
    back = orjson.loads(FACES[BEDROCK].write_answer(orjson.dumps(told), wire=OPENAI, model="m"))
    first, second, text = back["output"]["message"]["content"]
    assert first["reasoningContent"]["reasoningText"] == {"text": "hm", "signature": "c2ln"}
    assert second["reasoningContent"] == {"redactedContent": "eA=="}
    assert text == {"text": "hey"}


def test_thoughts_that_nobody_signed_are_told_and_not_kept() -> None:
    _, told = read({"reasoningContent": {"reasoningText": {"text": "hm"}}}, {"text": "hey"})
    message = told["choices"][0]["message"]
    assert message["reasoning_content"] == "hm"
    assert "thinking_blocks" not in message


def test_an_answer_names_no_model_and_no_id_so_it_gets_them() -> None:
    answer, told = read({"text": "hey"})
    assert answer.model is None
    assert told["model"] == "anthropic.claude-sonnet-4-5-20250929-v1:0"
    assert told["id"].startswith("converse-")
    assert told["id"] == read({"text": "hey"})[1]["id"]
    assert told["id"] != read({"text": "you"})[1]["id"]


def test_a_call_without_arguments_is_told_as_an_empty_object() -> None:
    answer, told = read({"toolUse": {"toolUseId": "c1", "name": "f"}}, why="tool_use")
    (call,) = told["choices"][0]["message"]["tool_calls"]
    assert call == {"id": "c1", "type": "function", "function": {"name": "f", "arguments": "{}"}}
    assert (answer.finish_reason, answer.text) == ("tool_calls", "")


@pytest.mark.parametrize(
    ("why", "reason"),
    [
        ("end_turn", "stop"),
        ("stop_sequence", "stop"),
        ("max_tokens", "length"),
        ("model_context_window_exceeded", "length"),
        ("guardrail_intervened", "content_filter"),
        ("content_filtered", "content_filter"),
        ("malformed_tool_use", "stop"),
        ("something_new", "stop"),
    ],
)
def test_why_it_ended(why: str, reason: str) -> None:
    assert read({"text": "so far"}, why=why)[0].finish_reason == reason


def test_what_a_guardrail_says_is_the_answer() -> None:
    answer, told = read({"text": "Sorry, not that."}, why="guardrail_intervened")
    assert answer.text == "Sorry, not that."
    assert told["choices"][0]["finish_reason"] == "content_filter"


@pytest.mark.parametrize("why", ["malformed_model_output", "malformed_tool_use"])
def test_a_model_that_lost_its_way_leaves_the_query_to_another(why: str) -> None:
    with pytest.raises(ProviderUnavailableError, match=rf"failed within its answer \({why}\)"):
        read(why=why)


def test_usage_is_read_as_the_models_family_tells_it() -> None:
    told = {"inputTokens": 10, "outputTokens": 3, "cacheReadInputTokens": 8}
    assert read({"text": "a"}, usage=told)[0].usage == Usage(18, 3, 8)
    gpt = Arm("bedrock/global.openai.gpt-6-sol")
    assert read({"text": "a"}, usage=told, arm=gpt)[0].usage == Usage(10, 3, 8)


def test_arguments_that_are_no_json_are_told_as_the_model_said_them() -> None:
    call = {"id": "c1", "type": "function", "function": {"name": "f", "arguments": "{half"}}
    message = {"role": "assistant", "content": None, "tool_calls": [call]}
    raw = orjson.dumps({"choices": [{"message": message, "finish_reason": "stop"}]})
    told = orjson.loads(FACES[BEDROCK].write_answer(raw, wire=OPENAI, model="m"))
    (block,) = told["output"]["message"]["content"]
    assert block["toolUse"]["input"] == {"arguments": "{half"}
    assert told["stopReason"] == "tool_use"
    assert "usage" not in told
