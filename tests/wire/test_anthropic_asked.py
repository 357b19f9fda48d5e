from __future__ import annotations

from typing import Any

import orjson
import pytest

from metallm.core.arm import Arm
from metallm.core.completion import ChatRequest
from metallm.core.wires import ANTHROPIC, OPENAI
from metallm.errors import InputError
from metallm.wire.faces import FACES
from metallm.wire.wires import WIRES

FACE = FACES[ANTHROPIC]
MARK = {"type": "ephemeral", "ttl": "1h"}
PNG = {"type": "base64", "media_type": "image/png", "data": "YQ=="}


def read(*messages: dict[str, Any], **fields: Any) -> ChatRequest:
    turns = list(messages) or [{"role": "user", "content": "hello"}]
    return FACE.read_request({"model": "auto", "messages": turns, **fields}, {})


def bound(request: ChatRequest) -> tuple[str, ...]:
    assert request.native is not None
    return request.native.bound


def test_a_turn_of_results_and_words_becomes_tools_messages_and_then_the_users() -> None:
    request = read(
        {
            "role": "user",
            "content": [
                {"type": "tool_result", "tool_use_id": "a", "content": "x", "is_error": True},
                {
                    "type": "tool_result",
                    "tool_use_id": "b",
                    "content": [{"type": "text", "text": "y"}, {"type": "image", "source": PNG}],
                },
                {"type": "tool_result", "tool_use_id": "c"},
                {"type": "text", "text": "so?", "cache_control": MARK},
            ],
        }
    )
    shown = {"type": "image_url", "image_url": {"url": "data:image/png;base64,YQ=="}}
    assert request.body["messages"] == [
        {"role": "tool", "tool_call_id": "a", "is_error": True, "content": "x"},
        {"role": "tool", "tool_call_id": "b", "content": "y"},
        {"role": "tool", "tool_call_id": "c", "content": ""},
        {
            "role": "user",
            "content": [shown, {"type": "text", "text": "so?", "cache_control": MARK}],
        },
    ]
    assert bound(request) == ()


def test_an_assistants_turn_keeps_its_thoughts_words_and_calls() -> None:
    thoughts = [
        {"type": "thinking", "thinking": "hm", "signature": "s"},
        {"type": "redacted_thinking", "data": "d"},
    ]
    use = {"type": "tool_use", "id": "t1", "name": "f", "input": {"a": [1, None]}}
    request = read(
        {"role": "assistant", "content": [*thoughts, {"type": "text", "text": "x"}, use]}
    )
    call = {
        "id": "t1",
        "type": "function",
        "function": {"name": "f", "arguments": '{"a":[1,null]}'},
    }
    assert request.body["messages"] == [
        {"role": "assistant", "content": "x", "tool_calls": [call], "thinking_blocks": thoughts}
    ]


def test_a_system_prompt_in_blocks_keeps_its_marks() -> None:
    blocks = [{"type": "text", "text": "a"}, {"type": "text", "text": "b", "cache_control": MARK}]
    assert read(system=blocks).body["messages"][0] == {"role": "system", "content": blocks}
    assert read(system=blocks[:1]).body["messages"][0] == {"role": "system", "content": "a"}
    assert read(system="").body["messages"] == [{"role": "user", "content": "hello"}]


def test_fields_get_the_names_of_openai() -> None:
    schema = {"type": "object"}
    request = read(
        max_tokens=9,
        stop_sequences=["END"],
        temperature=0.5,
        top_k=3,
        stream=True,
        thinking={"type": "enabled", "budget_tokens": 8000},
        output_config={"format": {"type": "json_schema", "schema": schema}},
        metadata={"user_id": "u"},
        service_tier="auto",
        tools=[{"type": "custom", "name": "f", "input_schema": schema, "strict": True}],
        tool_choice={"type": "any", "disable_parallel_tool_use": True},
    )
    body = dict(request.body)
    del body["messages"]
    assert body == {
        "model": "auto",
        "max_tokens": 9,
        "stop": ["END"],
        "temperature": 0.5,
        "top_k": 3,
        "stream": True,
        "reasoning_effort": "medium",
        "response_format": {
            "type": "json_schema",
            "json_schema": {"name": "answer", "strict": True, "schema": schema},
        },
        "tools": [
            {"type": "function", "function": {"name": "f", "parameters": schema, "strict": True}}
        ],
        "tool_choice": "required",
        "parallel_tool_calls": False,
    }
    assert bound(request) == ()


def test_documents_become_files_or_texts() -> None:
    pdf = {"type": "base64", "media_type": "application/pdf", "data": "YQ=="}
    text = {"type": "text", "media_type": "text/plain", "data": "words"}
    request = read(
        {
            "role": "user",
            "content": [
                {"type": "document", "source": pdf, "title": "t.pdf"},
                {"type": "document", "source": text, "title": "T"},
                {"type": "image", "source": {"type": "url", "url": "https://example.org/a"}},
            ],
        }
    )
    assert request.body["messages"][0]["content"] == [
        {
            "type": "file",
            "file": {"filename": "t.pdf", "file_data": "data:application/pdf;base64,YQ=="},
        },
        {"type": "text", "text": "T\n\nwords"},
        {"type": "image_url", "image_url": {"url": "https://example.org/a"}},
    ]


