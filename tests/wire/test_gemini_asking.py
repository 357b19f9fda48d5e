from __future__ import annotations

from typing import Any

import orjson
import pytest

from metallm.core.arm import Arm
from metallm.core.completion import ChatRequest
from metallm.core.wires import GEMINI
from metallm.wire.base import CountingWire
from metallm.wire.wires import WIRES

WIRE = WIRES[GEMINI]
ARM = Arm("gemini/gemini-2.5-flash")
NEW = Arm("gemini/gemini-3-pro-preview")
HELLO: list[Any] = [{"role": "user", "content": "hello"}]
SCHEMA = {"type": "object", "properties": {"city": {"type": "string"}}}
TOOL = {"type": "function", "function": {"name": "f", "parameters": SCHEMA, "description": "d"}}


def sent(body: dict[str, Any], arm: Arm = ARM) -> dict[str, Any]:
    request = ChatRequest({"messages": HELLO, **body})
    assert WIRE.obstacle(arm, request) is None
    written: dict[str, Any] = orjson.loads(WIRE.write_request(arm, request, stream=False))
    return written


def config(body: dict[str, Any], arm: Arm = ARM) -> dict[str, Any]:
    told: dict[str, Any] = sent(body, arm)["generationConfig"]
    return told


def refused(body: dict[str, Any], arm: Arm = ARM) -> str:
    reason = WIRE.obstacle(arm, ChatRequest({"messages": HELLO, **body}))
    assert reason is not None
    return reason


def test_the_plainest_request_is_its_contents_alone() -> None:
    assert sent({}) == {"contents": [{"role": "user", "parts": [{"text": "hello"}]}]}


def test_model_and_method_stand_in_the_path_and_the_key_in_a_header() -> None:
    assert WIRE.path(ARM, stream=False) == "/models/gemini-2.5-flash:generateContent"
    assert WIRE.path(ARM, stream=True) == ("/models/gemini-2.5-flash:streamGenerateContent?alt=sse")
    tuned = Arm("gemini/mine", model="tunedModels/mine a")
    assert WIRE.path(tuned, stream=False) == "/tunedModels/mine%20a:generateContent"
    assert WIRE.headers("the-key", ChatRequest({})) == {"x-goog-api-key": "the-key"}


def test_fields_of_the_configuration_have_other_names() -> None:
    body = {
        "temperature": 1.7,
        "top_p": 0.9,
        "top_k": 40,
        "max_completion_tokens": 100,
        "stop": "END",
        "seed": 7,
        "n": 2,
        "presence_penalty": 0.5,
        "frequency_penalty": 0.25,
        "logprobs": True,
        "top_logprobs": 3,
    }
    assert config(body) == {
        "temperature": 1.7,
        "topP": 0.9,
        "topK": 40,
        "maxOutputTokens": 100,
        "stopSequences": ["END"],
        "seed": 7,
        "candidateCount": 2,
        "presencePenalty": 0.5,
        "frequencyPenalty": 0.25,
        "responseLogprobs": True,
        "logprobs": 3,
    }


def test_answers_can_be_held_to_a_schema_or_to_json() -> None:
    form = {"type": "json_schema", "json_schema": {"name": "a", "schema": SCHEMA}}
    assert config({"response_format": form}) == {
        "responseMimeType": "application/json",
        "responseJsonSchema": SCHEMA,
    }
    told = config({"response_format": {"type": "json_object"}})
    assert told == {"responseMimeType": "application/json"}
    assert "generationConfig" not in sent({"response_format": {"type": "text"}})


@pytest.mark.parametrize(
    ("model", "effort", "thinking"),
    [
        ("gemini-2.5-flash", "none", {"thinkingBudget": 0}),
        ("gemini-2.5-flash-lite", "low", {"thinkingBudget": 1024}),
        ("gemini-2.5-pro", "medium", {"thinkingBudget": 8192}),
        ("gemini-2.5-pro", "high", {"thinkingBudget": 24576}),
        ("gemini-3-pro-preview", "minimal", {"thinkingLevel": "LOW"}),
        ("gemini-3-pro-preview", "medium", {"thinkingLevel": "HIGH"}),
        ("gemini-3.1-pro-preview", "medium", {"thinkingLevel": "MEDIUM"}),
        ("gemini-3-flash-preview", "minimal", {"thinkingLevel": "MINIMAL"}),
        ("gemini-flash-latest", "high", {"thinkingLevel": "HIGH"}),
    ],
)
def test_reasoning_effort_is_what_the_model_knows(
    model: str, effort: str, thinking: dict[str, Any]
) -> None:
    arm = Arm(f"gemini/{model}")
    assert config({"reasoning_effort": effort}, arm) == {"thinkingConfig": thinking}


