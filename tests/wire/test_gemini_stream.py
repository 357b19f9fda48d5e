from __future__ import annotations

from dataclasses import replace
from typing import Any

import orjson
import pytest

from metallm.core.arm import Arm
from metallm.core.completion import ChatRequest, Native, StreamEvent
from metallm.core.price import Usage
from metallm.core.wires import GEMINI
from metallm.errors import StreamCutError
from metallm.wire.faces import FACES
from metallm.wire.openai_stream import write_chunk
from metallm.wire.sse import SSEReader, write_event
from metallm.wire.wires import WIRES

ARM = Arm("gemini/gemini-2.5-flash")
PLAIN = ChatRequest({"messages": []})
OWN = ChatRequest({"messages": []}, native=Native(GEMINI, {}))


def piece(*parts: dict[str, Any], why: str | None = None, index: int = 0) -> dict[str, Any]:
    told: dict[str, Any] = {"content": {"role": "model", "parts": list(parts)}, "index": index}
    return told if why is None else {**told, "finishReason": why}


def chunk(*pieces: dict[str, Any], usage: dict[str, int] | None = None) -> dict[str, Any]:
    told = {"candidates": list(pieces), "responseId": "r1", "modelVersion": "gemini-x"}
    return told if usage is None else {**told, "usageMetadata": usage}


def framed(*chunks: dict[str, Any]) -> bytes:
    return b"".join(write_event(orjson.dumps(each)) for each in chunks)


def read(*chunks: dict[str, Any], request: ChatRequest = PLAIN) -> list[StreamEvent]:
    reader = WIRES[GEMINI].reader(ARM, request, now=7.9)
    return reader.feed(framed(*chunks)) + reader.finish()


def choices(events: list[StreamEvent]) -> list[dict[str, Any]]:
    return [choice for event in events for choice in orjson.loads(event.data)["choices"]]


def counts(prompt: int, said: int, thought: int = 0) -> dict[str, int]:
    told = {"promptTokenCount": prompt, "candidatesTokenCount": said}
    return {**told, "thoughtsTokenCount": thought} if thought else told


def test_thoughts_text_and_calls_come_in_their_order() -> None:
    events = read(
        chunk(piece({"text": "hm", "thought": True})),
        chunk(piece({"text": "let me"}, {"text": " see"})),
        chunk(
            piece(
                {"functionCall": {"name": "f", "args": {"a": 1}}, "thoughtSignature": "c2ln"},
                {"functionCall": {"name": "g"}},
            )
        ),
        chunk(piece({"functionCall": {"name": "h"}}, why="STOP"), usage=counts(5, 9, 2)),
    )
    told = choices(events)
    assert told[0]["delta"] == {"role": "assistant", "content": "", "reasoning_content": "hm"}
    assert told[1]["delta"] == {"content": "let me see"}
    calls = [call for each in told for call in each["delta"].get("tool_calls", [])]
    assert [(call["index"], call["id"]) for call in calls] == [
        (0, "call_0_r1"),
        (1, "call_1_r1"),
        (2, "call_2_r1"),
    ]
    assert calls[0]["extra_content"] == {"google": {"thought_signature": "c2ln"}}
    assert told[-1]["finish_reason"] == "tool_calls"
    assert events[-1].usage == Usage(5, 11, reasoning_tokens=2)
    assert events[-1].only_usage


def test_calls_of_a_stream_without_an_id_are_told_apart_by_the_time() -> None:
    call = {"functionCall": {"name": "f"}}
    told = choices(read({"candidates": [piece(call, why="STOP")]}))
    assert [each["id"] for each in told[0]["delta"]["tool_calls"]] == ["call_0_7"]


def test_usage_so_far_is_an_estimate_until_the_answer_is_whole() -> None:
    events = read(
        chunk(piece({"text": "a"}), usage=counts(5, 1)),
        chunk(piece({"text": "b"}, why="STOP"), usage=counts(5, 2)),
    )
    assert [event.usage for event in events] == [
        Usage(5, 1, estimated=True),
        None,
        None,
        Usage(5, 2),
    ]
    assert [event.only_usage for event in events] == [False, False, False, True]


def test_usage_that_comes_after_the_end_is_billed_and_none_twice() -> None:
    events = read(
        chunk(piece({"text": "a"}, why="STOP")),
        {"usageMetadata": counts(5, 2)},
        {"usageMetadata": counts(5, 2)},
    )
    assert [event.usage for event in events if event.usage] == [Usage(5, 2)]


