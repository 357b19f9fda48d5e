from __future__ import annotations

from typing import Any

import orjson
import pytest

from metallm.core.wires import BEDROCK
from metallm.errors import InputError
from metallm.wire.faces import FACES

HELLO = {"role": "user", "content": [{"text": "hello"}]}
POINT = {"cachePoint": {"type": "default"}}


def asked(body: dict[str, Any]) -> tuple[dict[str, Any], tuple[str, ...]]:
    request = FACES[BEDROCK].read_request({"messages": [HELLO], **body}, {})
    assert request.native is not None
    return dict(request.body), request.native.bound


def test_a_request_becomes_canonical() -> None:
    schema = {"type": "object"}
    structure = {"jsonSchema": {"schema": orjson.dumps(schema).decode(), "name": "a"}}
    body, bound = asked(
        {
            "model": "m",
            "stream": True,
            "system": [{"text": "Be brief."}],
            "inferenceConfig": {"maxTokens": 9, "topP": 0.5, "stopSequences": ["END"]},
            "outputConfig": {"textFormat": {"type": "json_schema", "structure": structure}},
            "performanceConfig": {"latency": "standard"},
        }
    )
    assert body == {
        "model": "m",
        "stream": True,
        "messages": [
            {"role": "system", "content": "Be brief."},
            {"role": "user", "content": "hello"},
        ],
        "max_tokens": 9,
        "top_p": 0.5,
        "stop": ["END"],
        "response_format": {"type": "json_schema", "json_schema": {"name": "a", "schema": schema}},
    }
    assert bound == ()


def test_turns_with_thoughts_calls_and_results() -> None:
    thought = {"text": "hm", "signature": "c2ln"}
    turns = [
        HELLO,
        {
            "role": "assistant",
            "content": [
                {"reasoningContent": {"reasoningText": thought}},
                {"reasoningContent": {"redactedContent": "eA=="}},
                {"toolUse": {"toolUseId": "c1", "name": "f", "input": {"a": 1}}},
            ],
        },
        {
            "role": "user",
            "content": [
                {"toolResult": {"toolUseId": "c1", "content": [{"text": "a"}, {"json": {}}]}},
                POINT,
                {"toolResult": {"toolUseId": "c2", "content": [], "status": "error"}},
                {"text": "go on"},
                {"image": {"format": "png", "source": {"bytes": "aGk="}}},
                POINT,
            ],
        },
    ]
    _, called, first, second, then = asked({"messages": turns})[0]["messages"]
    assert called["thinking_blocks"] == [
        {"type": "thinking", "thinking": "hm", "signature": "c2ln"},
        {"type": "redacted_thinking", "data": "eA=="},
    ]
    assert called["tool_calls"][0]["function"] == {"name": "f", "arguments": '{"a":1}'}
    assert called["content"] is None
    mark = {"cache_control": {"type": "ephemeral"}}
    assert first == {"role": "tool", "tool_call_id": "c1", "content": "a{}", **mark}
    assert second == {"role": "tool", "tool_call_id": "c2", "is_error": True, "content": ""}
    image = {"type": "image_url", "image_url": {"url": "data:image/png;base64,aGk="}}
    assert then["content"] == [{"type": "text", "text": "go on"}, {**image, **mark}]


def test_tools_and_the_choice_among_them() -> None:
    spec = {"name": "f", "description": "d", "inputSchema": {"json": {"type": "object"}}}
    for choice, told in (
        ({"auto": {}}, "auto"),
        ({"any": {}}, "required"),
        ({"tool": {"name": "f"}}, {"type": "function", "function": {"name": "f"}}),
    ):
        config: Any = {"tools": [{"toolSpec": spec}, POINT], "toolChoice": choice}
        body, bound = asked({"toolConfig": config})
        assert (body["tool_choice"], bound) == (told, ())
        (tool,) = body["tools"]
        assert tool["function"]["parameters"] == {"type": "object"}
        assert tool["cache_control"] == {"type": "ephemeral"}


def test_what_only_this_wire_can_carry_is_bound_to_it() -> None:
    odd = {"role": "user", "content": [{"video": {}}, {"image": {"format": "bmp"}}]}
    result = {"toolResult": {"toolUseId": "c", "content": [{"image": {}}]}}
    _, bound = asked(
        {
            "messages": [odd, {"role": "user", "content": [result]}],
            "guardrailConfig": {},
            "inferenceConfig": {"x": 1},
            "toolConfig": {"tools": [{"systemTool": {"name": "search"}}]},
            "outputConfig": {"effort": "low"},
        }
    )
    assert bound == (
        "guardrailConfig",
        "messages[0] with video",
        "messages[0] with image",
        "messages[1].toolResult with image",
        "inferenceConfig.x",
        "toolConfig.tools[0]",
        "outputConfig",
    )


@pytest.mark.parametrize(
    ("messages", "told"),
    [
        (None, "messages must be a list of messages"),
        ([{"role": "system", "content": []}], r"messages\[0\] must be an object with the role"),
        ([{"role": "user", "content": "hi"}], r"messages\[0\].content must be a list of blocks"),
        ([{"role": "user", "content": [{"toolResult": 1}]}], "toolResult that is no object"),
    ],
)
def test_messages_in_no_known_shape_are_refused(messages: Any, told: str) -> None:
    with pytest.raises(InputError, match=told):
        asked({"messages": messages})
