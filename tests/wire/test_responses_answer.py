"""Answers in OpenAI's Responses, whole and as a stream of events."""

from __future__ import annotations

from collections import defaultdict
from typing import Any

import orjson
from hypothesis import given

from contracts.wire_cases import ODD_ANSWERS, answers, as_events
from metallm.core.completion import StreamEvent
from metallm.core.price import Usage
from metallm.core.wires import OPENAI
from metallm.wire.openai_errors import write_error
from metallm.wire.openai_stream import write_chunk
from metallm.wire.openai_usage import write_usage
from metallm.wire.responses_face import ResponsesFace
from metallm.wire.responses_thoughts import unseal
from metallm.wire.responses_writer import ResponsesWriter
from metallm.wire.sse import SSEReader

NAMED: Any = {"answer_id": "a1", "created": 7, "model": "m"}
THOUGHT = {"type": "thinking", "thinking": "hm, so", "signature": "s"}
USAGE = Usage(50, 20, 30, reasoning_tokens=8)


def whole(message: dict[str, Any], reason: str = "stop", **asked: Any) -> Any:
    """The response for a canonical message."""
    choice = {"index": 0, "message": message, "finish_reason": reason}
    told = {"id": "a1", "created": 7, "choices": [choice], "usage": write_usage(USAGE)}
    return orjson.loads(
        ResponsesFace(asked).write_answer(orjson.dumps(told), wire=OPENAI, model="sim/arm")
    )


def read(frames: bytes) -> list[dict[str, Any]]:
    return [orjson.loads(data) for data in SSEReader().feed(frames)]


def streamed(*deltas: dict[str, Any], reason: str = "stop", **asked: Any) -> list[dict[str, Any]]:
    """The events for some deltas."""
    writer = ResponsesWriter("sim/arm", asked)
    chunks = [write_chunk(**NAMED, delta=delta) for delta in deltas]
    chunks.append(write_chunk(**NAMED, finish_reason=reason))
    frames = [writer.event(StreamEvent(chunk)) for chunk in chunks]
    frames.append(writer.event(StreamEvent(write_chunk(**NAMED, usage=USAGE), "", USAGE)))
    return read(b"".join([*frames, writer.end()]))


def kinds(events: list[dict[str, Any]]) -> list[str]:
    return [event["type"].removeprefix("response.") for event in events]


def check_story(events: list[dict[str, Any]]) -> None:
    """What clients rely on: numbers in a row, all that begins ends, and pieces make the whole."""
    assert [event["sequence_number"] for event in events] == list(range(len(events)))
    said: dict[Any, str] = defaultdict(str)
    for event in events:
        place = (event.get("output_index"), event.get("content_index"))
        name = event["type"].removeprefix("response.")
        if name.endswith(".delta"):
            said[place] += event["delta"]
        elif name in {"output_text.done", "refusal.done", "reasoning_text.done"}:
            assert event.get("text", event.get("refusal")) == said.pop(place)
        elif name == "function_call_arguments.done":
            assert event["arguments"] == said.pop(place, "")
    assert not said
    for what in ("output_item", "content_part"):
        begun, ended = (
            sorted(
                (event["output_index"], event.get("content_index"))
                for event in events
                if event["type"] == f"response.{what}.{which}"
            )
            for which in ("added", "done")
        )
        assert begun == ended
    items = [event["item"] for event in events if event["type"] == "response.output_item.done"]
    output = events[-1]["response"]["output"]
    assert sorted(item["id"] for item in items) == sorted(item["id"] for item in output)
    assert all(item in output for item in items)
    assert len({event["response"]["id"] for event in events if "response" in event}) == 1


@given(answers())
def test_a_stream_ends_with_the_response_that_a_whole_answer_is(answer: dict[str, Any]) -> None:
    face = ResponsesFace({"temperature": 0.5})
    told = orjson.loads(face.write_answer(orjson.dumps(answer), wire=OPENAI, model="sim/arm"))
    writer = face.writer("sim/arm")
    events = read(b"".join([*map(writer.event, as_events(answer)), writer.end()]))
    check_story(events)
    assert kinds(events)[:2] == ["created", "in_progress"]
    assert kinds(events)[-1] == told["status"]
    assert events[-1]["response"] == told


@given(answers())
def test_nothing_of_an_answer_is_lost(answer: dict[str, Any]) -> None:
    choice = answer["choices"][0]
    told = whole(choice["message"], choice["finish_reason"])
    texts = [
        part["text"]
        for item in told["output"]
        if item["type"] == "message"
        for part in item["content"]
    ]
    assert "".join(texts) == (choice["message"]["content"] or "")
    calls = [
        {"id": item["call_id"], "name": item["name"], "arguments": item["arguments"]}
        for item in told["output"]
        if item["type"] == "function_call"
    ]
    said = choice["message"].get("tool_calls", [])
    assert calls == [{"id": call["id"], **call["function"]} for call in said]
    assert (told["status"] == "incomplete") == (choice["finish_reason"] == "length")


def test_a_response_repeats_what_was_asked_and_tells_usage_in_parts() -> None:
    tools = [{"type": "function", "name": "f", "parameters": {}}]
    asked: dict[str, Any] = {
        "instructions": "be brief",
        "metadata": {"a": "b"},
        "tools": tools,
        "top_p": 0.5,
    }
    told = whole({"content": "yes"}, **asked)
    assert {name: told[name] for name in asked} == asked
    assert (told["object"], told["id"], told["created_at"]) == ("response", "resp_a1", 7)
    assert (told["model"], told["store"], told["error"]) == ("sim/arm", False, None)
    assert told["usage"] == {
        "input_tokens": 50,
        "input_tokens_details": {"cached_tokens": 30, "cache_write_tokens": 0},
        "output_tokens": 20,
        "output_tokens_details": {"reasoning_tokens": 8},
        "total_tokens": 70,
    }


