"""POST /v1/messages beyond what the official client shows: bytes, headers, refusals, cuts."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator
from typing import Any

import orjson
import pytest

from gateway.gates import Reply, gate
from metallm.core.arm import Arm
from metallm.core.completion import ChatRequest, Completion, StreamEvent
from metallm.core.price import Usage
from metallm.core.wires import ANTHROPIC
from metallm.errors import ProviderRateLimitError, ProviderUnavailableError, StreamCutError
from metallm.providers.http import HttpProvider
from metallm.providers.scripted import Cut, ScriptedProvider
from metallm.wire.openai_stream import write_chunk
from metallm.wire.sse import SSEReader
from servers import RawUpstream, answered, raw_upstream, streamed

MESSAGES = "/v1/messages"
HELLO: list[Any] = [{"role": "user", "content": "hello there"}]
MARKED: list[Any] = [
    {
        "role": "user",
        "content": [
            {"type": "text", "text": "hello there", "cache_control": {"type": "ephemeral"}},
        ],
    }
]
ANSWER = {
    "id": "msg_1",
    "type": "message",
    "role": "assistant",
    "model": "m-2026",
    "content": [
        {"type": "thinking", "thinking": "hm", "signature": "s"},
        {"type": "text", "text": "hi", "citations": [{"type": "brand_new"}]},
    ],
    "stop_reason": "end_turn",
    "stop_sequence": None,
    "usage": {
        "input_tokens": 4,
        "cache_read_input_tokens": 90,
        "cache_creation_input_tokens": 6,
        "output_tokens": 2,
    },
}


def with_an_arm_of_the_wire(talks: list[bytes], ask: Any) -> tuple[Any, RawUpstream]:
    """What `ask` makes of a gateway whose arm is an upstream of raw bytes, and the upstream."""

    async def main() -> tuple[Any, RawUpstream]:
        async with raw_upstream(talks) as upstream:
            arm = Arm(
                "up/m",
                2.0,
                4.0,
                cache_read_price=0.2,
                cache_write_price=2.5,
                base_url=upstream.base_url,
                api_key_env="UP_KEY",
                wire=ANTHROPIC,
            )
            provider = HttpProvider(environ={"UP_KEY": "our-key"}, max_retries=0)
            other = Arm("other/m", 1.0, 1.0, base_url="http://127.0.0.1:9/v1")
            with gate(provider=provider, arms=[arm, other]) as made:
                return await asyncio.to_thread(ask, made), upstream

    return asyncio.run(asyncio.wait_for(main(), 30))


def test_between_callers_and_arms_of_this_wire_nothing_is_lost_and_no_key_is_passed_on() -> None:
    body = {
        "model": "up/m",
        "max_tokens": 9,
        "messages": MARKED,
        "context_management": {"edits": []},
        "metallm": {"task": "greeting"},
    }
    headers = {
        "x-api-key": "callers-key",
        "authorization": "Bearer callers-token",
        "anthropic-version": "2023-06-01",
        "anthropic-beta": "context-management-2025-06-27",
    }

    def ask(made: Any) -> Reply:
        reply: Reply = made.send("POST", MESSAGES, body, headers=headers)
        assert made.router.decision("dec_0").task == "greeting"
        return reply

    reply, upstream = with_an_arm_of_the_wire([answered(200, orjson.dumps(ANSWER))], ask)
    assert reply.json == {**ANSWER, "model": "up/m"}
    price = (4 * 2.0 + 90 * 0.2 + 6 * 2.5 + 2 * 4.0) / 1e6
    assert float(reply.headers["x-metallm-cost-usd"]) == pytest.approx(price)
    ((head, sent),) = upstream.requests
    del body["metallm"]
    assert orjson.loads(sent) == {**body, "model": "m"}
    assert b"x-api-key: our-key" in head
    assert b"anthropic-beta: context-management-2025-06-27" in head
    assert b"callers" not in head


def test_a_stream_of_this_wire_passes_event_by_event_and_ends_once() -> None:
    events: list[dict[str, Any]] = [
        {"type": "message_start", "message": {**ANSWER, "content": []}},
        {"type": "ping"},
        {"type": "content_block_start", "index": 0, "content_block": {"type": "text", "text": ""}},
        {"type": "content_block_delta", "index": 0, "delta": {"type": "brand_new", "x": [1.5]}},
        {"type": "content_block_stop", "index": 0},
        {
            "type": "message_delta",
            "delta": {"stop_reason": "end_turn", "stop_sequence": None},
            "usage": {"output_tokens": 7},
        },
        {"type": "message_stop"},
    ]
    frames = b"".join(
        b"event: " + each["type"].encode() + b"\ndata: " + orjson.dumps(each) + b"\n\n"
        for each in events
    )

    def ask(made: Any) -> Reply:
        body = {"model": "up/m", "max_tokens": 9, "messages": HELLO, "stream": True}
        reply: Reply = made.send("POST", MESSAGES, body)
        (outcome,) = made.router.outcomes("dec_0")
        assert (outcome.input_tokens, outcome.output_tokens) == (100, 7)
        return reply

    reply, _ = with_an_arm_of_the_wire([streamed(frames)], ask)
    events[0]["message"]["model"] = "up/m"
    assert [orjson.loads(data) for data in SSEReader().feed(reply.body)] == events
    assert b": metallm cost_usd=" in reply.body
    assert reply.body.endswith(b'event: message_stop\ndata: {"type":"message_stop"}\n\n')


def test_a_refusal_of_an_arm_of_this_wire_comes_back_as_it_was() -> None:
    error = {"type": "invalid_request_error", "message": "too long", "details": {"x": 1}}
    body = {"type": "error", "error": error, "request_id": "req_up"}

    def ask(made: Any) -> Reply:
        reply: Reply = made.send(
            "POST", MESSAGES, {"model": "up/m", "max_tokens": 9, "messages": HELLO}
        )
        return reply

    reply, _ = with_an_arm_of_the_wire([answered(400, orjson.dumps(body))], ask)
    assert (reply.status, reply.json) == (400, body)
    assert reply.headers["x-should-retry"] == "false"


def test_what_no_other_wire_carries_goes_to_arms_of_this_one_alone() -> None:
    tools = [{"type": "web_search_20250305", "name": "web_search"}]
    asked = {"model": "auto", "max_tokens": 9, "messages": HELLO, "tools": tools}

    def ask(made: Any) -> list[Reply]:
        chosen = [made.send("POST", MESSAGES, asked) for _ in range(4)]
        return [*chosen, made.send("POST", MESSAGES, {**asked, "model": "other/m"})]

    talks = [answered(200, orjson.dumps(ANSWER))] * 4
    replies, _ = with_an_arm_of_the_wire(talks, ask)
    assert [reply.headers["x-metallm-arm"] for reply in replies[:4]] == ["up/m"] * 4
    told = replies[4].json["error"]
    assert replies[4].status == 400
    assert told["type"] == "invalid_request_error"
    assert told["details"]["error_code"] == "arm_cannot_take_query"
    assert "tools[0] of type 'web_search_20250305'" in told["message"]


def test_a_callers_request_that_an_arm_cannot_take_is_told_in_openais_shape_on_its_face() -> None:
    arms = [Arm("anthropic/claude-sonnet-4-5", 3.0, 15.0), Arm("sim/dear", 5.0, 5.0)]
    script = {"sim/dear": "hi", "anthropic/claude-sonnet-4-5": "hi"}
    with gate(script, arms=arms) as made:
        refused = made.chat(model="anthropic/claude-sonnet-4-5", logprobs=True)
        assert (refused.status, refused.error["code"]) == (400, "arm_cannot_take_query")
        assert "cannot carry logprobs" in refused.error["message"]
        for _ in range(5):
            assert made.chat(logprobs=True).headers["x-metallm-arm"] == "sim/dear"


def test_errors_of_the_gateway_itself_come_in_this_wires_shape() -> None:
    script: Any = {
        "sim/cheap": ProviderRateLimitError("sim/cheap", "slow down", retry_after_s=3.0),
        "sim/dear": ProviderUnavailableError("sim/dear", "down"),
    }
    with gate(script, max_body_bytes=1000) as made:
        bodies: list[tuple[int, str, Any]] = [
            (429, "rate_limit_error", {"model": "sim/cheap"}),
            (502, "api_error", {"model": "sim/dear"}),
            (404, "not_found_error", {"model": "gpt-9"}),
            (400, "invalid_request_error", {"messages": 7}),
            (413, "request_too_large", {"padding": "x" * 2000}),
        ]
        for status, kind, change in bodies:
            body = {"model": "auto", "max_tokens": 9, "messages": HELLO, **change}
            reply = made.send("POST", MESSAGES, body)
            assert (reply.status, reply.json["type"]) == (status, "error")
            assert reply.json["error"]["type"] == kind
            assert reply.headers["request-id"] == reply.headers["x-request-id"]
            assert int(reply.headers["content-length"]) == len(reply.body)
        limited = made.send(
            "POST", MESSAGES, {"model": "sim/cheap", "max_tokens": 9, "messages": HELLO}
        )
        assert limited.headers["retry-after"] == "3"
        wrong = made.send("GET", MESSAGES)
        assert (wrong.status, wrong.json["error"]["type"]) == (405, "invalid_request_error")
        elsewhere = made.send("GET", "/v1/decisions/none")
        assert elsewhere.error["code"] == "decision_not_found"
        assert "request-id" not in elsewhere.headers


def test_an_unforeseen_error_is_told_in_this_wires_shape_too() -> None:
    def broken(arm: Arm, request: Any) -> Completion:
        raise KeyError(arm.name, request)

    with gate(broken) as made:
        reply = made.send("POST", MESSAGES, {"model": "auto", "max_tokens": 9, "messages": HELLO})
        assert (reply.status, reply.json["error"]["type"]) == (500, "api_error")
        assert reply.headers["x-request-id"] in reply.json["error"]["message"]


def test_a_stream_that_breaks_off_ends_with_an_error_event_and_no_stop() -> None:
    with gate({"sim/dear": Cut("half an answer")}) as made:
        body = {"model": "sim/dear", "max_tokens": 9, "messages": HELLO, "stream": True}
        reply = made.send("POST", MESSAGES, body)
        events = [orjson.loads(data) for data in SSEReader().feed(reply.body)]
        assert events[-1]["type"] == "error"
        assert events[-1]["error"]["type"] == "api_error"
        assert not any(each["type"] == "message_stop" for each in events)


class Overloaded(ScriptedProvider):
    """Begins an answer, and is overloaded then."""

    async def stream(self, arm: Arm, request: ChatRequest) -> AsyncGenerator[StreamEvent, None]:
        chunk = write_chunk(answer_id="x", created=1, model="m", delta={"content": "half"})
        yield StreamEvent(chunk, "half")
        raise StreamCutError(arm.name, "the stream broke off (overloaded_error)", status=529)


def test_an_error_that_an_arm_tells_within_its_stream_keeps_its_type() -> None:
    with gate(provider=Overloaded({})) as made:
        body = {"model": "auto", "max_tokens": 9, "messages": HELLO, "stream": True}
        reply = made.send("POST", MESSAGES, body)
        last = orjson.loads(SSEReader().feed(reply.body)[-1])
        assert (last["type"], last["error"]["type"]) == ("error", "overloaded_error")


def test_a_picture_that_a_tool_showed_is_routed_by_what_was_asked_before() -> None:
    source = {"type": "base64", "media_type": "image/png", "data": "YQ=="}
    shown = {
        "type": "tool_result",
        "tool_use_id": "t",
        "content": [{"type": "image", "source": source}],
    }
    use = {"type": "tool_use", "id": "t", "name": "look", "input": {}}
    turns = [
        *HELLO,
        {"role": "assistant", "content": [use]},
        {"role": "user", "content": [shown]},
    ]
    with gate(log_prompts=True) as made:
        body = {"model": "auto", "max_tokens": 9, "messages": turns}
        assert made.send("POST", MESSAGES, body).status == 200
        assert made.router.decision("dec_0").text == "hello there"


def test_a_stream_that_was_left_is_billed_for_what_the_start_told_and_what_was_said() -> None:
    start = {"type": "message_start", "message": {**ANSWER, "content": []}}
    said = {
        "type": "content_block_delta",
        "index": 0,
        "delta": {"type": "text_delta", "text": "x" * 400},
    }
    frames = b"".join(b"data: " + orjson.dumps(each) + b"\n\n" for each in (start, said))

    def ask(made: Any) -> Any:
        body = {"model": "up/m", "max_tokens": 9, "messages": HELLO, "stream": True}
        made.send("POST", MESSAGES, body)
        return made.router.outcomes("dec_0")

    (outcome,), _ = with_an_arm_of_the_wire([streamed(frames, end=True)], ask)
    assert outcome.kind == "failure"
    assert (outcome.input_tokens, outcome.output_tokens) == (100, 100)
    assert outcome.cost_estimated


def count(made: Any, **body: Any) -> Reply:
    reply: Reply = made.send(
        "POST", f"{MESSAGES}/count_tokens", {"model": "auto", "messages": HELLO, **body}
    )
    return reply


def test_tokens_are_counted_by_an_arm_that_counts() -> None:
    def ask(made: Any) -> list[Reply]:
        return [count(made, model="up/m", system="be kind", metallm={}), count(made, model="up/m")]

    counted = answered(200, b'{"input_tokens": 17}')
    (exact, guessed), upstream = with_an_arm_of_the_wire([counted, answered(500, b"")], ask)
    assert (exact.status, exact.json) == (200, {"input_tokens": 17})
    assert "x-metallm-tokens-estimated" not in exact.headers
    head, sent = upstream.requests[0]
    assert head.startswith(b"POST /v1/messages/count_tokens HTTP/1.1")
    assert orjson.loads(sent) == {"model": "m", "messages": HELLO, "system": "be kind"}
    assert (guessed.status, guessed.headers["x-metallm-tokens-estimated"]) == (200, "true")


def test_tokens_are_guessed_for_any_other() -> None:
    with gate(provider=ScriptedProvider({}, usage=Usage(1, 1))) as made:
        reply = count(made)
        assert reply.headers["x-metallm-tokens-estimated"] == "true"
        assert 1 <= reply.json["input_tokens"] <= 10
        tool = {"name": "f", "description": "d" * 400, "input_schema": {"type": "object"}}
        use = {"type": "tool_use", "id": "t", "name": "f", "input": {"a": "b" * 400}}
        longer = count(made, tools=[tool], messages=[{"role": "assistant", "content": [use]}])
        assert longer.json["input_tokens"] > 200
        assert count(made, model="gpt-9").status == 404
        assert count(made, model=None).json["error"]["type"] == "invalid_request_error"
        assert made.router.knowledge.decisions == 0
