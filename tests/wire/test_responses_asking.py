"""What OpenAI's Responses are asked, from callers of chat completions and of their own wire."""

from __future__ import annotations

import re
from typing import Any

import orjson
import pytest

from metallm.core.arm import Arm
from metallm.core.completion import ChatRequest, Native
from metallm.core.wires import ANTHROPIC, RESPONSES
from metallm.wire.faces import FACES
from metallm.wire.responses_thoughts import kept, seal
from metallm.wire.wires import WIRES

WIRE = WIRES[RESPONSES]
ARM = Arm("openai/gpt-5", wire=RESPONSES)
HELLO: list[Any] = [{"role": "user", "content": "hello"}]
REASONING = {
    "type": "reasoning",
    "id": "rs_1",
    "summary": [{"type": "summary_text", "text": "hm"}],
    "encrypted_content": "gAAAA",
}


def sent(body: dict[str, Any], arm: Arm = ARM, *, stream: bool = False) -> dict[str, Any]:
    request = ChatRequest({"messages": HELLO, **body})
    assert WIRE.obstacle(arm, request) is None
    told: dict[str, Any] = orjson.loads(WIRE.write_request(arm, request, stream=stream))
    return told


def native(body: dict[str, Any], arm: Arm = ARM) -> dict[str, Any]:
    request = FACES[RESPONSES].read_request({"model": "auto", "input": "hello", **body}, {})
    told: dict[str, Any] = orjson.loads(WIRE.write_request(arm, request, stream=False))
    return told


def test_nothing_is_kept_at_the_host_unless_it_is_asked_to() -> None:
    plain = sent({})
    assert plain == {
        "model": "gpt-5",
        "input": [{"role": "user", "content": "hello"}],
        "store": False,
    }
    assert sent({"store": True})["store"] is True
    assert native({})["store"] is False
    assert sent({}, stream=True)["stream"] is True


def test_a_conversation_becomes_items() -> None:
    call = {"id": "c1", "type": "function", "function": {"name": "f", "arguments": "{}"}}
    messages = [
        {"role": "system", "content": "be brief"},
        {
            "role": "user",
            "content": [
                {"type": "text", "text": "see"},
                {"type": "image_url", "image_url": {"url": "https://x/y.png", "detail": "low"}},
                {"type": "file", "file": {"file_data": "data:", "filename": "a.pdf"}},
            ],
        },
        {"role": "assistant", "content": "I look", "tool_calls": [call]},
        {"role": "tool", "tool_call_id": "c1", "content": "fine"},
        {"role": "assistant", "content": None, "refusal": "no"},
        *HELLO,
    ]
    assert sent({"messages": messages})["input"] == [
        {"role": "system", "content": "be brief"},
        {
            "role": "user",
            "content": [
                {"type": "input_text", "text": "see"},
                {"type": "input_image", "image_url": "https://x/y.png", "detail": "low"},
                {"type": "input_file", "file_data": "data:", "filename": "a.pdf"},
            ],
        },
        {"role": "assistant", "content": "I look"},
        {"type": "function_call", "call_id": "c1", "name": "f", "arguments": "{}"},
        {"type": "function_call_output", "call_id": "c1", "output": "fine"},
        {"role": "assistant", "content": [{"type": "refusal", "refusal": "no"}]},
        {"role": "user", "content": "hello"},
    ]


def test_fields_have_other_names_here() -> None:
    told = sent(
        {
            "max_completion_tokens": 50,
            "reasoning_effort": "low",
            "verbosity": "high",
            "response_format": {
                "type": "json_schema",
                "json_schema": {"name": "n", "schema": {"type": "object"}, "strict": True},
            },
            "logprobs": True,
            "top_logprobs": 2,
            "stream_options": {"include_usage": True},
            "n": 1,
            "stop": None,
        }
    )
    assert told["max_output_tokens"] == 50
    assert told["reasoning"] == {"effort": "low"}
    assert told["text"] == {
        "verbosity": "high",
        "format": {
            "type": "json_schema",
            "name": "n",
            "schema": {"type": "object"},
            "strict": True,
        },
    }
    assert told["include"] == ["reasoning.encrypted_content", "message.output_text.logprobs"]
    assert told["top_logprobs"] == 2
    assert {"stream_options", "n", "stop", "max_completion_tokens"}.isdisjoint(told)
    assert sent({"reasoning_effort": "none"})["reasoning"] == {"effort": "none"}


def test_a_function_is_not_strict_unless_it_says_so() -> None:
    function: dict[str, Any] = {"name": "f", "description": "d"}
    tools = [{"type": "function", "function": function}]
    (tool,) = sent({"tools": tools})["tools"]
    assert tool == {
        "type": "function",
        "name": "f",
        "description": "d",
        "strict": False,
        "parameters": {"type": "object", "properties": {}},
    }
    function["strict"] = True
    assert sent({"tools": tools})["tools"][0]["strict"] is True


@pytest.mark.parametrize(
    ("choice", "told"),
    [
        ("required", "required"),
        ({"type": "function", "function": {"name": "f"}}, {"type": "function", "name": "f"}),
        (
            {
                "type": "allowed_tools",
                "allowed_tools": {"mode": "auto", "tools": [{"function": {"name": "f"}}]},
            },
            {
                "type": "allowed_tools",
                "mode": "auto",
                "tools": [{"type": "function", "name": "f"}],
            },
        ),
    ],
)
def test_the_choice_of_tools_is_told(choice: Any, told: Any) -> None:
    assert sent({"tool_choice": choice})["tool_choice"] == told


