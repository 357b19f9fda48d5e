from __future__ import annotations

from typing import Any

import orjson
import pytest

from metallm.core.arm import Arm
from metallm.core.completion import ChatRequest
from metallm.core.wires import ANTHROPIC
from metallm.errors import InputError
from metallm.wire.anthropic_asking import write_body
from metallm.wire.base import UncarriedError
from metallm.wire.wires import WIRES

WIRE = WIRES[ANTHROPIC]
ARM = Arm("anthropic/claude-sonnet-4-5")
MARK = {"type": "ephemeral"}
HELLO = [{"role": "user", "content": "hello"}]


def asked(*messages: dict[str, Any], **fields: Any) -> dict[str, Any]:
    return write_body({"model": "claude-sonnet-4-5", "messages": list(messages) or HELLO, **fields})


def sent(arm: Arm, **fields: Any) -> Any:
    request = ChatRequest({"messages": HELLO, **fields})
    return orjson.loads(WIRE.write_request(arm, request, stream=False))


def test_a_plain_question_gets_the_limit_that_this_wire_demands() -> None:
    assert asked() == {"model": "claude-sonnet-4-5", "messages": HELLO, "max_tokens": 32_000}
    assert asked(max_completion_tokens=7, max_tokens=9)["max_tokens"] == 7


def test_system_messages_are_put_together_wherever_they_stood() -> None:
    body = asked(
        {"role": "system", "content": "be kind"},
        {"role": "user", "content": "a"},
        {"role": "developer", "content": [{"type": "text", "text": "and short"}]},
        {"role": "assistant", "content": "b"},
    )
    assert body["system"] == [
        {"type": "text", "text": "be kind"},
        {"type": "text", "text": "and short"},
    ]
    assert body["messages"] == [
        {"role": "user", "content": "a"},
        {"role": "assistant", "content": "b"},
    ]


def test_marks_for_the_cache_stay_where_they_were() -> None:
    body = asked(
        {"role": "system", "content": "long", "cache_control": MARK},
        {"role": "user", "content": [{"type": "text", "text": "a", "cache_control": MARK}]},
        {"role": "user", "content": "b", "cache_control": MARK},
        tools=[{"type": "function", "function": {"name": "f"}, "cache_control": MARK}],
    )
    assert body["system"] == [{"type": "text", "text": "long", "cache_control": MARK}]
    assert [turn["content"][0]["cache_control"] for turn in body["messages"]] == [MARK, MARK]
    assert body["tools"] == [
        {"name": "f", "input_schema": {"type": "object", "properties": {}}, "cache_control": MARK}
    ]


def test_images_and_files_become_blocks() -> None:
    parts = [
        {"type": "image_url", "image_url": {"url": "data:image/png;base64,YQ==", "detail": "low"}},
        {"type": "image_url", "image_url": {"url": "https://example.org/a.png"}},
        {
            "type": "file",
            "file": {"filename": "a.pdf", "file_data": "data:application/pdf;base64,Yg=="},
        },
    ]
    (turn,) = asked({"role": "user", "content": parts})["messages"]
    assert turn["content"] == [
        {
            "type": "image",
            "source": {"type": "base64", "media_type": "image/png", "data": "YQ=="},
        },
        {"type": "image", "source": {"type": "url", "url": "https://example.org/a.png"}},
        {
            "type": "document",
            "source": {"type": "base64", "media_type": "application/pdf", "data": "Yg=="},
            "title": "a.pdf",
        },
    ]


def test_a_message_as_the_official_client_gives_it_back_goes_on_with_its_thoughts() -> None:
    thought = {"type": "thinking", "thinking": "hm", "signature": "s1"}
    call = {"id": "call:1", "type": "function", "function": {"name": "f", "arguments": ""}}
    body = asked(
        {"role": "user", "content": "a"},
        {
            "role": "assistant",
            "content": None,
            "refusal": None,
            "annotations": None,
            "audio": None,
            "function_call": None,
            "reasoning_content": "hm",
            "thinking_blocks": [thought],
            "tool_calls": [call],
        },
        {"role": "tool", "tool_call_id": "call:1", "content": "x", "is_error": True},
        {"role": "tool", "tool_call_id": "call:2", "content": [{"type": "text", "text": "y"}]},
    )
    _, said, results = body["messages"]
    use = {"type": "tool_use", "id": "call_1", "name": "f", "input": {}}
    assert said == {"role": "assistant", "content": [thought, use]}
    assert results["role"] == "user"
    assert results["content"] == [
        {"type": "tool_result", "tool_use_id": "call_1", "content": "x", "is_error": True},
        {
            "type": "tool_result",
            "tool_use_id": "call_2",
            "content": [{"type": "text", "text": "y"}],
        },
    ]


