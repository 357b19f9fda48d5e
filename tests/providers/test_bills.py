from __future__ import annotations

from collections.abc import Callable
from typing import Any

import orjson
import pytest

from metallm.core.arm import Arm
from metallm.core.completion import ChatRequest
from metallm.core.price import Usage
from metallm.core.wires import ANTHROPIC, BEDROCK, GEMINI, NAMES, OPENAI, RESPONSES
from metallm.wire.bedrock_frames import write_frame
from metallm.wire.sse import write_event
from metallm.wire.wires import WIRES
from providers.bills import BILLS, Bill

REQUEST = ChatRequest({"messages": [{"role": "user", "content": "hello"}]})
bills = pytest.mark.parametrize("bill", BILLS, ids=lambda bill: f"{bill.wire}: {bill.told}")


def _events(*documents: dict[str, Any]) -> bytes:
    return b"".join(
        write_event(orjson.dumps(document), str(document.get("type", ""))) for document in documents
    )


def _openai_answer(usage: dict[str, Any]) -> dict[str, Any]:
    message = {"role": "assistant", "content": "hi"}
    return {"choices": [{"message": message, "finish_reason": "stop"}], "usage": usage}


def _openai_stream(usage: dict[str, Any]) -> bytes:
    choice = {"index": 0, "delta": {"content": "hi"}, "finish_reason": "stop"}
    return _events({"choices": [choice]}, {"choices": [], "usage": usage}) + b"data: [DONE]\n\n"


def _anthropic_answer(usage: dict[str, Any]) -> dict[str, Any]:
    content = [{"type": "text", "text": "hi"}]
    return {"type": "message", "content": content, "stop_reason": "end_turn", "usage": usage}


def _anthropic_stream(usage: dict[str, Any]) -> bytes:
    """The start tells the input, and a first count of the output; the end tells the output."""
    begun = {**usage, "output_tokens": 1}
    ended = {name: told for name, told in usage.items() if name.startswith("output")}
    return _events(
        {"type": "message_start", "message": {"content": [], "usage": begun}},
        {"type": "message_delta", "delta": {"stop_reason": "end_turn"}, "usage": ended},
        {"type": "message_stop"},
    )


def _gemini_answer(usage: dict[str, Any]) -> dict[str, Any]:
    content = {"role": "model", "parts": [{"text": "hi"}]}
    return {"candidates": [{"content": content, "finishReason": "STOP"}], "usageMetadata": usage}


def _gemini_stream(usage: dict[str, Any]) -> bytes:
    """Each event tells what there is so far."""
    begun = {**usage, "candidatesTokenCount": 1, "totalTokenCount": 1}
    first = {"candidates": [{"content": {"parts": [{"text": "h"}]}}], "usageMetadata": begun}
    return _events(first, _gemini_answer(usage))


def _bedrock_answer(usage: dict[str, Any]) -> dict[str, Any]:
    message = {"role": "assistant", "content": [{"text": "hi"}]}
    return {"output": {"message": message}, "stopReason": "end_turn", "usage": usage}


def _bedrock_stream(usage: dict[str, Any]) -> bytes:
    events: list[tuple[str, dict[str, Any]]] = [
        ("messageStart", {"role": "assistant"}),
        ("contentBlockDelta", {"contentBlockIndex": 0, "delta": {"text": "hi"}}),
        ("contentBlockStop", {"contentBlockIndex": 0}),
        ("messageStop", {"stopReason": "end_turn"}),
        ("metadata", {"usage": usage, "metrics": {"latencyMs": 1}}),
    ]
    return b"".join(write_frame(kind, orjson.dumps(told)) for kind, told in events)


def _responses_answer(usage: dict[str, Any]) -> dict[str, Any]:
    content = [{"type": "output_text", "text": "hi"}]
    item = {"type": "message", "role": "assistant", "content": content}
    return {"status": "completed", "output": [item], "usage": usage}


def _responses_stream(usage: dict[str, Any]) -> bytes:
    return _events(
        {"type": "response.created", "response": {"status": "in_progress", "usage": None}},
        {"type": "response.output_text.delta", "output_index": 0, "delta": "hi"},
        {"type": "response.completed", "response": _responses_answer(usage)},
    )


ANSWERS: dict[str, Callable[[dict[str, Any]], dict[str, Any]]] = {
    OPENAI: _openai_answer,
    ANTHROPIC: _anthropic_answer,
    GEMINI: _gemini_answer,
    BEDROCK: _bedrock_answer,
    RESPONSES: _responses_answer,
}
STREAMS: dict[str, Callable[[dict[str, Any]], bytes]] = {
    OPENAI: _openai_stream,
    ANTHROPIC: _anthropic_stream,
    GEMINI: _gemini_stream,
    BEDROCK: _bedrock_stream,
    RESPONSES: _responses_stream,
}


def arm_of(bill: Bill) -> Arm:
    price = bill.price
    return Arm(
        "up/arm",
        price.input,
        price.output,
        price.cache_read,
        price.cache_write,
        cache_write_1h_price=price.cache_write_1h,
        price_tiers=price.tiers,
        model=bill.model,
        wire=bill.wire,
    )


def charged(arm: Arm, usage: Usage | None) -> float:
    assert arm.list_price is not None
    assert usage is not None
    assert not usage.estimated
    return arm.list_price.cost_usd(usage)


def test_there_are_bills_of_every_wire() -> None:
    assert {bill.wire for bill in BILLS} == set(ANSWERS) == set(STREAMS) == set(NAMES)
    assert len(BILLS) == len({(bill.wire, bill.told) for bill in BILLS}) >= 40


@bills
def test_a_whole_answer_is_billed_as_by_hand(bill: Bill) -> None:
    arm, raw = arm_of(bill), orjson.dumps(ANSWERS[bill.wire](bill.usage))
    answer, _ = WIRES[bill.wire].read_answer(arm, raw, REQUEST, now=7.0)
    assert charged(arm, answer.usage) == pytest.approx(bill.usd, rel=1e-12, abs=1e-15)


@bills
def test_a_stream_is_billed_as_by_hand(bill: Bill) -> None:
    arm = arm_of(bill)
    reader = WIRES[bill.wire].reader(arm, REQUEST, now=7.0)
    events = reader.feed(STREAMS[bill.wire](bill.usage)) + reader.finish()
    told = [event.usage for event in events if event.usage is not None]
    assert charged(arm, told[-1]) == pytest.approx(bill.usd, rel=1e-12, abs=1e-15)


@bills
def test_what_callers_are_told_comes_to_the_same_bill(bill: Bill) -> None:
    arm, raw = arm_of(bill), orjson.dumps(ANSWERS[bill.wire](bill.usage))
    _, told = WIRES[bill.wire].read_answer(arm, raw, REQUEST, now=7.0)
    again, _ = WIRES[OPENAI].read_answer(arm, told, REQUEST, now=7.0)
    assert charged(arm, again.usage) == pytest.approx(bill.usd, rel=1e-12, abs=1e-15)
