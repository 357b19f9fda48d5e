from __future__ import annotations

import struct
import sys
from typing import Any
from zlib import crc32

import orjson
import pytest

from metallm.core.arm import Arm
from metallm.core.completion import ChatRequest, Native, StreamEvent
from metallm.core.price import Usage
from metallm.core.wires import BEDROCK
from metallm.errors import MissingExtraError, StreamCutError
from metallm.wire.bedrock_frames import EXCEPTION, FrameReader, write_frame
from metallm.wire.faces import FACES
from metallm.wire.openai_stream import write_chunk
from metallm.wire.wires import WIRES

ARM = Arm("bedrock/anthropic.claude-sonnet-4-5-20250929-v1:0")
PLAIN = ChatRequest({"messages": []})
OWN = ChatRequest({"messages": []}, native=Native(BEDROCK, {}))
Event = tuple[str, dict[str, Any]]
START: Event = ("messageStart", {"role": "assistant", "p": "abc"})
STOP: Event = ("messageStop", {"stopReason": "end_turn"})
BILL: Event = ("metadata", {"usage": {"inputTokens": 5, "outputTokens": 2}, "metrics": {}})


def added(index: int, **delta: Any) -> Event:
    return "contentBlockDelta", {"contentBlockIndex": index, "delta": delta}


def ended(index: int) -> Event:
    return "contentBlockStop", {"contentBlockIndex": index}


def begun(index: int, name: str) -> Event:
    use = {"toolUse": {"toolUseId": f"id-{name}", "name": name}}
    return "contentBlockStart", {"contentBlockIndex": index, "start": use}


def framed(*events: Event) -> bytes:
    return b"".join(write_frame(kind, orjson.dumps(told)) for kind, told in events)


def read(*events: Event, request: ChatRequest = PLAIN) -> list[StreamEvent]:
    reader = WIRES[BEDROCK].reader(ARM, request, now=7.9)
    return reader.feed(framed(*events)) + reader.finish()


def deltas(events: list[StreamEvent]) -> list[dict[str, Any]]:
    return [choice["delta"] for event in events for choice in orjson.loads(event.data)["choices"]]


def test_thoughts_text_and_calls_come_in_their_order() -> None:
    events = read(
        START,
        added(0, reasoningContent={"text": "h"}),
        added(0, reasoningContent={"text": "m"}),
        added(0, reasoningContent={"signature": "c2ln"}),
        ended(0),
        added(1, text="let me see"),
        ended(1),
        begun(2, "f"),
        begun(3, "g"),
        added(2, toolUse={"input": '{"a"'}),
        added(2, toolUse={"input": ":1}"}),
        ended(2),
        ended(3),
        ("messageStop", {"stopReason": "tool_use"}),
        BILL,
    )
    told = deltas(events)
    assert told[0] == {"role": "assistant", "content": ""}
    assert [each["reasoning_content"] for each in told[1:3]] == ["h", "m"]
    (thought,) = told[3]["thinking_blocks"]
    assert thought == {"type": "thinking", "thinking": "hm", "signature": "c2ln"}
    assert told[4] == {"content": "let me see"}
    calls = [call for each in told for call in each.get("tool_calls", [])]
    assert [(call["index"], call.get("id")) for call in calls] == [
        (0, "id-f"),
        (1, "id-g"),
        (0, None),
        (0, None),
        (1, None),
    ]
    assert [call["function"]["arguments"] for call in calls] == ["", "", '{"a"', ":1}", "{}"]
    assert "".join(event.text for event in events) == "let me see"
    assert events[-1].usage == Usage(5, 2)
    assert events[-1].only_usage


def test_thoughts_that_are_hidden_are_passed_on() -> None:
    told = deltas(read(START, added(0, reasoningContent={"redactedContent": "eA=="}), STOP))
    assert told[1] == {"thinking_blocks": [{"type": "redacted_thinking", "data": "eA=="}]}


def test_nothing_is_read_after_the_bill() -> None:
    reader = WIRES[BEDROCK].reader(ARM, PLAIN, now=7.0)
    reader.feed(framed(START, STOP))
    assert (reader.whole, reader.done) == (True, False)
    reader.feed(framed(BILL, added(0, text="more")))
    assert reader.done


def test_an_answer_without_a_bill_is_whole() -> None:
    assert [event.usage for event in read(START, added(0, text="a"), STOP)] == [None] * 3