def test_empty_texts_which_the_api_refuses_are_left_out() -> None:
    body = asked(
        {"role": "user", "content": [{"type": "text", "text": ""}, {"type": "text", "text": "a"}]},
        {"role": "assistant", "content": ""},
        {"role": "assistant", "content": None, "refusal": "no"},
    )
    assert body["messages"] == [
        {"role": "user", "content": [{"type": "text", "text": "a"}]},
        {"role": "assistant", "content": "no"},
    ]


TOOL = {"type": "function", "function": {"name": "f", "parameters": {}, "strict": True}}


@pytest.mark.parametrize(
    ("fields", "choice"),
    [
        ({}, None),
        ({"parallel_tool_calls": True}, None),
        ({"parallel_tool_calls": False}, {"type": "auto", "disable_parallel_tool_use": True}),
        ({"tool_choice": "required"}, {"type": "any"}),
        (
            {"tool_choice": "auto", "parallel_tool_calls": False},
            {"type": "auto", "disable_parallel_tool_use": True},
        ),
        (
            {"tool_choice": {"type": "function", "function": {"name": "f"}}},
            {"type": "tool", "name": "f"},
        ),
    ],
)
def test_how_tools_are_chosen_is_told(fields: dict[str, Any], choice: Any) -> None:
    body = asked(tools=[TOOL], **fields)
    assert body.get("tool_choice") == choice
    assert body["tools"][0]["strict"] is True


def test_fields_are_translated_passed_or_left_out_as_hints() -> None:
    body = asked(
        stop="END",
        temperature=0.5,
        top_p=0.9,
        top_k=5,
        user="u-1",
        store=True,
        metadata={"a": "b"},
        prompt_cache_key="k",
        n=1,
        logprobs=False,
        frequency_penalty=0,
        seed=None,
        service_tier="auto",
        response_format={"type": "text"},
        thinking={"type": "disabled"},
    )
    del body["messages"], body["model"], body["max_tokens"]
    assert body == {
        "stop_sequences": ["END"],
        "temperature": 0.5,
        "top_p": 0.9,
        "top_k": 5,
        "metadata": {"user_id": "u-1"},
        "thinking": {"type": "disabled"},
    }


SCHEMA = {"type": "object", "properties": {}, "additionalProperties": False}
FORM = {"type": "json_schema", "json_schema": {"name": "x", "schema": SCHEMA}}


def test_a_schema_and_an_effort_share_one_field() -> None:
    body = write_body(
        {
            "model": "claude-opus-4-6",
            "messages": HELLO,
            "reasoning_effort": "low",
            "response_format": FORM,
        }
    )
    assert body["output_config"] == {
        "effort": "low",
        "format": {"type": "json_schema", "schema": SCHEMA},
    }
    assert body["thinking"] == {"type": "adaptive"}


def calling(**call: Any) -> dict[str, Any]:
    return {"messages": [{"role": "assistant", "tool_calls": [{"id": "c", **call}]}]}


def showing(**part: Any) -> dict[str, Any]:
    return {"messages": [{"role": "user", "content": [part]}]}


