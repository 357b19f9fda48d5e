from __future__ import annotations

from typing import Any

import pytest

from metallm.core.wires import GEMINI
from metallm.errors import InputError
from metallm.wire.faces import FACES

HELLO = {"role": "user", "parts": [{"text": "hello"}]}


def asked(body: dict[str, Any]) -> tuple[dict[str, Any], tuple[str, ...]]:
    request = FACES[GEMINI].read_request({"contents": [HELLO], **body}, {})
    assert request.native is not None
    return dict(request.body), request.native.bound


def test_a_request_becomes_canonical() -> None:
    body, bound = asked(
        {
            "model": "m",
            "stream": True,
            "systemInstruction": {"parts": [{"text": "Be brief."}]},
            "generationConfig": {
                "maxOutputTokens": 9,
                "stopSequences": ["END"],
                "thinkingConfig": {"thinkingBudget": 1000},
                "responseMimeType": "application/json",
            },
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
        "stop": ["END"],
        "reasoning_effort": "low",
        "response_format": {"type": "json_object"},
    }
    assert bound == ()


def test_fields_may_be_spelled_with_underscores() -> None:
    image = {"inline_data": {"mime_type": "image/png", "data": "aGk="}}
    function = {"name": "f", "parameters_json_schema": {"type": "object"}}
    body, bound = asked(
        {
            "contents": [{"role": "user", "parts": [image]}],
            "system_instruction": {"parts": [{"text": "Be brief."}]},
            "generation_config": {
                "max_output_tokens": 9,
                "thinking_config": {"thinking_budget": 0},
            },
            "tools": [{"function_declarations": [function]}],
            "tool_config": {"function_calling_config": {"mode": "ANY"}},
        }
    )
    system, turn = body["messages"]
    assert system["content"] == "Be brief."
    assert turn["content"][0]["image_url"]["url"] == "data:image/png;base64,aGk="
    assert (body["max_tokens"], body["reasoning_effort"]) == (9, "none")
    assert body["tools"][0]["function"] == {"name": "f", "parameters": {"type": "object"}}
    assert (body["tool_choice"], bound) == ("required", ())


@pytest.mark.parametrize(
    ("thinking", "effort"),
    [
        ({"thinkingLevel": "LOW"}, "low"),
        ({"thinkingLevel": "medium"}, "medium"),
        ({"thinkingBudget": 0}, "none"),
        ({"thinkingBudget": 9000}, "high"),
        ({"thinkingBudget": 5000}, "medium"),
        ({"thinkingBudget": -1}, None),
        ({"includeThoughts": True}, None),
    ],
)
def test_thinking_becomes_an_effort(thinking: dict[str, Any], effort: str | None) -> None:
    body, _ = asked({"generationConfig": {"thinkingConfig": thinking}})
    assert body.get("reasoning_effort") == effort


def test_calls_and_results_without_ids_are_matched_by_name_in_order() -> None:
    turns = [
        HELLO,
        {
            "role": "model",
            "parts": [
                {"text": "thinking aloud", "thought": True},
                {"functionCall": {"name": "f", "args": {"a": 1}}, "thoughtSignature": "c2ln"},
                {"functionCall": {"name": "f"}},
            ],
        },
        {
            "role": "user",
            "parts": [
                {"functionResponse": {"name": "f", "response": {"output": "one"}}},
                {"functionResponse": {"name": "f", "response": {"error": "two"}}},
                {"text": "go on"},
            ],
        },
        {"role": "function", "parts": [{"functionResponse": {"id": "x", "response": {"a": 1}}}]},
    ]
    messages = asked({"contents": turns})[0]["messages"]
    first, second = messages[1]["tool_calls"]
    assert first["function"] == {"name": "f", "arguments": '{"a":1}'}
    assert first["extra_content"] == {"google": {"thought_signature": "c2ln"}}
    assert "extra_content" not in second
    assert messages[1]["content"] is None
    assert messages[2:] == [
        {"role": "tool", "tool_call_id": first["id"], "content": "one"},
        {"role": "tool", "tool_call_id": second["id"], "is_error": True, "content": "two"},
        {"role": "user", "content": "go on"},
        {"role": "tool", "tool_call_id": "x", "content": '{"a":1}'},
    ]


def test_functions_in_googles_own_schema_are_understood() -> None:
    parameters = {"type": "OBJECT", "properties": {"type": {"type": "STRING"}}, "required": ["a"]}
    function = {"name": "f", "description": "d", "parameters": parameters}
    (tool,) = asked({"tools": [{"functionDeclarations": [function]}]})[0]["tools"]
    assert tool["function"] == {
        "name": "f",
        "description": "d",
        "parameters": {
            "type": "object",
            "properties": {"type": {"type": "string"}},
            "required": ["a"],
        },
    }


@pytest.mark.parametrize(
    ("config", "choice"),
    [
        ({"mode": "AUTO"}, "auto"),
        ({"mode": "VALIDATED"}, "auto"),
        ({"mode": "ANY"}, "required"),
        ({"mode": "NONE"}, "none"),
        (
            {"mode": "ANY", "allowedFunctionNames": ["f"]},
            {"type": "function", "function": {"name": "f"}},
        ),
    ],
)
def test_the_choice_of_a_tool(config: dict[str, Any], choice: Any) -> None:
    body, bound = asked({"toolConfig": {"functionCallingConfig": config}})
    assert (body["tool_choice"], bound) == (choice, ())


def test_what_only_this_wire_can_carry_is_bound_to_it() -> None:
    odd = {"role": "user", "parts": [{"executableCode": {}}, {"fileData": {"mimeType": "video/x"}}]}
    _, bound = asked(
        {
            "contents": [odd],
            "safetySettings": [],
            "tools": [{"googleSearch": {}}],
            "generationConfig": {"speechConfig": {}},
            "toolConfig": {"functionCallingConfig": {"allowedFunctionNames": ["a", "b"]}},
        }
    )
    assert bound == (
        "safetySettings",
        "contents[0].parts with executableCode",
        "contents[0].parts with fileData",
        "generationConfig.speechConfig",
        "tools[0]",
        "toolConfig.functionCallingConfig.allowedFunctionNames",
    )


@pytest.mark.parametrize(
    ("contents", "told"),
    [
        (None, "contents must be a list of turns"),
        (["x"], r"contents\[0\] must be an object with a list of parts"),
        ([{"role": "user", "parts": [1]}], r"contents\[0\] must be an object with a list of parts"),
        ([{"parts": [{"functionResponse": 1}]}], "functionResponse that is no object"),
    ],
)
def test_contents_in_no_known_shape_are_refused(contents: Any, told: str) -> None:
    with pytest.raises(InputError, match=told):
        asked({"contents": contents})
