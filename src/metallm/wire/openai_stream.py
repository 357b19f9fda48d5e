"""OpenAI's chat completions as a stream: events to and from bytes."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import orjson

from metallm.core.completion import StreamEvent
from metallm.errors import StreamCutError
from metallm.wire.documents import event_json, event_object
from metallm.wire.openai_chat import content_text
from metallm.wire.openai_errors import error_in
from metallm.wire.openai_usage import read_usage, write_usage
from metallm.wire.sse import SSEReader, write_event

if TYPE_CHECKING:
    from metallm.core.price import Usage

DONE_DATA = b"[DONE]"
DONE = write_event(DONE_DATA)
"""The last event of every stream."""


class StreamReader:
    """Reads the events of one stream.

    Args:
        arm: the arm's name, for messages.
        usage_asked: whether the caller asked for the extra event with usage; where not, that
            event is marked `only_usage`.

    Attributes:
        done: the stream said that it is over; nothing more is read.
    """

    def __init__(self, arm: str, *, usage_asked: bool) -> None:
        self.done = False
        self._arm = arm
        self._usage_asked = usage_asked
        self._sse = SSEReader()
        self._open: set[int] = set()
        self._finished: set[int] = set()

    @property
    def whole(self) -> bool:
        """Whether the answer is complete: it was said to be over, or every choice has ended."""
        return self.done or (bool(self._finished) and self._open <= self._finished)

    def feed(self, chunk: bytes) -> list[StreamEvent]:
        """The events that are complete with these bytes.

        Where an event carries usage more than once in a stream, the last one counts.

        Raises:
            StreamCutError: an error event, or one that cannot be read.
        """
        return self._events(self._sse.feed(chunk))

    def finish(self) -> list[StreamEvent]:
        """The events that the end of the bytes completes.

        Raises:
            StreamCutError: as for `feed`, or the answer is not complete.
        """
        events = self._events(self._sse.finish())
        if not self.whole:
            raise StreamCutError(self._arm, "the stream ended before the answer did")
        return events

    def _events(self, payloads: list[bytes]) -> list[StreamEvent]:
        events = []
        for data in payloads:
            if self.done:
                break
            if data.strip() == DONE_DATA:
                self.done = True
            else:
                events.append(self._event(data))
        return events

    def _event(self, data: bytes) -> StreamEvent:
        document = event_object(self._arm, event_json(self._arm, data))
        if (problem := error_in(document)) is not None:
            told = problem.kind or "no kind given"
            raise StreamCutError(
                self._arm, f"the stream broke off with an error ({told})", status=problem.status
            )
        choices = document.get("choices")
        text = self._read_choices(choices) if isinstance(choices, list) else ""
        usage = read_usage(document.get("usage"), document.get("service_tier"))
        usage = usage or _groq_usage(document)
        only_usage = usage is not None and not choices and not self._usage_asked
        return StreamEvent(data, text, usage, only_usage)

    def _read_choices(self, choices: list[Any]) -> str:
        """Note which choices have ended; give the text that the first one adds."""
        text = ""
        for choice in choices:
            if not isinstance(choice, dict):
                continue
            given = choice.get("index")
            index = given if isinstance(given, int) else 0
            self._open.add(index)
            if choice.get("finish_reason") is not None:
                self._finished.add(index)
            delta = choice.get("delta")
            if index == 0 and isinstance(delta, dict):
                text += content_text(delta.get("content"))
        return text


def write_chunk(
    *,
    answer_id: str,
    created: int,
    model: str,
    delta: dict[str, Any] | None = None,
    finish_reason: str | None = None,
    usage: Usage | None = None,
    index: int = 0,
    logprobs: dict[str, Any] | None = None,
) -> bytes:
    """One chunk's JSON; with usage it is the extra one, without choices.

    Args:
        answer_id: what goes under "id", the same in all its chunks.
        created: POSIX seconds, the same in all its chunks.
        model: the model that answers.
        delta: what the chunk adds, such as {"content": "..."}.
        finish_reason: why the answer ended, on its last chunk.
        usage: billed tokens.
        index: of the choice, where there are several.
        logprobs: of the tokens that the chunk adds; left out where None.
    """
    document: dict[str, Any] = {
        "id": answer_id,
        "object": "chat.completion.chunk",
        "created": created,
        "model": model,
        "choices": [],
    }
    if usage is not None:
        document["usage"] = write_usage(usage)
    else:
        choice: dict[str, Any] = {
            "index": index,
            "delta": delta or {},
            "finish_reason": finish_reason,
        }
        document["choices"] = [choice if logprobs is None else {**choice, "logprobs": logprobs}]
    return orjson.dumps(document)


def _groq_usage(document: dict[str, Any]) -> Usage | None:
    """Usage where Groq put it before it followed the common way."""
    extension = document.get("x_groq")
    return read_usage(extension.get("usage")) if isinstance(extension, dict) else None