@pytest.mark.parametrize(
    ("fields", "told"),
    [
        ({"logprobs": True}, "logprobs"),
        ({"n": 2}, "n"),
        ({"seed": 3}, "seed"),
        ({"logit_bias": {"5": 1}}, "logit_bias"),
        ({"frequency_penalty": 0.5}, "frequency_penalty"),
        ({"modalities": ["audio"]}, "modalities"),
        ({"brand_new": 1}, "brand_new"),
        ({"service_tier": "flex"}, "service_tier"),
        ({"temperature": 1.5}, "temperature 1.5: here it goes from 0 to 1"),
        ({"max_tokens": "many"}, "max_tokens 'many'"),
        ({"output_config": 5}, "output_config, which is no object"),
        ({"stop": ["a", "\n"]}, "stop with a sequence of blanks"),
        ({"response_format": {"type": "json_object"}}, "response_format of type 'json_object'"),
        ({"functions": [{"name": "f"}]}, "functions"),
        ({"tools": [{"type": "custom", "custom": {"name": "f"}}]}, r"tools\[0\]"),
        ({"tools": {}}, "tools, which are no list"),
        ({"tool_choice": {"type": "allowed_tools"}}, "tool_choice"),
        ({"messages": "hello"}, "messages, which are no list"),
        ({"messages": [None]}, r"messages\[0\].role"),
        ({"messages": [{"role": "function", "content": "x"}]}, r"messages\[0\].role 'function'"),
        ({"messages": [{"role": "user", "content": "a", "name": "Ann"}]}, r"messages\[0\].name"),
        ({"messages": [{"role": "user", "content": 7}]}, r"messages\[0\].content"),
        ({"messages": [{"role": "assistant", "audio": {"id": "a"}}]}, r"messages\[0\].audio"),
        ({"messages": [{"role": "tool", "content": "x"}]}, r"messages\[0\].tool_call_id"),
        (calling(type="custom"), r"messages\[0\].tool_calls\[0\], which calls no function"),
        (calling(function={"name": "f", "arguments": "[1]"}), "which are no JSON object"),
        (calling(function={"name": "f", "arguments": "{"}), "which are no JSON object"),
        (showing(type="input_audio", input_audio={}), r"content\[0\] of type 'input_audio'"),
        (showing(type="text"), "whose text is none"),
        (showing(type="image_url", image_url={}), "which has no url"),
        (showing(type="image_url", image_url={"url": "data:image/png,x"}), "not in base64"),
        (showing(type="file", file={"file_id": "f-1"}), "without file_data"),
        (showing(type="file", file={"file_data": "data:text/plain;base64,YQ=="}), "text/plain"),
    ],
)
def test_what_cannot_be_carried_is_told_by_its_place(fields: dict[str, Any], told: str) -> None:
    request = ChatRequest({"messages": HELLO, **fields})
    reason = WIRE.obstacle(ARM, request)
    assert reason is not None
    with pytest.raises(UncarriedError, match=told):
        WIRE.write_request(ARM, request, stream=False)
    assert reason.startswith("Anthropic's Messages cannot carry ")


def test_an_older_model_is_not_held_to_a_schema_but_refused() -> None:
    request = ChatRequest({"messages": HELLO, "response_format": FORM})
    assert WIRE.obstacle(ARM, request) is None
    told = WIRE.obstacle(Arm("anthropic/claude-3-opus-20240229"), request)
    assert told is not None
    assert "response_format, for claude-3-opus-20240229" in told


def test_an_arm_may_ignore_what_the_wire_cannot_carry_and_has_fields_of_its_own() -> None:
    arm = Arm(
        "anthropic/claude-sonnet-4-5",
        ignores=("seed",),
        options={"max_tokens": 500, "thinking": {"type": "disabled"}},
    )
    request = {"seed": 3, "max_tokens": 7}
    assert WIRE.obstacle(arm, ChatRequest({"messages": HELLO, **request})) is None
    assert sent(arm, **request) == {
        "model": "claude-sonnet-4-5",
        "messages": HELLO,
        "max_tokens": 500,
        "thinking": {"type": "disabled"},
    }


def test_an_answer_format_goes_to_a_structured_arm() -> None:
    arm = Arm("anthropic/claude-sonnet-4-5", structured=True)
    request = ChatRequest({"messages": HELLO}, FORM)
    body = orjson.loads(WIRE.write_request(arm, request, stream=True))
    assert body["output_config"] == {"format": {"type": "json_schema", "schema": SCHEMA}}
    assert body["stream"] is True


def test_a_value_that_json_cannot_carry_is_refused() -> None:
    request = ChatRequest({"messages": HELLO, "user": object()})
    with pytest.raises(InputError, match="cannot be written as JSON"):
        WIRE.write_request(ARM, request, stream=False)
