"""Canonical requests and answers for the wires' contract, in the normal form that all can carry."""

from __future__ import annotations

import itertools
from collections.abc import Iterable
from typing import Any

import orjson
from hypothesis import strategies as st

from metallm.core.completion import StreamEvent
from metallm.core.price import Usage
from metallm.wire.openai_stream import write_chunk
from metallm.wire.openai_usage import write_usage

WORDS = st.text(st.characters(codec="utf-8"), min_size=1, max_size=20).filter(
    lambda text: bool(text.strip())
)
NAMES = st.text("abcdefghijklmnopqrstuvwxyz_", min_size=1, max_size=12)
JSON_VALUES = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**40), 2**40) | st.text(max_size=8),
    lambda inner: st.lists(inner, max_size=2) | st.dictionaries(st.text(max_size=4), inner),
    max_leaves=4,
)
OBJECTS = st.dictionaries(st.text(max_size=6), JSON_VALUES, max_size=3)
IMAGE = st.sampled_from(
    ["data:image/png;base64,aGVsbG8=", "https://example.org/cat.png", "data:image/jpeg;base64,YQ=="]
)


@st.composite
def tool_calls(draw: st.DrawFn, least: int = 1) -> list[dict[str, Any]]:
    """Calls as an assistant's message holds them, arguments written as orjson writes them."""
    return [
        {
            "id": f"call_{number}",
            "type": "function",
            "function": {"name": draw(NAMES), "arguments": orjson.dumps(draw(OBJECTS)).decode()},
        }
        for number in range(draw(st.integers(least, 3)))
    ]


@st.composite
def user_turn(draw: st.DrawFn) -> dict[str, Any]:
    content: Any = draw(WORDS)
    if draw(st.booleans()):
        text = {"type": "text", "text": content}
        content = [text, {"type": "image_url", "image_url": {"url": draw(IMAGE)}}]
    return {"role": "user", "content": content}


@st.composite
def tool_turn(draw: st.DrawFn) -> list[dict[str, Any]]:
    """An assistant that calls tools, their results, and what it says then."""
    calls = draw(tool_calls())
    said = draw(st.none() | WORDS)
    results = [
        {"role": "tool", "tool_call_id": call["id"], "content": draw(WORDS)} for call in calls
    ]
    return [
        {"role": "assistant", "content": said, "tool_calls": calls},
        *results,
        {"role": "assistant", "content": draw(WORDS)},
    ]


@st.composite
def messages(draw: st.DrawFn) -> list[dict[str, Any]]:
    told = [{"role": "system", "content": draw(WORDS)}] if draw(st.booleans()) else []
    for _ in range(draw(st.integers(0, 2))):
        told.append(draw(user_turn()))
        told += (
            draw(tool_turn())
            if draw(st.booleans())
            else [{"role": "assistant", "content": draw(WORDS)}]
        )
    return [*told, draw(user_turn())]


TOOL_CHOICES: Any = st.sampled_from(
    ["auto", "required", "none", {"type": "function", "function": {"name": "f"}}]
)


@st.composite
def requests(draw: st.DrawFn) -> dict[str, Any]:
    """Request bodies without a model."""
    body: dict[str, Any] = {"messages": draw(messages()), "max_tokens": draw(st.integers(1, 4096))}
    optional: dict[str, Any] = {
        "temperature": st.floats(0, 1),
        "top_p": st.floats(0.01, 1),
        "stop": st.lists(WORDS, min_size=1, max_size=3, unique=True),
    }
    for name, values in optional.items():
        if draw(st.booleans()):
            body[name] = draw(values)
    if draw(st.booleans()):
        schema = {"type": "object", "properties": {"a": {"type": "string"}}, "required": ["a"]}
        tool = {"name": "f", "description": draw(WORDS), "parameters": schema}
        body["tools"] = [{"type": "function", "function": tool}]
        if draw(st.booleans()):
            body["tool_choice"] = draw(TOOL_CHOICES)
    return body


def fit_for_converse(body: dict[str, Any]) -> dict[str, Any]:
    """The request as Bedrock's Converse can carry it.

    Images have to come as data, tools have to stand beside calls of them, and none of them can be
    switched off.
    """
    fitted: dict[str, Any] = orjson.loads(
        orjson.dumps(body).replace(b"https://example.org/cat.png", b"data:image/png;base64,aGk=")
    )
    if any("tool_calls" in message for message in fitted["messages"]) and "tools" not in fitted:
        function = {"name": "f", "parameters": {"type": "object", "properties": {}}}
        fitted["tools"] = [{"type": "function", "function": function}]
    if fitted.get("tool_choice") == "none":
        fitted["tool_choice"] = "auto"
    return fitted