def test_a_stream_is_whole_when_every_candidate_has_ended() -> None:
    reader = WIRES[GEMINI].reader(ARM, PLAIN, now=7.0)
    reader.feed(framed(chunk(piece({"text": "a"}), piece({"text": "b"}, index=1))))
    reader.feed(framed(chunk(piece(why="STOP", index=1))))
    assert not reader.whole
    events = reader.feed(framed(chunk(piece(why="MAX_TOKENS"))))
    assert reader.whole
    assert choices(events)[-1] == {"index": 0, "delta": {}, "finish_reason": "length"}


def test_a_blocked_prompt_is_a_refusal() -> None:
    told = choices(read({"promptFeedback": {"blockReason": "OTHER"}}))
    assert told[0]["delta"]["refusal"] == "the provider blocks this prompt (OTHER)"
    assert told[-1]["finish_reason"] == "content_filter"


def test_a_model_that_loses_its_way_at_once_is_no_answer() -> None:
    with pytest.raises(StreamCutError, match="MALFORMED_FUNCTION_CALL"):
        read(chunk(piece(why="MALFORMED_FUNCTION_CALL")))
    told = choices(read(chunk(piece({"text": "a"})), chunk(piece(why="MALFORMED_FUNCTION_CALL"))))
    assert told[-1]["finish_reason"] == "stop"


def test_an_error_breaks_the_stream_with_its_status() -> None:
    error = {"error": {"code": 429, "message": "slow down", "status": "RESOURCE_EXHAUSTED"}}
    with pytest.raises(StreamCutError, match="RESOURCE_EXHAUSTED") as raised:
        read(chunk(piece({"text": "a"})), error)
    assert raised.value.status == 429


def test_callers_of_this_wire_get_events_as_they_came() -> None:
    sent = [
        chunk(piece({"text": "a"}), usage=counts(5, 1)),
        chunk(piece({"text": "b"}, why="STOP"), usage=counts(5, 2)),
    ]
    events = read(*sent, request=OWN)
    assert [orjson.loads(event.data) for event in events] == sent
    assert [(event.text, event.wire) for event in events] == [("a", GEMINI), ("b", GEMINI)]
    assert events[-1].usage == Usage(5, 2)
    writer = FACES[GEMINI].writer("sim/arm")
    passed = SSEReader().feed(b"".join(map(writer.event, events)) + writer.end())
    assert [orjson.loads(data) for data in passed] == [
        {**each, "modelVersion": "sim/arm"} for each in sent
    ]


def test_calls_are_written_whole_at_the_end_with_reason_and_usage() -> None:
    writer = FACES[GEMINI].writer("sim/arm")
    named: Any = {"answer_id": "x", "created": 1, "model": "m"}
    call = {"index": 0, "id": "c1", "function": {"name": "f", "arguments": ""}}
    deltas: list[dict[str, Any]] = [
        {"role": "assistant", "content": ""},
        {"reasoning_content": "hm"},
        {"content": "let me see"},
        {"tool_calls": [call]},
        {"tool_calls": [{"index": 0, "function": {"arguments": '{"a":'}}]},
        {"tool_calls": [{"index": 0, "function": {"arguments": "1}"}}]},
    ]
    events = [StreamEvent(write_chunk(**named, delta=delta)) for delta in deltas]
    events.append(StreamEvent(write_chunk(**named, finish_reason="tool_calls")))
    usage = Usage(5, 9, reasoning_tokens=4)
    events.append(replace(events[0], data=write_chunk(**named, usage=usage), usage=usage))
    frames = [writer.event(event) for event in events]
    assert [bool(frame) for frame in frames] == [False, True, True, *[False] * 5]
    (last,) = SSEReader().feed(writer.end())
    (told,) = orjson.loads(last)["candidates"]
    assert told["content"]["parts"] == [
        {"functionCall": {"id": "c1", "name": "f", "args": {"a": 1}}}
    ]
    assert told["finishReason"] == "STOP"
    assert orjson.loads(last)["usageMetadata"] == {
        "promptTokenCount": 5,
        "candidatesTokenCount": 5,
        "thoughtsTokenCount": 4,
        "totalTokenCount": 14,
    }
