"""What OpenAI's Responses answer: whole, streamed, and where they fail."""

from __future__ import annotations

from typing import Any

import orjson
import pytest

from contracts.wire_cases import assembled
from metallm.core.arm import Arm
from metallm.core.completion import ChatRequest, StreamEvent
from metallm.core.price import Usage
from metallm.core.wires import RESPONSES
from metallm.errors import ProviderUnavailableError, StreamCutError
from metallm.wire.faces import FACES
from metallm.wire.sse import SSEReader, write_event
from metallm.wire.wires import WIRES

WIRE, FACE = WIRES[RESPONSES], FACES[RESPONSES]
ARM = Arm("openai/gpt-5", wire=RESPONSES)
ASKED = ChatRequest({"messages": [], "stream_options": {"include_usage": True}})
NATIVE = FACE.read_request({"model": "auto", "input": "hi"}, {})
USAGE = {
    "input_tokens": 50,
    "input_tokens_details": {"cached_tokens": 30},
    "output_tokens": 20,
    "output_tokens_details": {"reasoning_tokens": 8},
    "total_tokens": 70,
}
TEXT = {
    "type": "output_text",
    "text": "hi",
    "annotations": [],
    "logprobs": [{"token": "hi", "logprob": -0.1, "bytes": [104], "top_logprobs": []}],
}
THOUGHT = {
    "type": "reasoning",
    "id": "rs_1",
    "summary": [{"type": "summary_text", "text": "hm"}],
    "encrypted_content": "gAAAA",
}
CALL = {
    "type": "function_call",
    "id": "fc_1",
    "call_id": "c1",
    "name": "f",
    "arguments": '{"a":1}',
    "status": "completed",
}
MESSAGE = {"type": "message", "id": "msg_1", "role": "assistant", "content": [TEXT]}


def response(*output: Any, **more: Any) -> dict[str, Any]:
    return {
        "id": "resp_1",
        "object": "response",
        "created_at": 5,
        "status": "completed",
        "model": "gpt-5-2025",
        "output": list(output),
        "usage": USAGE,
        **more,
    }


def read(document: dict[str, Any]) -> Any:
    answer, raw = WIRE.read_answer(ARM, orjson.dumps(document), ASKED, now=7.0)
    return answer, orjson.loads(raw)


def test_a_whole_answer_is_read() -> None:
    answer, canonical = read(response(THOUGHT, MESSAGE, {"type": "web_search_call"}, CALL))
    assert (answer.text, answer.model, answer.finish_reason) == ("hi", "gpt-5-2025", "tool_calls")
    assert answer.usage == Usage(50, 20, 30, reasoning_tokens=8)
    message = canonical["choices"][0]["message"]
    assert message["content"] == "hi"
    assert message["reasoning_content"] == "hm"
    assert message["tool_calls"] == [
        {"id": "c1", "type": "function", "function": {"name": "f", "arguments": '{"a":1}'}}
    ]
    assert [block["type"] for block in message["thinking_blocks"]] == ["redacted_thinking"]
    assert canonical["choices"][0]["logprobs"]["content"] == TEXT["logprobs"]
    assert canonical["usage"]["prompt_tokens_details"]["cached_tokens"] == 30


@pytest.mark.parametrize(
    ("more", "reason"),
    [
        ({"status": "incomplete", "incomplete_details": {"reason": "max_output_tokens"}}, "length"),
        (
            {"status": "incomplete", "incomplete_details": {"reason": "content_filter"}},
            "content_filter",
        ),
        ({"status": "incomplete"}, "length"),
        ({}, "stop"),
    ],
)
def test_an_answer_tells_why_it_ended(more: dict[str, Any], reason: str) -> None:
    assert read(response(MESSAGE, **more))[0].finish_reason == reason


def test_a_refusal_is_one() -> None:
    refused = {**MESSAGE, "content": [{"type": "refusal", "refusal": "no"}]}
    message = read(response(refused))[1]["choices"][0]["message"]
    assert (message["content"], message["refusal"]) == (None, "no")


@pytest.mark.parametrize(
    ("more", "status"),
    [
        ({"status": "failed", "error": {"code": "server_error", "message": "x"}}, 500),
        ({"status": "failed", "error": {"code": "rate_limit_exceeded", "message": "x"}}, 429),
        ({"status": "failed", "error": {"code": "invalid_prompt", "message": "x"}}, None),
        ({"status": "in_progress"}, None),
        ({"output": None}, None),
    ],
)
def test_what_is_no_answer_makes_the_arm_unavailable(
    more: dict[str, Any], status: int | None
) -> None:
    with pytest.raises(ProviderUnavailableError) as raised:
        read(response(**more))
    assert raised.value.status == status


# -- streams --------------------------------------------------------------------------------------


def frames(*events: dict[str, Any]) -> bytes:
    numbered = ({**event, "sequence_number": n} for n, event in enumerate(events))
    return b"".join(write_event(orjson.dumps(event), event["type"]) for event in numbered)


def item(what: str, place: int, told: dict[str, Any]) -> dict[str, Any]:
    return {"type": f"response.output_item.{what}", "output_index": place, "item": told}


def delta(kind: str, place: int, text: str, **more: Any) -> dict[str, Any]:
    return {"type": f"response.{kind}.delta", "output_index": place, "delta": text, **more}


