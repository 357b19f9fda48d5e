"""An answer as each wire tells it, whole or in pieces, and as a fault leaves it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import orjson

from metallm.core.completion import StreamEvent
from metallm.core.wires import OPENAI
from metallm.sandbox.faults import NO_USAGE, USAGE_WITH_CHOICES, shortened, spoiled
from metallm.sandbox.sureness import told_logprobs
from metallm.wire.openai_chat import wants_usage, write_answer
from metallm.wire.openai_stream import write_chunk
from metallm.wire.openai_usage import write_usage

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Iterator

    from metallm.core.completion import ChatRequest
    from metallm.sandbox.answers import RecordedAnswer
    from metallm.wire.base import Face

CREATED = 1_700_000_000
"""POSIX seconds in every answer: the same run gives the same bytes."""

PIECES = 4
"""Chunks that a streamed text is cut into, at most."""


@dataclass(frozen=True, slots=True)
class Found:
    """A request that has an answer.

    Args:
        request: what is asked.
        answer: what was recorded.
        fault: that the request meets; None for none.
    """

    request: ChatRequest
    answer: RecordedAnswer
    fault: str | None

    @property
    def model(self) -> str:
        """The model that is asked."""
        return str(self.request.body.get("model"))


def whole(face: Face, found: Found, *, index: int) -> bytes:
    """The answer in one piece.

    Args:
        face: the wire that is spoken.
        found: the answer.
        index: the request's number.
    """
    usage = None if found.fault == NO_USAGE else found.answer.usage
    told = write_answer(
        **_named(found, index),
        text=found.answer.text,
        usage=usage,
        logprobs=told_logprobs(found.request, found.answer),
    )
    raw = face.write_answer(told, wire=OPENAI, model=found.model)
    return shortened(raw, found.fault)


async def streamed(face: Face, found: Found, *, index: int) -> AsyncIterator[bytes]:
    """The answer's frames; arguments as for `whole`."""
    for frame in spoiled(_frames(face, found, index), found.fault):
        yield frame


def _frames(face: Face, found: Found, index: int) -> Iterator[bytes]:
    writer = face.writer(found.model)
    for event in _events(found, index):
        if frames := writer.event(event):
            yield frames
    if frames := writer.end():
        yield frames


def _events(found: Found, index: int) -> Iterator[StreamEvent]:
    """The answer as events of the canonical wire."""
    named, text, usage = _named(found, index), found.answer.text, found.answer.usage
    first = {"role": "assistant", "content": ""}
    yield StreamEvent(write_chunk(**named, delta=first))
    size = max(1, -(-len(text) // PIECES))
    for start in range(0, len(text), size):
        yield StreamEvent(write_chunk(**named, delta={"content": text[start : start + size]}))
    end = write_chunk(**named, finish_reason="stop")
    if found.fault == USAGE_WITH_CHOICES:  # so do hosts that have no chunk for it alone
        with_usage = {**orjson.loads(end), "usage": write_usage(usage)}
        yield StreamEvent(orjson.dumps(with_usage), "", usage)
        return
    yield StreamEvent(end)
    if found.fault != NO_USAGE:
        only_usage = not wants_usage(found.request)
        yield StreamEvent(write_chunk(**named, usage=usage), "", usage, only_usage=only_usage)


def _named(found: Found, index: int) -> dict[str, Any]:
    return {"answer_id": f"sandbox-{index}", "created": CREATED, "model": found.model}