def test_an_answer_at_its_limit_is_incomplete_with_what_has_come() -> None:
    told = whole({"content": "on and"}, "length")
    assert told["incomplete_details"] == {"reason": "max_output_tokens"}
    assert told["output"][0]["status"] == "incomplete"
    events = streamed({"content": "on and"}, reason="content_filter")
    assert kinds(events)[-1] == "incomplete"
    assert events[-1]["response"]["incomplete_details"] == {"reason": "content_filter"}


def test_thoughts_a_refusal_and_calls_are_items_and_parts_of_their_own() -> None:
    call = {"id": "c1", "function": {"name": "f", "arguments": '{"a":1}'}}
    events = streamed(
        {"reasoning_content": "hm, "},
        {"reasoning_content": "so"},
        {"thinking_blocks": [THOUGHT]},
        {"content": "well"},
        {"refusal": "no"},
        {"tool_calls": [{"index": 0, **call}]},
    )
    check_story(events)
    response = events[-1]["response"]
    thoughts, message, called = response["output"]
    assert [part["text"] for part in thoughts["content"]] == ["hm, so"]
    assert unseal(thoughts["encrypted_content"]) == [THOUGHT]
    assert [part["type"] for part in message["content"]] == ["output_text", "refusal"]
    assert (called["call_id"], called["arguments"]) == ("c1", '{"a":1}')
    together = {
        "reasoning_content": "hm, so",
        "thinking_blocks": [THOUGHT],
        "content": "well",
        "refusal": "no",
        "tool_calls": [call],
    }
    assert whole(together) == response


def test_thoughts_that_were_not_streamed_come_with_their_signature() -> None:
    hidden = {"type": "redacted_thinking", "data": "d"}
    (item,) = whole({"thinking_blocks": [hidden, THOUGHT]})["output"]
    assert [part["text"] for part in item["content"]] == ["hm, so"]
    assert unseal(item["encrypted_content"]) == [hidden, THOUGHT]


def test_calls_that_come_interleaved_stay_apart_and_those_without_id_get_one() -> None:
    pieces = [(0, '{"a"'), (1, "{"), (0, ":1}"), (1, "}")]
    deltas = [
        {"tool_calls": [{"index": index, "function": {"name": f"f{index}", "arguments": piece}}]}
        for index, piece in pieces
    ]
    events = streamed(*deltas, reason="tool_calls")
    check_story(events)
    first, second = events[-1]["response"]["output"]
    assert [each["arguments"] for each in (first, second)] == ['{"a":1}', "{}"]
    assert [each["name"] for each in (first, second)] == ["f0", "f1"]
    assert first["call_id"] != second["call_id"]


def test_a_text_after_a_call_is_a_message_of_its_own() -> None:
    call = {"index": 0, "id": "c", "function": {"name": "f", "arguments": "{}"}}
    events = streamed({"content": "a"}, {"tool_calls": [call]}, {"content": "b"})
    check_story(events)
    output = events[-1]["response"]["output"]
    assert [item["type"] for item in output] == ["message", "function_call", "message"]


def test_log_probabilities_stand_beside_their_text() -> None:
    said = [{"token": "yes", "logprob": -0.1, "bytes": None, "top_logprobs": []}]
    writer = ResponsesWriter("sim/arm", {})
    chunk = write_chunk(**NAMED, delta={"content": "yes"}, logprobs={"content": said})
    events = read(writer.event(StreamEvent(chunk)) + writer.end())
    assert [event["logprobs"] for event in events if "logprobs" in event] == [said, said]
    assert events[-1]["response"]["output"][0]["content"][0]["logprobs"] == said


def test_an_error_ends_the_stream_as_a_failed_response_with_what_has_come() -> None:
    writer = ResponsesWriter("sim/arm", {})
    frames = writer.event(StreamEvent(write_chunk(**NAMED, delta={"content": "so"})))
    body = write_error("it broke", kind="server_error")
    events = read(frames + writer.error(body, status=502))
    check_story(events)
    response = events[-1]["response"]
    assert kinds(events)[-1] == response["status"] == "failed"
    assert response["error"] == {"code": "server_error", "message": "it broke"}
    assert response["output"][0]["status"] == "incomplete"


def test_an_error_before_anything_came_is_a_stream_that_clients_can_read() -> None:
    frames = ResponsesWriter("auto", {}).error(write_error("slow", kind="x"), status=429)
    events = read(frames)
    assert kinds(events) == ["created", "in_progress", "failed"]
    assert events[-1]["response"]["error"]["code"] == "rate_limit_exceeded"


@given(ODD_ANSWERS)
def test_what_a_careless_host_says_is_passed_on(document: dict[str, Any]) -> None:
    raw = orjson.dumps(document)
    face = ResponsesFace()
    assert orjson.loads(face.write_answer(raw, wire=OPENAI, model="m"))["object"] == "response"
    writer = face.writer("m")
    check_story(read(writer.event(StreamEvent(raw)) + writer.end()))


def test_errors_keep_the_shape_of_openai() -> None:
    body = write_error("no", kind="invalid_request_error")
    assert ResponsesFace().write_error(body, status=400) == body