def test_no_thinking_is_asked_of_models_that_have_none() -> None:
    assert "generationConfig" not in sent(
        {"reasoning_effort": "none"}, Arm("gemini/gemini-2.0-flash")
    )


def test_tools_and_the_choice_among_them() -> None:
    body = sent({"tools": [TOOL], "tool_choice": "required"})
    declared = {"name": "f", "description": "d", "parametersJsonSchema": SCHEMA}
    assert body["tools"] == [{"functionDeclarations": [declared]}]
    assert body["toolConfig"] == {"functionCallingConfig": {"mode": "ANY"}}
    one = {"type": "function", "function": {"name": "f"}}
    chosen = sent({"tools": [TOOL], "tool_choice": one})["toolConfig"]["functionCallingConfig"]
    assert chosen == {"mode": "ANY", "allowedFunctionNames": ["f"]}


def test_images_sound_and_files_are_inline_and_urls_are_named() -> None:
    parts = [
        {"type": "image_url", "image_url": {"url": "data:image/png;base64,aGk="}},
        {"type": "image_url", "image_url": {"url": "https://example.org/a.webp?x=1"}},
        {"type": "image_url", "image_url": {"url": "https://example.org/a"}},
        {"type": "input_audio", "input_audio": {"data": "aGk=", "format": "wav"}},
        {
            "type": "file",
            "file": {"filename": "a.pdf", "file_data": "data:application/pdf;base64,aGk="},
        },
    ]
    (turn,) = sent({"messages": [{"role": "user", "content": parts}]})["contents"]
    assert turn["parts"] == [
        {"inlineData": {"mimeType": "image/png", "data": "aGk="}},
        {"fileData": {"mimeType": "image/webp", "fileUri": "https://example.org/a.webp?x=1"}},
        {"fileData": {"fileUri": "https://example.org/a"}},
        {"inlineData": {"mimeType": "audio/wav", "data": "aGk="}},
        {"inlineData": {"mimeType": "application/pdf", "data": "aGk="}},
    ]


CALLS: list[Any] = [
    {
        "id": "c1",
        "type": "function",
        "function": {"name": "f", "arguments": '{"city":"Ulm"}'},
        "extra_content": {"google": {"thought_signature": "c2ln"}},
    },
    {"id": "c2", "type": "function", "function": {"name": "g", "arguments": ""}},
]
TALK: list[Any] = [
    {"role": "system", "content": "Be brief."},
    {"role": "user", "content": "weather?"},
    {"role": "assistant", "content": None, "tool_calls": CALLS},
    {"role": "tool", "tool_call_id": "c1", "content": [{"type": "text", "text": "rain"}]},
    {"role": "tool", "tool_call_id": "c2", "content": "no such place", "is_error": True},
    {"role": "developer", "content": "In English."},
]


def test_a_conversation_with_tools() -> None:
    body = sent({"messages": TALK})
    assert body["systemInstruction"] == {"parts": [{"text": "Be brief."}, {"text": "In English."}]}
    asked, called, results = body["contents"]
    assert asked == {"role": "user", "parts": [{"text": "weather?"}]}
    assert called == {
        "role": "model",
        "parts": [
            {
                "functionCall": {"id": "c1", "name": "f", "args": {"city": "Ulm"}},
                "thoughtSignature": "c2ln",
            },
            {"functionCall": {"id": "c2", "name": "g", "args": {}}},
        ],
    }
    assert results == {
        "role": "user",
        "parts": [
            {"functionResponse": {"id": "c1", "name": "f", "response": {"output": "rain"}}},
            {"functionResponse": {"id": "c2", "name": "g", "response": {"error": "no such place"}}},
        ],
    }


def test_calls_that_another_model_made_are_marked_where_signatures_are_demanded() -> None:
    foreign = [*TALK[:2], {**TALK[2], "tool_calls": CALLS[1:]}, TALK[4]]
    part = sent({"messages": foreign}, NEW)["contents"][1]["parts"][0]
    assert part["thoughtSignature"] == "skip_thought_signature_validator"
    own = sent({"messages": TALK}, NEW)["contents"][1]["parts"]
    assert [part.get("thoughtSignature") for part in own] == ["c2ln", None]