@pytest.mark.parametrize(
    ("body", "what"),
    [
        ({"n": 2}, "n"),
        ({"stop": ["x"]}, "stop"),
        ({"seed": 1}, "seed"),
        ({"logit_bias": {"1": 2}}, "logit_bias"),
        ({"frequency_penalty": 0.5}, "frequency_penalty"),
        ({"web_search_options": {"a": 1}}, "web_search_options"),
        ({"brand_new": 1}, "brand_new"),
        ({"tools": [{"type": "custom", "custom": {"name": "c"}}]}, r"tools\[0\]"),
        ({"messages": [{"role": "user", "name": "Ann", "content": "x"}]}, "name"),
        (
            {"messages": [{"role": "user", "content": [{"type": "input_audio"}]}]},
            "input_audio",
        ),
        ({"response_format": {"type": "grammar"}}, "grammar"),
    ],
)
def test_what_it_cannot_carry_is_refused_by_name(body: dict[str, Any], what: str) -> None:
    told = WIRE.obstacle(ARM, ChatRequest({"messages": HELLO, **body}))
    assert told is not None
    assert "OpenAI's Responses cannot carry" in told
    assert re.search(what, told)


def test_an_arms_options_may_be_of_this_wire_alone() -> None:
    arm = Arm(
        "openai/gpt-5",
        wire=RESPONSES,
        options={"reasoning": {"summary": "auto"}, "text": {"verbosity": "low"}},
    )
    told = sent({"reasoning_effort": "high", "verbosity": "high"}, arm)
    assert told["reasoning"] == {"effort": "high", "summary": "auto"}
    assert told["text"] == {"verbosity": "low"}
    assert native({}, arm)["reasoning"] == {"summary": "auto"}


def test_its_own_callers_pass_as_they_came_within_what_an_arm_can_say() -> None:
    arm = Arm("openai/gpt-5", wire=RESPONSES, max_output_tokens=10, ignores=("user",))
    body = {"max_output_tokens": 99, "user": "u", "metadata": {"a": "b"}, "instructions": "hi"}
    assert native(body, arm) == {
        "model": "gpt-5",
        "input": "hello",
        "instructions": "hi",
        "metadata": {"a": "b"},
        "max_output_tokens": 10,
        "store": False,
    }


def test_thinking_that_anthropics_callers_allow_is_asked_of_those_who_can() -> None:
    body = {
        "model": "auto",
        "max_tokens": 2048,
        "messages": HELLO,
        "thinking": {"type": "enabled", "budget_tokens": 1024},
    }
    request = FACES[ANTHROPIC].read_request(body, {})
    for lacks, told in (((), True), (("reasoning",), False)):
        arm = Arm("openai/gpt-5", wire=RESPONSES, lacks=lacks)
        assert WIRE.obstacle(arm, request) is None
        sent_so = orjson.loads(WIRE.write_request(arm, request, stream=False))
        assert ("reasoning" in sent_so) is told
        assert sent_so["max_output_tokens"] == 2048


# -- reasoning that only its maker reads ----------------------------------------------------------

(KEPT,) = kept(REASONING)


def test_openais_reasoning_goes_back_to_openai_and_nowhere_else() -> None:
    turn = {"role": "assistant", "content": "hi", "thinking_blocks": [KEPT]}
    messages = [*HELLO, turn, *HELLO]
    assert sent({"messages": messages})["input"][1] == REASONING
    claude = Arm("anthropic/claude-sonnet-4-5")
    for name in ("anthropic", "bedrock"):
        arm = Arm(f"{name}/anthropic.claude-sonnet-4-5-20250929-v1:0", wire=name)
        raw = WIRES[name].write_request(arm, ChatRequest({"messages": messages}), stream=False)
        assert b"thinking" not in raw
        assert b"reasoningContent" not in raw
    own = {"model": "m", "max_tokens": 5, "messages": [{"role": "assistant", "content": [KEPT]}]}
    request = ChatRequest({"messages": []}, native=Native(ANTHROPIC, own))
    assert b"redacted" not in WIRES[ANTHROPIC].write_request(claude, request, stream=False)


def test_what_others_have_signed_does_not_reach_openai() -> None:
    theirs = {"type": "thinking", "thinking": "hm", "signature": "sig"}
    items = [
        {"type": "reasoning", "summary": [], "encrypted_content": seal([theirs])},
        {"type": "reasoning", "summary": [], "encrypted_content": seal([KEPT])},
        REASONING,
        {"role": "user", "content": "go on"},
    ]
    assert native({"input": items})["input"] == [REASONING, REASONING, items[-1]]


def test_the_count_of_tokens_is_asked_with_what_it_takes() -> None:
    request = ChatRequest({"messages": HELLO, "max_tokens": 5, "temperature": 0.5})
    assert WIRE.path(ARM, stream=True) == "/responses"
    counting: Any = WIRE
    assert counting.count_path(ARM) == "/responses/input_tokens"
    assert orjson.loads(counting.write_count(ARM, request)).keys() == {"model", "input"}
    assert counting.read_count(ARM, b'{"object":"response.input_tokens","input_tokens":7}') == 7