@pytest.mark.parametrize(
    ("kind", "status"),
    [
        ("internalServerException", 500),
        ("modelStreamErrorException", 424),
        ("serviceUnavailableException", 503),
        ("throttlingException", 429),
        ("validationException", 400),
        ("somethingNewException", None),
    ],
)
def test_an_exception_breaks_the_stream_with_its_status(kind: str, status: int | None) -> None:
    reader = WIRES[BEDROCK].reader(ARM, PLAIN, now=7.0)
    reader.feed(framed(START, added(0, text="a")))
    with pytest.raises(StreamCutError, match=kind) as raised:
        reader.feed(write_frame(kind, b'{"message":"x"}', message_type=EXCEPTION))
    assert raised.value.status == status


@pytest.mark.parametrize(
    "raw",
    [
        b"<html> and so on, long enough",
        framed(START)[:-1] + b"x",
        framed(START).replace(b"assistant", b"assistent"),
        write_frame("messageStart", b"{half"),
        write_frame("messageStart", b"[]"),
    ],
    ids=["no frame", "checksum", "payload", "no JSON", "no object"],
)
def test_bytes_that_cannot_be_read_cut_the_stream(raw: bytes) -> None:
    reader = WIRES[BEDROCK].reader(ARM, PLAIN, now=7.0)
    with pytest.raises(StreamCutError, match="the stream holds"):
        reader.feed(raw)


def test_a_frame_with_an_unknown_kind_of_header_is_no_frame() -> None:
    headers = b"\x01a\x63"
    prelude = struct.pack("!II", 16 + len(headers), len(headers))
    frame = prelude + struct.pack("!I", crc32(prelude)) + headers
    reader = WIRES[BEDROCK].reader(ARM, PLAIN, now=7.0)
    with pytest.raises(StreamCutError, match="no frame"):
        reader.feed(frame + struct.pack("!I", crc32(frame)))


def test_a_model_that_loses_its_way_at_once_is_no_answer() -> None:
    with pytest.raises(StreamCutError, match="malformed_tool_use"):
        read(START, ("messageStop", {"stopReason": "malformed_tool_use"}))


def test_callers_of_this_wire_get_events_as_they_came() -> None:
    sent = [START, added(0, text="a"), ended(0), STOP, BILL]
    events = read(*sent, request=OWN)
    assert [orjson.loads(event.data) for event in events] == [{kind: told} for kind, told in sent]
    assert [event.text for event in events] == ["", "a", "", "", ""]
    assert events[-1].usage == Usage(5, 2)
    writer = FACES[BEDROCK].writer("sim/arm")
    assert b"".join(map(writer.event, events)) + writer.end() == framed(*sent)


def test_blocks_are_written_in_their_order_and_calls_at_the_end() -> None:
    writer = FACES[BEDROCK].writer("sim/arm")
    named: Any = {"answer_id": "x", "created": 1, "model": "m"}
    call = {"index": 0, "id": "c1", "function": {"name": "f", "arguments": "{}"}}
    parts: list[dict[str, Any]] = [
        {"role": "assistant", "content": ""},
        {"reasoning_content": "hm"},
        {"content": "a"},
        {"content": "b", "tool_calls": [call]},
    ]
    raw = b"".join(writer.event(StreamEvent(write_chunk(**named, delta=delta))) for delta in parts)
    raw += writer.event(StreamEvent(write_chunk(**named, usage=Usage(5, 2)), "", Usage(5, 2)))
    frames = FrameReader().feed(raw + writer.end())
    told = [(headers[":event-type"], orjson.loads(payload)) for headers, payload in frames]
    assert told == [
        ("messageStart", {"role": "assistant"}),
        added(0, reasoningContent={"text": "hm"}),
        ended(0),
        added(1, text="a"),
        added(1, text="b"),
        ended(1),
        (
            "contentBlockStart",
            {"contentBlockIndex": 2, "start": {"toolUse": {"toolUseId": "c1", "name": "f"}}},
        ),
        added(2, toolUse={"input": "{}"}),
        ended(2),
        ("messageStop", {"stopReason": "tool_use"}),
        (
            "metadata",
            {
                "usage": {"inputTokens": 5, "outputTokens": 2, "totalTokens": 7},
                "metrics": {"latencyMs": 0},
            },
        ),
    ]
    assert {headers[":content-type"] for headers, _ in frames} == {"application/json"}


def test_without_botocore_the_extra_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    hidden: Any = None
    monkeypatch.setitem(sys.modules, "botocore.eventstream", hidden)
    with pytest.raises(MissingExtraError, match=r"pip install 'metallm\[bedrock\]'"):
        WIRES[BEDROCK].reader(ARM, PLAIN, now=7.0)
