from __future__ import annotations

from typing import Any

import orjson
import pytest

from metallm.core.arm import Arm
from metallm.core.completion import ChatRequest, Native, StreamEvent
from metallm.core.price import Usage
from metallm.core.wires import ANTHROPIC
from metallm.errors import StreamCutError
from metallm.wire.faces import FACES
from metallm.wire.openai_stream import write_chunk
from metallm.wire.sse import SSEReader, write_event
from metallm.wire.wires import WIRES

ARM = Arm("anthropic/claude-sonnet-4-5")
PLAIN = ChatRequest({"messages": []})
OWN = ChatRequest({"messages": []}, native=Native(ANTHROPIC, {}))
START = {
    "type": "message_start",
    "message": {
        "id": "msg_1",
        "model": "claude-x",
        "content": [],
        "usage": {"input_tokens": 30, "cache_read_input_tokens": 20, "output_tokens": 1},
    },
}
STOP = {"type": "message_stop"}


def begun(index: int, **block: Any) -> dict[str, Any]:
    return {"type": "content_block_start", "index": index, "content_block": block}


def added(index: int, **delta: Any) -> dict[str, Any]:
    return {"type": "content_block_delta", "index": index, "delta": delta}


def ended(index: int) -> dict[str, Any]:
    return {"type": "content_block_stop", "index": index}


def why(reason: str, **usage: Any) -> dict[str, Any]:
    delta = {"stop_reason": reason, "stop_sequence": None}
    return {"type": "message_delta", "delta": delta, "usage": usage}


def framed(*events: dict[str, Any]) -> bytes:
    return b"".join(write_event(orjson.dumps(event), event["type"]) for event in events)


def read(*events: dict[str, Any], request: ChatRequest = PLAIN) -> list[StreamEvent]:
    reader = WIRES[ANTHROPIC].reader(ARM, request, now=7.9)
    return reader.feed(framed(*events)) + reader.finish()


def deltas(events: list[StreamEvent]) -> list[dict[str, Any]]:
    chunks = [orjson.loads(event.data) for event in events]
    return [choice["delta"] for chunk in chunks for choice in chunk["choices"] if choice["delta"]]


def written(*events: StreamEvent) -> list[dict[str, Any]]:
    """What a caller reads of a stream, its end too."""
    writer = FACES[ANTHROPIC].writer("sim/arm")
    frames = b"".join([*map(writer.event, events), writer.end()])
    return [orjson.loads(data) for data in SSEReader().feed(frames)]


def chunk(finish_reason: str | None = None, **delta: Any) -> StreamEvent:
    data = write_chunk(
        answer_id="x", created=7, model="m", delta=delta, finish_reason=finish_reason
    )
    return StreamEvent(data)


def calls(*pieces: tuple[int, dict[str, Any]]) -> StreamEvent:
    return chunk(tool_calls=[{"index": index, **piece} for index, piece in pieces])


ANSWERED = (
    START,
    {"type": "ping"},
    begun(0, type="thinking", thinking="", signature=""),
    added(0, type="thinking_delta", thinking="h"),
    added(0, type="thinking_delta", thinking="m"),
    added(0, type="signature_delta", signature="s"),
    ended(0),
    begun(1, type="redacted_thinking", data="d"),
    ended(1),
    begun(2, type="text", text=""),
    added(2, type="text_delta", text="it is"),
    ended(2),
    begun(3, type="tool_use", id="t1", name="f", input={}),
    added(3, type="input_json_delta", partial_json=""),
    ended(3),
    begun(4, type="tool_use", id="t2", name="g", input={}),
    added(4, type="input_json_delta", partial_json='{"a"'),
    added(4, type="input_json_delta", partial_json=":1}"),
    ended(4),
    why("tool_use", output_tokens=12),
    STOP,
)


def test_blocks_become_deltas_and_a_call_without_arguments_gets_some_to_parse() -> None:
    thought = {"type": "thinking", "thinking": "hm", "signature": "s"}
    assert deltas(read(*ANSWERED)) == [
        {"role": "assistant", "content": ""},
        {"reasoning_content": "h"},
        {"reasoning_content": "m"},
        {"thinking_blocks": [thought]},
        {"thinking_blocks": [{"type": "redacted_thinking", "data": "d"}]},
        {"content": "it is"},
        {
            "tool_calls": [
                {
                    "index": 0,
                    "id": "t1",
                    "type": "function",
                    "function": {"name": "f", "arguments": ""},
                }
            ]
        },
        {"tool_calls": [{"index": 0, "function": {"arguments": "{}"}}]},
        {
            "tool_calls": [
                {
                    "index": 1,
                    "id": "t2",
                    "type": "function",
                    "function": {"name": "g", "arguments": ""},
                }
            ]
        },
        {"tool_calls": [{"index": 1, "function": {"arguments": '{"a"'}}]},
        {"tool_calls": [{"index": 1, "function": {"arguments": ":1}"}}]},
    ]


