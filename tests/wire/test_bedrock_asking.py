from __future__ import annotations

from typing import Any

import orjson
import pytest

from metallm.core.arm import Arm
from metallm.core.completion import ChatRequest
from metallm.core.wires import BEDROCK
from metallm.wire.base import CountingWire
from metallm.wire.wires import WIRES

WIRE = WIRES[BEDROCK]
CLAUDE = Arm("bedrock/anthropic.claude-sonnet-4-5-20250929-v1:0")
TITAN = Arm("bedrock/amazon.titan-text-express-v1")
LLAMA = Arm("bedrock/meta.llama3-1-70b-instruct-v1:0")
NOVA = Arm("bedrock/us.amazon.nova-pro-v1:0")
HELLO: list[Any] = [{"role": "user", "content": "hello"}]
SCHEMA: Any = {"type": "object", "properties": {"city": {"type": "string"}}}
FUNCTION = {"name": "f", "parameters": SCHEMA, "description": "d", "strict": True}
TOOL: Any = {"type": "function", "function": FUNCTION}
MARK = {"type": "ephemeral"}


def sent(body: dict[str, Any], arm: Arm = CLAUDE) -> dict[str, Any]:
    request = ChatRequest({"messages": HELLO, **body})
    assert WIRE.obstacle(arm, request) is None
    written: dict[str, Any] = orjson.loads(WIRE.write_request(arm, request, stream=False))
    return written


def refused(body: dict[str, Any], arm: Arm = CLAUDE) -> str:
    reason = WIRE.obstacle(arm, ChatRequest({"messages": HELLO, **body}))
    assert reason is not None
    assert reason.startswith("Bedrock's Converse cannot carry ")
    return reason


def test_the_plainest_request_is_its_messages_alone() -> None:
    assert sent({}) == {"messages": [{"role": "user", "content": [{"text": "hello"}]}]}


def test_the_models_id_is_encoded_in_the_path() -> None:
    assert WIRE.path(CLAUDE, stream=False) == (
        "/model/anthropic.claude-sonnet-4-5-20250929-v1%3A0/converse"
    )
    arn = Arm("bedrock/a", model="arn:aws:bedrock:us-east-1:1:inference-profile/us.x-v1:0")
    assert WIRE.path(arn, stream=True) == (
        "/model/arn%3Aaws%3Abedrock%3Aus-east-1%3A1%3Ainference-profile%2Fus.x-v1%3A0"
        "/converse-stream"
    )
    assert WIRE.headers(None, ChatRequest({})) == {}


def test_what_is_inferred_by_and_what_only_some_models_know() -> None:
    body = {"max_tokens": 9, "temperature": 0.5, "top_p": 0.9, "stop": "END", "top_k": 40}
    told = sent(body)
    assert told["inferenceConfig"] == {
        "maxTokens": 9,
        "temperature": 0.5,
        "topP": 0.9,
        "stopSequences": ["END"],
    }
    assert told["additionalModelRequestFields"] == {"top_k": 40}
    nova = sent({"top_k": 40}, NOVA)["additionalModelRequestFields"]
    assert nova == {"inferenceConfig": {"topK": 40}}


@pytest.mark.parametrize(
    ("model", "fields", "limit"),
    [
        (
            "anthropic.claude-3-7-sonnet-20250219-v1:0",
            {"thinking": {"type": "enabled", "budget_tokens": 2048}},
            {"maxTokens": 32_000},
        ),
        (
            "global.anthropic.claude-opus-4-6-v1:0",
            {"thinking": {"type": "adaptive"}, "output_config": {"effort": "low"}},
            {"maxTokens": 32_000},
        ),
        (
            "us.amazon.nova-2-lite-v1:0",
            {"reasoningConfig": {"type": "enabled", "maxReasoningEffort": "low"}},
            None,
        ),
        ("openai.gpt-oss-120b-1:0", {"reasoning_effort": "low"}, None),
    ],
)
def test_reasoning_effort_is_what_the_model_knows(
    model: str, fields: dict[str, Any], limit: dict[str, int] | None
) -> None:
    told = sent({"reasoning_effort": "low"}, Arm(f"bedrock/{model}"))
    assert told["additionalModelRequestFields"] == fields
    assert told.get("inferenceConfig") == limit


def test_an_effort_of_none_asks_for_nothing() -> None:
    assert sent({"reasoning_effort": "none"}, TITAN) == sent({}, TITAN)


def test_tools_and_the_choice_among_them() -> None:
    spec = {"name": "f", "description": "d", "strict": True, "inputSchema": {"json": SCHEMA}}
    for choice, told in (
        ("auto", {"auto": {}}),
        ("required", {"any": {}}),
        ({"type": "function", "function": {"name": "f"}}, {"tool": {"name": "f"}}),
    ):
        config = sent({"tools": [TOOL], "tool_choice": choice})["toolConfig"]
        assert config == {"tools": [{"toolSpec": spec}], "toolChoice": told}
    assert "toolConfig" not in sent({"tools": [TOOL], "tool_choice": "none"})
    bare = sent({"tools": [{"type": "function", "function": {"name": "g"}}]})["toolConfig"]
    (tool,) = bare["tools"]
    assert tool["toolSpec"]["inputSchema"] == {"json": {"type": "object", "properties": {}}}