CREATED = {"type": "response.created", "response": response(status="in_progress", usage=None)}
COMPLETED = {"type": "response.completed", "response": response(THOUGHT, MESSAGE, CALL)}
STREAM = (
    CREATED,
    {"type": "response.in_progress", "response": response(status="in_progress")},
    item("added", 0, {**THOUGHT, "summary": []}),
    delta("reasoning_summary_text", 0, "hm", summary_index=0),
    item("done", 0, THOUGHT),
    item("added", 1, {**MESSAGE, "content": []}),
    delta("output_text", 1, "h", content_index=0, logprobs=[]),
    delta("output_text", 1, "i", content_index=0, logprobs=TEXT["logprobs"]),
    item("done", 1, MESSAGE),
    item("added", 2, {**CALL, "arguments": ""}),
    delta("function_call_arguments", 2, '{"a"'),
    delta("function_call_arguments", 2, ":1}"),
    item("done", 2, CALL),
    COMPLETED,
)


def through(raw: bytes, request: ChatRequest = ASKED) -> list[StreamEvent]:
    reader = WIRE.reader(ARM, request, now=7.0)
    events = reader.feed(raw)
    assert reader.done
    return [*events, *reader.finish()]


def test_a_stream_adds_up_to_thoughts_text_calls_and_a_bill() -> None:
    events = through(frames(*STREAM))
    assert assembled(events) == {
        "content": "hi",
        "calls": [{"id": "c1", "name": "f", "arguments": '{"a":1}'}],
        "reason": "tool_calls",
    }
    deltas = [choice["delta"] for event in events for choice in orjson.loads(event.data)["choices"]]
    assert "".join(each.get("reasoning_content", "") for each in deltas) == "hm"
    assert sum("thinking_blocks" in each for each in deltas) == 1
    assert events[-1].usage == Usage(50, 20, 30, reasoning_tokens=8)
    assert not events[-1].only_usage
    assert {orjson.loads(event.data)["model"] for event in events} == {"gpt-5-2025"}


def test_what_came_without_deltas_is_told_at_its_end() -> None:
    whole = (CREATED, item("done", 0, THOUGHT), item("added", 1, CALL), item("done", 1, CALL))
    events = through(frames(*whole, COMPLETED))
    assert assembled(events)["calls"] == [{"id": "c1", "name": "f", "arguments": '{"a":1}'}]
    told = b"".join(event.data for event in events)
    assert b'"reasoning_content":"hm"' in told


def test_a_stream_that_is_cut_by_its_limit_is_whole_and_says_so() -> None:
    cut = response(MESSAGE, status="incomplete", incomplete_details={"reason": "max_output_tokens"})
    events = through(frames(*STREAM[:8], {"type": "response.incomplete", "response": cut}))
    assert assembled(events)["reason"] == "length"


@pytest.mark.parametrize(
    ("event", "status"),
    [
        ({"type": "error", "code": "server_error", "message": "m", "param": None}, 500),
        ({"type": "error", "error": {"code": "rate_limit_exceeded", "message": "m"}}, 429),
        (
            {
                "type": "response.failed",
                "response": response(error={"code": "server_error", "message": "m"}),
            },
            500,
        ),
        ({"type": "response.failed", "response": {}}, None),
    ],
)
def test_an_error_within_a_stream_cuts_it(event: dict[str, Any], status: int | None) -> None:
    reader = WIRE.reader(ARM, ASKED, now=7.0)
    reader.feed(frames(*STREAM[:7]))
    with pytest.raises(StreamCutError) as raised:
        reader.feed(frames(event))
    assert raised.value.status == status


def test_a_stream_that_ends_without_its_end_is_cut() -> None:
    for request in (ASKED, NATIVE):
        reader = WIRE.reader(ARM, request, now=7.0)
        reader.feed(frames(*STREAM[:-1]))
        with pytest.raises(StreamCutError, match="ended before the answer did"):
            reader.finish()


def test_its_own_callers_get_the_events_as_they_came_under_the_arms_name() -> None:
    events = through(frames(*STREAM), NATIVE)
    assert {event.wire for event in events} == {RESPONSES}
    assert "".join(event.text for event in events) == "hi"
    assert [event.usage for event in events if event.usage] == [
        Usage(50, 20, 30, reasoning_tokens=8)
    ]
    writer = FACE.writer("the/arm")
    raw = b"".join([*map(writer.event, events), writer.end()])
    told = [orjson.loads(data) for data in SSEReader().feed(raw)]
    assert [each["type"] for each in told] == [each["type"] for each in STREAM]
    models = {each["response"]["model"] for each in told if "response" in each}
    assert models == {"the/arm"}
    plain = [each for each in told if "response" not in each]
    sent = [{**each, "sequence_number": n} for n, each in enumerate(STREAM)]
    assert plain == [each for each in sent if "response" not in each]


def test_its_own_callers_are_told_of_a_break_in_their_words() -> None:
    writer = FACE.writer("the/arm")
    reader = WIRE.reader(ARM, NATIVE, now=7.0)
    begun = b"".join(map(writer.event, reader.feed(frames(*STREAM[:7]))))
    end = writer.error(b'{"error": {"message": "it broke"}}', status=500)
    (failed,) = [orjson.loads(data) for data in SSEReader().feed(end)]
    assert failed["type"] == "response.failed"
    assert failed["response"]["error"] == {"code": "server_error", "message": "it broke"}
    assert failed["response"]["id"] == "resp_1"
    assert failed["sequence_number"] == len(SSEReader().feed(begun))


def test_a_whole_answer_for_its_own_callers_keeps_every_field() -> None:
    raw = orjson.dumps(response(MESSAGE, brand_new={"deep": 1}))
    told = WIRE.read_answer(ARM, raw, NATIVE, now=7.0)[1]
    assert told == raw
    named = orjson.loads(FACE.write_answer(told, wire=RESPONSES, model="the/arm"))
    assert named == {**orjson.loads(raw), "model": "the/arm"}