def test_usage_is_that_of_the_end_with_what_the_start_told_of_the_input() -> None:
    events = read(*ANSWERED)
    assert events[-1].usage == Usage(50, 12, 20)
    assert events[-1].only_usage
    assert events[0].usage == Usage(50, 0, 20, estimated=True)
    later = read(START, why("end_turn", input_tokens=31, output_tokens=3), STOP)
    assert later[-1].usage == Usage(51, 3, 20)


def test_a_callers_own_events_pass_as_they_came() -> None:
    events = read(*ANSWERED, request=OWN)
    assert [orjson.loads(event.data) for event in events] == list(ANSWERED[:-1])
    assert {event.wire for event in events} == {ANTHROPIC}
    assert "".join(event.text for event in events) == "it is"
    assert events[-1].usage == Usage(50, 12, 20)
    frames = written(*events)
    assert frames[0] == {
        **START,
        "message": {**START["message"], "model": "sim/arm"},  # type: ignore[dict-item]
    }
    assert frames[1:] == list(ANSWERED[1:])


@pytest.mark.parametrize("request_", [PLAIN, OWN], ids=["translated", "own"])
@pytest.mark.parametrize(
    ("events", "told", "status"),
    [
        ((START,), "before the answer did", None),
        ((START, ended(0)), "before the answer did", None),
        (
            (START, {"type": "error", "error": {"type": "overloaded_error", "message": "busy"}}),
            "overloaded_error",
            529,
        ),
        (({"type": "error"},), "no kind given", None),
    ],
)
def test_a_stream_that_breaks_off_says_why(
    request_: ChatRequest, events: Any, told: str, status: int | None
) -> None:
    with pytest.raises(StreamCutError, match=told) as raised:
        read(*events, request=request_)
    assert raised.value.status == status


@pytest.mark.parametrize("data", [b"{", b"[1]"])
def test_an_event_that_cannot_be_read_cuts_the_stream(data: bytes) -> None:
    reader = WIRES[ANTHROPIC].reader(ARM, PLAIN, now=0.0)
    with pytest.raises(StreamCutError, match="no JSON"):
        reader.feed(write_event(data))


def test_a_stream_whose_last_event_is_lost_is_whole_once_it_said_why_it_ended() -> None:
    events = read(START, why("end_turn", output_tokens=4))
    assert events[-1].usage == Usage(50, 4, 20)
    reader = WIRES[ANTHROPIC].reader(ARM, PLAIN, now=0.0)
    reader.feed(framed(START, why("end_turn", output_tokens=4), STOP))
    assert reader.done
    assert reader.feed(framed(START)) == []


def test_arguments_that_come_with_the_start_of_a_block_are_kept() -> None:
    events = read(
        START, begun(0, type="tool_use", id="t", name="f", input={"a": 1}), ended(0), STOP
    )
    (call,) = deltas(events)[1]["tool_calls"]
    assert call["function"] == {"name": "f", "arguments": '{"a":1}'}


def test_a_block_ends_where_another_kind_begins() -> None:
    told = written(
        chunk(role="assistant", content=""),
        chunk(reasoning_content="h"),
        chunk(reasoning="m"),
        chunk(content="a"),
        chunk(content="b"),
        chunk(refusal="no"),
        chunk("stop"),
    )
    assert [each["type"].removeprefix("content_block_") for each in told] == [
        "message_start",
        "start",
        "delta",
        "delta",
        "stop",
        "start",
        "delta",
        "delta",
        "delta",
        "stop",
        "message_delta",
        "message_stop",
    ]
    assert told[1]["content_block"]["type"] == "thinking"
    assert told[-2]["delta"]["stop_reason"] == "refusal"
    assert told[-2]["usage"] == {"output_tokens": 0}


def test_thoughts_with_signatures_of_another_translation_keep_them() -> None:
    thought = {"type": "thinking", "thinking": "hm", "signature": "s"}
    redacted = {"type": "redacted_thinking", "data": "d"}
    told = written(
        chunk(reasoning_content="hm"),
        chunk(thinking_blocks=[thought, redacted]),
        chunk(thinking_blocks=[thought]),
        chunk("stop"),
    )
    events = read(
        *[each for each in told if each["type"].startswith("content_block")], why("end_turn")
    )
    found = [block for delta in deltas(events) for block in delta.get("thinking_blocks", [])]
    assert found == [thought, redacted, thought]


def test_calls_that_come_interleaved_stay_apart() -> None:
    told = written(
        calls((0, {"id": "a", "function": {"name": "f", "arguments": '{"x":'}})),
        calls((1, {"id": "b", "function": {"name": "g", "arguments": "{}"}})),
        calls((0, {"function": {"arguments": "1}"}}), (2, {"id": "c", "function": {"name": "h"}})),
        chunk("stop"),
    )
    said: dict[int, str] = {}
    stops = []
    for each in told:
        if each["type"] == "content_block_delta":
            assert each["index"] not in stops
            piece = each["delta"]["partial_json"]
            said[each["index"]] = said.get(each["index"], "") + piece
        if each["type"] == "content_block_stop":
            stops.append(each["index"])
    assert said == {0: '{"x":1}', 1: "{}"}
    assert sorted(stops) == [0, 1, 2]
    assert told[-2]["delta"]["stop_reason"] == "tool_use"