def test_answers_can_be_held_to_a_schema() -> None:
    form = {"type": "json_schema", "json_schema": {"name": "a", "schema": SCHEMA}}
    text = sent({"response_format": form})["outputConfig"]["textFormat"]
    assert text["type"] == "json_schema"
    schema = text["structure"]["jsonSchema"]
    assert (schema["name"], orjson.loads(schema["schema"])) == ("a", SCHEMA)
    assert "outputConfig" not in sent({"response_format": {"type": "text"}})


CALL = {"id": "call/1", "type": "function", "function": {"name": "f", "arguments": '{"a":1}'}}
THOUGHTS = [
    {"type": "thinking", "thinking": "hm", "signature": "c2ln"},
    {"type": "redacted_thinking", "data": "eA=="},
    {"type": "thinking", "thinking": "not signed", "signature": ""},
]
TALK: list[Any] = [
    {"role": "system", "content": "Be brief."},
    {"role": "user", "content": "weather?"},
    {"role": "assistant", "content": "", "tool_calls": [CALL], "thinking_blocks": THOUGHTS},
    {"role": "tool", "tool_call_id": "call/1", "content": "none", "is_error": True},
    {"role": "user", "content": "and now?"},
    {"role": "assistant", "content": " \n"},
    {"role": "user", "content": "well?"},
]


def test_a_conversation_with_tools_alternates() -> None:
    body = sent({"messages": TALK, "tools": [TOOL]})
    assert body["system"] == [{"text": "Be brief."}]
    asked, called, answered = body["messages"]
    assert asked == {"role": "user", "content": [{"text": "weather?"}]}
    use = {"toolUseId": "call_1", "name": "f", "input": {"a": 1}}
    thought = {"text": "hm", "signature": "c2ln"}
    assert called["content"] == [
        {"reasoningContent": {"reasoningText": thought}},
        {"reasoningContent": {"redactedContent": "eA=="}},
        {"toolUse": use},
    ]
    result = {"toolUseId": "call_1", "content": [{"text": "none"}], "status": "error"}
    assert answered == {
        "role": "user",
        "content": [{"toolResult": result}, {"text": "and now?"}, {"text": "well?"}],
    }


def test_a_system_prompt_is_said_first_where_it_cannot_stand_apart() -> None:
    said = sent({"messages": [{"role": "system", "content": "Be brief."}, *HELLO]}, TITAN)
    assert said == {
        "messages": [{"role": "user", "content": [{"text": "Be brief."}, {"text": "hello"}]}]
    }
    alone = sent({"messages": [{"role": "system", "content": "Be brief."}]}, TITAN)
    assert alone["messages"] == [{"role": "user", "content": [{"text": "Be brief."}]}]


def test_thoughts_go_back_to_those_alone_who_want_them() -> None:
    turn = {"role": "assistant", "content": "so", "thinking_blocks": THOUGHTS}
    said = sent({"messages": [*HELLO, turn, *HELLO]}, NOVA)["messages"][1]["content"]
    assert said == [{"text": "so"}]


def test_marks_of_what_to_keep_become_points_where_the_model_takes_them() -> None:
    part = {"type": "text", "text": "a", "cache_control": {**MARK, "ttl": "1h"}}
    body = {
        "messages": [
            {"role": "system", "content": [part]},
            {"role": "user", "content": "b", "cache_control": MARK},
        ],
        "tools": [{**TOOL, "cache_control": MARK}],
    }
    told = sent(body)
    assert told["system"] == [{"text": "a"}, {"cachePoint": {"type": "default", "ttl": "1h"}}]
    assert told["messages"][0]["content"][-1] == {"cachePoint": {"type": "default"}}
    assert told["toolConfig"]["tools"][-1] == {"cachePoint": {"type": "default"}}
    assert "cachePoint" not in str(sent(body, LLAMA))


def test_images_sound_and_documents_come_as_data() -> None:
    pdf = {"filename": "my_report (1).pdf", "file_data": "data:application/pdf;base64,aGk="}
    parts = [
        {"type": "image_url", "image_url": {"url": "data:image/webp;base64,aGk="}},
        {"type": "input_audio", "input_audio": {"data": "aGk=", "format": "wav"}},
        {"type": "file", "file": pdf},
        {"type": "file", "file": pdf},
        {"type": "file", "file": {"file_data": "data:text/plain;base64,aGk="}},
        {"type": "text", "text": "what is this?"},
        {"type": "text", "text": ""},
    ]
    (turn,) = sent({"messages": [{"role": "user", "content": parts}]})["messages"]
    data = {"source": {"bytes": "aGk="}}
    assert turn["content"] == [
        {"image": {"format": "webp", **data}},
        {"audio": {"format": "wav", **data}},
        {"document": {"format": "pdf", "name": "my report (1)", **data}},
        {"document": {"format": "pdf", "name": "my report (1) (2)", **data}},
        {"document": {"format": "txt", "name": "document", **data}},
        {"text": "what is this?"},
    ]


