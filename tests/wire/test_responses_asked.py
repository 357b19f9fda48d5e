"""Requests of OpenAI's Responses: translated, or refused by name."""

from __future__ import annotations

from contextlib import suppress
from typing import Any

import pytest
from hypothesis import given

from contracts.wire_cases import ODD_BODIES, requests
from metallm.core.completion import ChatRequest
from metallm.core.wires import RESPONSES
from metallm.errors import InputError
from metallm.wire.faces import FACES
from metallm.wire.responses_parts import RefusedFieldError
from metallm.wire.responses_thoughts import seal

FACE = FACES[RESPONSES]
SCHEMA = {"type": "object", "properties": {"city": {"type": "string"}}}
CALL = {"type": "function_call", "call_id": "c1", "name": "f", "arguments": "{}"}
THOUGHTS = [{"type": "thinking", "thinking": "hm", "signature": "s"}]


def read(*items: dict[str, Any], **body: Any) -> ChatRequest:
    return FACE.read_request({"model": "auto", "input": list(items) or "hello", **body}, {})


def messages(*items: dict[str, Any], **body: Any) -> Any:
    return read(*items, **body).body["messages"]


def _parts(content: Any, said: str) -> Any:
    if isinstance(content, str):
        return content
    return [
        {"type": said, "text": part["text"]}
        if part["type"] == "text"
        else {"type": "input_image", "image_url": part["image_url"]["url"]}
        for part in content
    ]


def _items(message: dict[str, Any]) -> list[dict[str, Any]]:
    if message["role"] == "tool":
        call = message["tool_call_id"]
        return [{"type": "function_call_output", "call_id": call, "output": message["content"]}]
    items: list[dict[str, Any]] = []
    if message["content"] is not None:
        said = "output_text" if message["role"] == "assistant" else "input_text"
        content = _parts(message["content"], said)
        items.append({"type": "message", "role": message["role"], "content": content})
    calls = message.get("tool_calls", [])
    items += [
        {"type": "function_call", "call_id": each["id"], **each["function"]} for each in calls
    ]
    return items


def as_asked(body: dict[str, Any]) -> dict[str, Any]:
    """A canonical request as a client of this wire puts it."""
    asked: dict[str, Any] = {name: body[name] for name in ("temperature", "top_p") if name in body}
    asked["input"] = [item for message in body["messages"] for item in _items(message)]
    asked["max_output_tokens"] = body["max_tokens"]
    if "tools" in body:
        asked["tools"] = [{"type": "function", **tool["function"]} for tool in body["tools"]]
    if "tool_choice" in body:
        choice = body["tool_choice"]
        named = isinstance(choice, dict)
        asked["tool_choice"] = {"type": "function", **choice["function"]} if named else choice
    return asked


@given(requests())
def test_a_request_comes_back_as_it_was(body: dict[str, Any]) -> None:
    body.pop("stop", None)  # this wire has none
    assert FACE.read_request(as_asked(body), {}).body == body


@given(ODD_BODIES)
def test_what_is_no_request_is_refused_as_the_callers_mistake(body: dict[str, Any]) -> None:
    odd = {**body, "input": body.get("messages")}
    with suppress(InputError):
        assert isinstance(FACE.read_request(odd, {}).body["messages"], list)


def test_a_text_is_what_the_user_says_after_the_instructions() -> None:
    assert messages(instructions="be brief") == [
        {"role": "system", "content": "be brief"},
        {"role": "user", "content": "hello"},
    ]


def test_a_message_needs_no_type_and_its_parts_are_translated() -> None:
    image = {"type": "input_image", "image_url": "https://example.org/a.png", "detail": "low"}
    file = {"type": "input_file", "file_data": "data:application/pdf;base64,YQ==", "filename": "f"}
    audio = {"type": "input_audio", "input_audio": {"data": "YQ==", "format": "wav"}}
    parts = [{"type": "input_text", "text": "look"}, image, file, audio]
    (message,) = messages({"role": "developer", "content": parts})
    assert message == {
        "role": "developer",
        "content": [
            {"type": "text", "text": "look"},
            {
                "type": "image_url",
                "image_url": {"url": "https://example.org/a.png", "detail": "low"},
            },
            {
                "type": "file",
                "file": {"file_data": "data:application/pdf;base64,YQ==", "filename": "f"},
            },
            {"type": "input_audio", "input_audio": {"data": "YQ==", "format": "wav"}},
        ],
    }


def test_what_one_turn_said_called_and_thought_is_one_message() -> None:
    reasoning: dict[str, Any] = {
        "type": "reasoning",
        "summary": [],
        "encrypted_content": seal(THOUGHTS),
    }
    said = {
        "type": "message",
        "role": "assistant",
        "content": [{"type": "output_text", "text": "x"}],
    }
    told = messages(reasoning, said, CALL, {**CALL, "call_id": "c2"})
    function = {"type": "function", "function": {"name": "f", "arguments": "{}"}}
    assert told == [
        {
            "role": "assistant",
            "content": "x",
            "thinking_blocks": THOUGHTS,
            "tool_calls": [{"id": "c1", **function}, {"id": "c2", **function}],
        }
    ]