def test_what_asks_for_nothing_is_left_out() -> None:
    body = {
        "user": "u",
        "metadata": {"a": "b"},
        "store": True,
        "stream_options": {"include_usage": True},
        "parallel_tool_calls": True,
        "logit_bias": {},
        "modalities": ["text"],
        "service_tier": "auto",
        "cache_control": {"type": "ephemeral"},
        "stream": True,
    }
    assert sent(body) == sent({})


def test_options_of_the_arm_may_be_the_wires_own() -> None:
    options = {
        "temperature": 0.5,
        "generationConfig": {"thinkingConfig": {"includeThoughts": True}},
        "safetySettings": [{"category": "C", "threshold": "OFF"}],
    }
    arm = Arm("gemini/gemini-2.5-flash", options=options)
    body = sent({"temperature": 0.1}, arm)
    assert body["generationConfig"] == {
        "temperature": 0.5,
        "thinkingConfig": {"includeThoughts": True},
    }
    assert body["safetySettings"] == options["safetySettings"]


@pytest.mark.parametrize(
    ("body", "told"),
    [
        ({"logit_bias": {"1": 2}}, "logit_bias"),
        ({"parallel_tool_calls": False}, "parallel_tool_calls"),
        ({"web_search_options": {}}, "web_search_options"),
        ({"service_tier": "flex"}, "service_tier"),
        ({"temperature": "hot"}, "temperature 'hot'"),
        ({"stop": [1]}, "stop, which is neither"),
        ({"generationConfig": {"maxOutputTokens": 9}}, "maxOutputTokens: say max_tokens"),
        ({"generationConfig": {"candidateCount": 2}}, "candidateCount: say n"),
        ({"reasoning_effort": "huge"}, "reasoning_effort 'huge'"),
        ({"response_format": {"type": "grammar"}}, "response_format of type 'grammar'"),
        ({"tools": [{"type": "web_search"}]}, "tools[0], which is no function"),
        ({"tool_choice": {"type": "allowed_tools"}}, "tool_choice {'type': 'allowed_tools'}"),
        ({"messages": None}, "messages, which are no list"),
        ({"messages": [{"role": "user", "name": "Al", "content": "x"}]}, "messages[0].name"),
        ({"messages": [{"role": "narrator", "content": "x"}]}, "messages[0].role 'narrator'"),
        (
            {"messages": [{"role": "user", "content": [{"type": "video"}]}]},
            "messages[0].content[0] of type 'video'",
        ),
        (
            {"messages": [{"role": "tool", "tool_call_id": "c9", "content": "x"}]},
            "messages[0].tool_call_id, which names no call before it",
        ),
        (
            {"messages": [{"role": "user", "content": [{"type": "file", "file": {}}]}]},
            "messages[0].content[0].file without file_data in base64",
        ),
    ],
)
def test_what_cannot_be_carried_is_named(body: dict[str, Any], told: str) -> None:
    assert refused(body).startswith("Gemini's generateContent cannot carry ")
    assert told in refused(body)


@pytest.mark.parametrize(
    ("model", "effort", "told"),
    [
        ("gemini-2.0-flash", "low", "gemini-2.0-flash does not think"),
        ("gemma-3-27b-it", "low", "gemma-3-27b-it does not think"),
        ("gemini-2.5-pro", "none", "gemini-2.5-pro always thinks"),
        ("gemini-3-flash-preview", "none", "gemini-3-flash-preview always thinks"),
    ],
)
def test_an_effort_that_the_model_does_not_take_is_an_obstacle(
    model: str, effort: str, told: str
) -> None:
    assert told in refused({"reasoning_effort": effort}, Arm(f"gemini/{model}"))


def test_tokens_are_counted_of_the_whole_request() -> None:
    assert isinstance(WIRE, CountingWire)
    assert WIRE.count_path(ARM) == "/models/gemini-2.5-flash:countTokens"
    asked = orjson.loads(WIRE.write_count(ARM, ChatRequest({"messages": HELLO})))
    assert asked["generateContentRequest"]["model"] == "models/gemini-2.5-flash"
    assert asked["generateContentRequest"]["contents"] == sent({})["contents"]
    assert WIRE.read_count(ARM, b'{"totalTokens": 31}') == 31