def shown(**block: Any) -> dict[str, Any]:
    return {"messages": [{"role": "user", "content": [block, {"type": "text", "text": "a"}]}]}


CITED = {
    "type": "document",
    "source": {"type": "text", "data": "x"},
    "citations": {"enabled": True},
}

HALF = {"type": "base64", "media_type": "application/pdf"}


@pytest.mark.parametrize(
    ("fields", "place"),
    [
        ({"container": "c"}, "container"),
        ({"mcp_servers": []}, "mcp_servers"),
        ({"brand_new": 1}, "brand_new"),
        ({"tools": [{"type": "web_search_20250305"}]}, "tools[0] of type 'web_search_20250305'"),
        ({"tool_choice": {"type": "odd"}}, "tool_choice of type 'odd'"),
        (shown(type="search_result"), "messages[0].content[0] of type 'search_result'"),
        (shown(type="image", source={"type": "file"}), "messages[0].content[0] of type 'image'"),
        (shown(type="image", source=HALF), "messages[0].content[0] of type 'image'"),
        (shown(type="image", source={"type": "url"}), "messages[0].content[0] of type 'image'"),
        (shown(type="document", source=HALF), "messages[0].content[0] of type 'document'"),
        (shown(**CITED), "messages[0].content[0] of type 'document'"),
        (shown(type=["odd"]), "messages[0].content[0] of type ''"),
    ],
)
def test_what_no_other_wire_can_carry_is_named_and_kept_for_this_one(
    fields: dict[str, Any], place: str
) -> None:
    body = {"model": "auto", "messages": [{"role": "user", "content": "hello"}], **fields}
    request = FACE.read_request(body, {})
    assert bound(request) == (place,)
    assert request.native is not None
    assert request.native.body == body


@pytest.mark.parametrize(
    ("fields", "told"),
    [
        ({"messages": None}, "messages must be a list"),
        ({"messages": ["x"]}, r"messages\[0\] must be an object"),
        ({"messages": [{"role": "tool"}]}, r"messages\[0\] must be an object with the role"),
        ({"messages": [{"role": "user", "content": 7}]}, r"messages\[0\].content must be"),
        ({"messages": [{"role": "user", "content": [7]}]}, r"messages\[0\].content must be"),
        ({"system": 7}, "system must be"),
        ({"tools": [None]}, "tools must be"),
    ],
)
def test_what_cannot_be_read_at_all_is_refused_with_its_place(
    fields: dict[str, Any], told: str
) -> None:
    with pytest.raises(InputError, match=told):
        FACE.read_request({"model": "auto", "messages": [], **fields}, {})


ARM = Arm("anthropic/claude-sonnet-4-5", options={"max_tokens": 50}, ignores=("top_k",))


def test_an_arm_of_the_same_wire_gets_all_of_it_under_its_own_model_and_options() -> None:
    mark = {"type": "text", "text": "a", "cache_control": MARK}
    search = {"type": "web_search_20250305", "name": "web_search"}
    body = {
        "model": "auto",
        "messages": [{"role": "user", "content": [mark]}],
        "max_tokens": 9,
        "top_k": 3,
        "stream": True,
        "tools": [search],
        "brand_new": {"deep": [1.5]},
    }
    headers = {"anthropic-beta": "b-1,b-2", "anthropic-version": "2024-01-01", "x-api-key": "mine"}
    request = FACE.read_request(body, headers)
    wire = WIRES[ANTHROPIC]
    assert wire.obstacle(ARM, request) is None
    passed = orjson.loads(wire.write_request(ARM, request, stream=True))
    expected = {**body, "model": "claude-sonnet-4-5", "max_tokens": 50}
    del expected["top_k"]
    assert passed == expected
    assert wire.headers("ours", request) == {
        "anthropic-version": "2024-01-01",
        "anthropic-beta": "b-1,b-2",
        "x-api-key": "ours",
    }


def test_thoughts_that_another_wires_model_had_do_not_reach_an_arm_of_this_one() -> None:
    ours = {"type": "thinking", "thinking": "hm", "signature": ""}
    theirs = {"type": "thinking", "thinking": "", "signature": "s"}
    said = {"type": "text", "text": "a"}
    turns: list[Any] = [
        {"role": "assistant", "content": [ours, theirs, said]},
        {"role": "user", "content": "b"},
    ]
    request = read(*turns)
    sent = orjson.loads(WIRES[ANTHROPIC].write_request(ARM, request, stream=False))
    assert sent["messages"] == [{"role": "assistant", "content": [theirs, said]}, turns[1]]


def test_an_arm_of_openais_wire_gets_nothing_that_it_does_not_know() -> None:
    request = read(
        {"role": "user", "content": [{"type": "text", "text": "a", "cache_control": MARK}]},
        {
            "role": "assistant",
            "content": [{"type": "thinking", "thinking": "hm", "signature": "s"}],
        },
        {"role": "user", "content": "b"},
        cache_control=MARK,
    )
    sent = orjson.loads(WIRES[OPENAI].write_request(Arm("x/m"), request, stream=False))
    assert sent == {
        "model": "m",
        "messages": [
            {"role": "user", "content": "a"},
            {"role": "assistant", "content": None},
            {"role": "user", "content": "b"},
        ],
    }