def fit_for_responses(body: dict[str, Any]) -> dict[str, Any]:
    """The request as OpenAI's Responses can carry it, which know no stop sequences."""
    return {name: value for name, value in body.items() if name != "stop"}


@st.composite
def usages(draw: st.DrawFn) -> Usage:
    cached, plain = draw(st.integers(0, 500)), draw(st.integers(0, 500))
    output = draw(st.integers(0, 500))
    return Usage(cached + plain, output, cached)


@st.composite
def answers(draw: st.DrawFn) -> dict[str, Any]:
    """Whole answers with a text, calls, or both."""
    calls = draw(st.just([]) | tool_calls())
    text = draw(WORDS) if not calls else draw(st.none() | WORDS)
    message: dict[str, Any] = {"role": "assistant", "content": text, "refusal": None}
    reason = draw(st.sampled_from(["stop", "length"]))
    if calls:
        message["tool_calls"] = calls
        reason = "tool_calls"
    choice = {"index": 0, "message": message, "logprobs": None, "finish_reason": reason}
    return {
        "id": "answer-1",
        "object": "chat.completion",
        "created": 7,
        "model": "m",
        "choices": [choice],
        "usage": write_usage(draw(usages())),
    }


def as_events(answer: dict[str, Any]) -> list[StreamEvent]:
    """The answer as canonical events: text in two pieces, each call in three."""
    named: Any = {"answer_id": answer["id"], "created": answer["created"], "model": answer["model"]}
    choice = answer["choices"][0]
    text = choice["message"]["content"] or ""
    half = len(text) // 2
    deltas: list[dict[str, Any]] = [{"role": "assistant", "content": ""}]
    deltas += [{"content": piece} for piece in (text[:half], text[half:]) if piece]
    for index, call in enumerate(choice["message"].get("tool_calls", [])):
        name, arguments = call["function"]["name"], call["function"]["arguments"]
        begun = {"index": index, "id": call["id"], "type": "function"}
        deltas.append({"tool_calls": [{**begun, "function": {"name": name, "arguments": ""}}]})
        half = len(arguments) // 2
        deltas += [
            {"tool_calls": [{"index": index, "function": {"arguments": piece}}]}
            for piece in (arguments[:half], arguments[half:])
        ]
    events = [
        StreamEvent(write_chunk(**named, delta=delta), str(delta.get("content", "")))
        for delta in deltas
    ]
    events.append(StreamEvent(write_chunk(**named, finish_reason=choice["finish_reason"])))
    usage = answer["usage"]
    last = orjson.dumps({**orjson.loads(write_chunk(**named)), "choices": [], "usage": usage})
    return [*events, StreamEvent(last, "", None, only_usage=False)]


def assembled(events: Iterable[StreamEvent]) -> dict[str, Any]:
    """The whole message that a stream's canonical chunks add up to: content, calls, reason."""
    calls: dict[int, dict[str, str]] = {}
    text, reason = "", None
    for event in events:
        for choice in orjson.loads(event.data)["choices"]:
            delta = choice["delta"]
            text += delta.get("content") or ""
            for piece in delta.get("tool_calls", []):
                call = calls.setdefault(piece["index"], {"id": "", "name": "", "arguments": ""})
                call["id"] += piece.get("id", "")
                call["name"] += piece["function"].get("name", "")
                call["arguments"] += piece["function"].get("arguments", "")
            reason = choice["finish_reason"] or reason
    return {"content": text, "calls": [calls[index] for index in sorted(calls)], "reason": reason}


def said(answer: dict[str, Any]) -> dict[str, Any]:
    """What `assembled` gives for the answer's stream."""
    choice = answer["choices"][0]
    calls = [
        {"id": each["id"], **each["function"]} for each in choice["message"].get("tool_calls", [])
    ]
    return {
        "content": choice["message"]["content"] or "",
        "calls": calls,
        "reason": choice["finish_reason"],
    }


def cut(raw: bytes, places: list[int]) -> list[bytes]:
    """Bytes in pieces."""
    edges = [0, *sorted(place % (len(raw) + 1) for place in places), len(raw)]
    return [raw[start:end] for start, end in itertools.pairwise(edges)]