def test_what_asks_for_nothing_is_left_out() -> None:
    body = {
        "user": "u",
        "metadata": {"a": "b"},
        "parallel_tool_calls": True,
        "n": 1,
        "logprobs": False,
        "service_tier": "default",
        "stream": True,
        "stream_options": {"include_usage": True},
    }
    assert sent(body) == sent({})


def test_options_of_the_arm_may_be_the_wires_own() -> None:
    guardrail = {"guardrailIdentifier": "g", "guardrailVersion": "1"}
    options = {
        "guardrailConfig": guardrail,
        "inferenceConfig": {"topP": 0.5},
        "additionalModelRequestFields": {"anthropic_beta": ["x"]},
    }
    arm = Arm(CLAUDE.name, options=options)
    body = sent({"temperature": 0.1, "top_p": 0.9, "top_k": 3}, arm)
    assert body["guardrailConfig"] == guardrail
    assert body["inferenceConfig"] == {"temperature": 0.1, "topP": 0.5}
    assert body["additionalModelRequestFields"] == {"top_k": 3, "anthropic_beta": ["x"]}


@pytest.mark.parametrize(
    ("body", "arm", "told"),
    [
        ({"seed": 1}, CLAUDE, "seed"),
        ({"n": 2}, CLAUDE, "n"),
        ({"logprobs": True}, CLAUDE, "logprobs"),
        ({"parallel_tool_calls": False}, CLAUDE, "parallel_tool_calls"),
        ({"temperature": 1.5}, CLAUDE, "temperature 1.5: here it goes from 0 to 1"),
        ({"max_tokens": "many"}, CLAUDE, "max_tokens 'many'"),
        ({"inferenceConfig": {"maxTokens": 9}}, CLAUDE, "inferenceConfig.maxTokens: say max_token"),
        ({"stop": [""]}, CLAUDE, "stop, which is neither"),
        ({"top_k": 5}, TITAN, "top_k, for amazon.titan-text-express-v1 has none"),
        ({"reasoning_effort": "low"}, TITAN, "reasoning_effort, for amazon.titan-text-express-v1"),
        ({"reasoning_effort": "huge"}, LLAMA, "reasoning_effort 'huge'"),
        ({"response_format": {"type": "json_object"}}, CLAUDE, "response_format of type"),
        (
            {"response_format": {"type": "json_schema", "json_schema": {"schema": {}}}},
            Arm("bedrock/anthropic.claude-3-haiku-20240307-v1:0"),
            "cannot be held to a schema",
        ),
        ({"tools": [TOOL], "stream": True}, LLAMA, "tools in a stream"),
        ({"tools": [{"type": "x"}]}, CLAUDE, "tools[0], which is no function"),
        ({"tools": [TOOL], "tool_choice": {"type": "x"}}, CLAUDE, "tool_choice {'type': 'x'}"),
        ({"messages": TALK}, CLAUDE, "calls of tools, without these tools"),
        ({"messages": TALK, "tools": [TOOL], "tool_choice": "none"}, CLAUDE, "without these tools"),
        (
            {"messages": [{"role": "user", "content": [{"type": "image_url", "image_url": {
                "url": "https://example.org/a.png"}}]}]},
            CLAUDE,
            "image_url, which has to hold a png, jpeg, gif or webp",
        ),
        (
            {"messages": [{"role": "user", "content": [{"type": "file", "file": {
                "file_data": "data:video/mp4;base64,aGk="}}]}]},
            CLAUDE,
            "file of type 'video/mp4'",
        ),
        ({"messages": [{"role": "user", "name": "A", "content": "x"}]}, CLAUDE, "messages[0].name"),
        (
            {"messages": [{"role": "tool", "content": "x"}]},
            CLAUDE,
            "messages[0].tool_call_id, which is no id",
        ),
        (
            {"messages": [{"role": "assistant", "tool_calls": [
                {"id": "a", "function": {"name": "f", "arguments": "[]"}}]}]},
            CLAUDE,
            "arguments, which are no JSON object",
        ),
    ],
)  # fmt: skip
def test_what_cannot_be_carried_is_named(body: dict[str, Any], arm: Arm, told: str) -> None:
    assert told in refused(body, arm)


def test_tokens_are_counted_of_what_is_read() -> None:
    assert isinstance(WIRE, CountingWire)
    assert WIRE.count_path(TITAN) == "/model/amazon.titan-text-express-v1/count-tokens"
    asked = ChatRequest({"messages": HELLO, "temperature": 0.5})
    counted = orjson.loads(WIRE.write_count(CLAUDE, asked))
    assert counted == {"input": {"converse": {"messages": sent({})["messages"]}}}
    assert WIRE.read_count(CLAUDE, b'{"inputTokens": 31}') == 31