@pytest.mark.parametrize("sealed", [None, "gAAAA", "metallm.%", "metallm.YQ==", "metallm.e30="])
def test_reasoning_that_nobody_here_has_sealed_is_left_out(sealed: str | None) -> None:
    reasoning: dict[str, Any] = {"type": "reasoning", "summary": [], "encrypted_content": sealed}
    assert messages(reasoning, CALL)[0].keys() == {"role", "content", "tool_calls"}


def test_thoughts_of_a_turn_that_is_over_do_not_move_to_the_next() -> None:
    reasoning: dict[str, Any] = {
        "type": "reasoning",
        "summary": [],
        "encrypted_content": seal(THOUGHTS),
    }
    user = {"role": "user", "content": "go on"}
    assert messages(reasoning, user, CALL)[1].keys() == {"role", "content", "tool_calls"}


def test_images_that_tools_show_come_after_the_last_of_their_results() -> None:
    image = {"type": "input_image", "image_url": "https://example.org/a.png"}
    shown = {
        "type": "function_call_output",
        "call_id": "c1",
        "output": [{"type": "input_text", "text": "there"}, image],
    }
    plain = {"type": "function_call_output", "call_id": "c2", "output": "7"}
    told = messages(CALL, {**CALL, "call_id": "c2"}, shown, plain)
    assert [each["role"] for each in told] == ["assistant", "tool", "tool", "user"]
    assert [each["content"] for each in told[1:3]] == ["there", "7"]
    assert told[3]["content"][0]["type"] == "image_url"


def test_fields_get_the_names_of_chat_completions() -> None:
    request = read(
        max_output_tokens=9,
        temperature=0.5,
        stream=True,
        reasoning={"effort": "high", "summary": "auto"},
        text={"verbosity": "low", "format": {"type": "json_schema", "name": "a", "schema": SCHEMA}},
        metadata={"team": "a"},
        store=False,
        background=False,
        truncation="disabled",
        previous_response_id=None,
        include=["reasoning.encrypted_content", "message.output_text.logprobs"],
        top_logprobs=3,
        parallel_tool_calls=False,
        tools=[{"type": "function", "name": "f", "parameters": SCHEMA, "strict": True}],
        tool_choice={
            "type": "allowed_tools",
            "mode": "required",
            "tools": [{"type": "function", "name": "f"}],
        },
    )
    body = dict(request.body)
    del body["messages"]
    only = {"mode": "required", "tools": [{"type": "function", "function": {"name": "f"}}]}
    assert body == {
        "model": "auto",
        "max_tokens": 9,
        "temperature": 0.5,
        "stream": True,
        "reasoning_effort": "high",
        "verbosity": "low",
        "response_format": {"type": "json_schema", "json_schema": {"name": "a", "schema": SCHEMA}},
        "logprobs": True,
        "top_logprobs": 3,
        "parallel_tool_calls": False,
        "tools": [
            {"type": "function", "function": {"name": "f", "parameters": SCHEMA, "strict": True}}
        ],
        "tool_choice": {"type": "allowed_tools", "allowed_tools": only},
    }


REFERENCE = {"type": "item_reference", "id": "msg_1"}
BY_ID = {"role": "user", "content": [{"type": "input_image", "file_id": "file_1"}]}
BY_URL = {"role": "user", "content": [{"type": "input_file", "file_url": "https://example.org"}]}


@pytest.mark.parametrize(
    ("body", "param"),
    [
        ({"previous_response_id": "resp_1"}, "previous_response_id"),
        ({"conversation": "conv_1"}, "conversation"),
        ({"prompt": {"id": "pmpt_1"}}, "prompt"),
        ({"store": True}, "store"),
        ({"background": True}, "background"),
        ({"truncation": "auto"}, "truncation"),
        ({"context_management": [{"type": "compaction"}]}, "context_management"),
        ({"brand_new": 1}, "brand_new"),
        ({"instructions": ["x"]}, "instructions"),
        ({"include": ["web_search_call.action.sources"]}, "include"),
        ({"include": "all"}, "include"),
        ({"tools": [{"type": "web_search"}]}, "tools[0].type"),
        ({"tools": [{"type": "custom", "name": "f"}]}, "tools[0].type"),
        ({"tools": [{"type": "function"}]}, "tools[0].name"),
        ({"tool_choice": {"type": "file_search"}}, "tool_choice"),
        ({"text": {"format": {"type": "grammar"}}}, "text.format"),
        ({"text": "json"}, "text"),
        ({"reasoning": "high"}, "reasoning"),
        ({"input": None}, "input"),
        ({"input": ["x"]}, "input"),
        ({"input": [REFERENCE]}, "input[0]"),
        ({"input": [{"type": "web_search_call"}]}, "input[0].type"),
        ({"input": [{"role": "tool", "content": "x"}]}, "input[0].role"),
        ({"input": [{"role": "user", "content": 3}]}, "input[0].content"),
        ({"input": [BY_ID]}, "input[0].content[0].file_id"),
        ({"input": [BY_URL]}, "input[0].content[0].file_url"),
        ({"input": [{**CALL, "call_id": None}]}, "input[0].call_id"),
    ],
)
def test_what_cannot_be_served_is_refused_by_name(body: dict[str, Any], param: str) -> None:
    with pytest.raises(RefusedFieldError) as refused:
        read(**body)
    assert refused.value.param == param
    assert str(refused.value).startswith(param)