_ODD: Any = st.recursive(
    st.none() | st.booleans() | st.integers(-9, 9) | st.sampled_from(["", "auto", "text", "{}"]),
    lambda inner: (
        st.lists(inner, max_size=2)
        | st.dictionaries(st.sampled_from(["type", "name", "text", "function", "id"]), inner)
    ),
    max_leaves=5,
)
_GEMINI_PARTS = [
    "fileData",
    "functionCall",
    "functionResponse",
    "inlineData",
    "text",
    "thought",
    "thoughtSignature",
]
_BLOCKS = [
    "cachePoint",
    "document",
    "image",
    "reasoningContent",
    "text",
    "toolResult",
    "toolUse",
]
_KINDS = [
    "document",
    "file",
    "image",
    "image_url",
    "redacted_thinking",
    "text",
    "thinking",
    "tool_result",
    "tool_use",
]
_PART_FIELDS = [
    "cache_control",
    "citations",
    "content",
    "data",
    "file",
    "image_url",
    "input",
    "signature",
    "source",
    "text",
    "title",
    "tool_use_id",
]
_BODY_FIELDS = [
    "additionalModelRequestFields",
    "inferenceConfig",
    "outputConfig",
    "toolConfig",
    "generationConfig",
    "include",
    "input",
    "max_tokens",
    "metadata",
    "n",
    "output_config",
    "parallel_tool_calls",
    "reasoning",
    "reasoning_effort",
    "response_format",
    "stop",
    "stop_sequences",
    "system",
    "temperature",
    "text",
    "thinking",
    "systemInstruction",
    "tool_choice",
    "tools",
]
_TURN_FIELDS = ["cache_control", "refusal", "thinking_blocks", "tool_call_id", "tool_calls"]


def _some(names: list[str], **fixed: Any) -> Any:
    """Objects with the fixed fields and some of the others, of any values."""
    return st.fixed_dictionaries(fixed, optional=dict.fromkeys(names, _ODD))


_PART = _some(_PART_FIELDS, type=st.sampled_from(_KINDS))
_TURN = _some(
    _TURN_FIELDS,
    role=st.sampled_from(["assistant", "system", "tool", "user"]),
    content=_ODD | st.lists(_PART | _some(_BLOCKS) | _ODD, max_size=3),
)
_CONTENT = _ODD | _some(["role"], parts=_ODD | st.lists(_some(_GEMINI_PARTS), max_size=2))
ODD_BODIES: Any = _some(
    _BODY_FIELDS,
    messages=_ODD | st.lists(_TURN | _ODD, max_size=3),
    contents=_ODD | st.lists(_CONTENT, max_size=3),
)
"""Objects that look like requests of one wire or another, and are none."""

_ITEM = _some(
    ["arguments", "call_id", "content", "encrypted_content", "id", "name", "summary"],
    type=st.sampled_from(["function_call", "message", "reasoning", "web_search_call"]),
)
ODD_EVENTS: Any = _some(
    ["error", "id", "index", "model", "object"],
    type=st.sampled_from(
        [
            "content_block_delta",
            "content_block_start",
            "content_block_stop",
            "message_delta",
            "message_start",
            "response.completed",
            "response.created",
            "response.failed",
            "response.function_call_arguments.delta",
            "response.output_item.added",
            "response.output_item.done",
            "response.output_text.delta",
        ]
    ),
    item=_ODD | _ITEM,
    response=_ODD
    | _some(["id", "model", "usage", "status", "error"], output=st.lists(_ITEM | _ODD, max_size=2)),
    output_index=_ODD,
    content=st.lists(_PART | _ODD, max_size=2),
    content_block=_PART | _ODD,
    delta=_ODD
    | _some(
        ["partial_json", "signature", "stop_reason", "text", "thinking"],
        reasoningContent=_ODD | _some(["redactedContent", "signature", "text"]),
        toolUse=_ODD | _some(["input"]),
    ),
    contentBlockIndex=_ODD,
    start=_ODD | _some(["toolUse"]),
    stopReason=_ODD,
    output=_ODD
    | st.lists(_ITEM | _ODD, max_size=2)
    | st.fixed_dictionaries({"message": _some([], content=st.lists(_some(_BLOCKS)))}),
    message=_ODD | _some(["id", "model", "usage"]),
    usage=_ODD | _some(["input_tokens", "output_tokens", "prompt_tokens"]),
    choices=_ODD | st.lists(_some(["delta", "finish_reason", "index", "message"]), max_size=2),
    candidates=_ODD
    | st.lists(
        _some(["finishReason", "index", "logprobsResult"], content=_CONTENT) | _ODD, max_size=2
    ),
    promptFeedback=_ODD | _some(["blockReason"]),
    usageMetadata=_ODD | _some(["candidatesTokenCount", "promptTokenCount"]),
)
"""The same for answers and events."""

_CALL = _some(["id", "index", "type"], function=_ODD | _some(["name", "arguments"]))
_SAID = _some(
    ["content", "reasoning", "reasoning_content", "refusal", "thinking_blocks"],
    tool_calls=_ODD | st.lists(_CALL | _ODD, max_size=2),
)
_CHOICE = _some(["finish_reason", "index"], message=_SAID, delta=_ODD | _SAID)
ODD_ANSWERS: Any = _some(
    ["id", "model", "usage", "created"], choices=st.lists(_CHOICE, min_size=1, max_size=2)
)
"""Canonical answers and chunks of hosts that take the wire lightly."""
