"""Gemini's streamGenerateContent: what an arm sends, read and translated where it must be."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

from metallm.core.completion import StreamEvent
from metallm.core.wires import GEMINI
from metallm.errors import StreamCutError
from metallm.wire.documents import event_json, event_object
from metallm.wire.gemini_candidate import candidates_of, canonical_reason, failed, said
from metallm.wire.gemini_errors import error_of, told_kind
from metallm.wire.gemini_usage import read_usage
from metallm.wire.openai_stream import write_chunk
from metallm.wire.sse import SSEReader
from metallm.wire.words import word

if TYPE_CHECKING:
    from metallm.core.price import Usage
    from metallm.wire.gemini_candidate import Said


class ContentReader:
    """Reads the events of one stream, each of them an answer that goes on where the last ended.

    The wire has no last event: an answer is whole once each candidate has said why it ended, and
    the bytes end then.

    Args:
        arm: the arm's name, for messages.
        native: whether events are handed on as they came.
        created: POSIX seconds.
        model: the arm's, until the stream names its own.
        usage_asked: whether the caller asked for the extra chunk with usage.

    Attributes:
        done: never: the bytes end with the answer.
    """

    def __init__(
        self, arm: str, *, native: bool, created: int, model: str, usage_asked: bool
    ) -> None:
        self.done = False
        self._arm = arm
        self._native = native
        self._named: dict[str, Any] = {"answer_id": "", "created": created, "model": model}
        self._usage_asked = usage_asked
        self._sse = SSEReader()
        self._calls: dict[int, int] = {}
        self._finished: set[int] = set()
        self._answered = False
        self._usage: Usage | None = None
        self._billed = False

    @property
    def whole(self) -> bool:
        """Whether the answer is complete: every candidate has ended."""
        return bool(self._finished) and self._calls.keys() <= self._finished

    def feed(self, chunk: bytes) -> list[StreamEvent]:
        """The events that are complete with these bytes.

        Raises:
            StreamCutError: an error event, or one that cannot be read.
        """
        return [event for data in self._sse.feed(chunk) for event in self._events(data)]

    def finish(self) -> list[StreamEvent]:
        """The events that the end of the bytes completes.

        Raises:
            StreamCutError: as for `feed`, or the answer is not complete.
        """
        events = [event for data in self._sse.finish() for event in self._events(data)]
        if not self.whole:
            raise StreamCutError(self._arm, "the stream ended before the answer did")
        return events

    def _events(self, data: bytes) -> list[StreamEvent]:
        document = self._document(data)
        candidates = candidates_of(document)
        if candidates and not self._answered and (reason := failed(candidates)) is not None:
            raise StreamCutError(self._arm, f"the model failed within its answer ({reason})")
        self._usage = read_usage(document.get("usageMetadata")) or self._usage
        if not self._calls:
            self._named["answer_id"] = word(document.get("responseId"))
            self._named["model"] = word(document.get("modelVersion")) or self._named["model"]
        events = [event for each in candidates for event in self._piece(each)]
        if self._native:
            text = "".join(event.text for event in events)
            return [StreamEvent(data, text, self._told_usage(), wire=GEMINI)]
        return self._with_usage(events) + self._bill()

    def _document(self, data: bytes) -> dict[str, Any]:
        document = event_json(self._arm, data)
        if (told := error_of(document)) is not None:
            kind, status = told_kind(told)
            raise StreamCutError(
                self._arm, f"the stream broke off with an error ({kind})", status=status
            )
        return event_object(self._arm, document)

    def _piece(self, candidate: dict[str, Any]) -> list[StreamEvent]:
        """The chunks for what a candidate adds."""
        given = candidate.get("index")
        index = given if isinstance(given, int) else 0
        begun = self._calls.get(index)
        answer_id = self._named["answer_id"] or str(self._named["created"])
        told = said(candidate, answer_id, begun or 0)
        self._calls[index] = (begun or 0) + len(told.calls)
        self._answered = self._answered or bool(told.text or told.calls)
        delta = _delta(told, begun)
        chunks = []
        if delta or told.logprobs:
            chunks.append(
                StreamEvent(
                    write_chunk(**self._named, delta=delta, index=index, logprobs=told.logprobs),
                    told.text if index == 0 else "",
                )
            )
        reason = canonical_reason(candidate, calls=self._calls[index] > 0)
        if reason is not None:
            self._finished.add(index)
            chunks.append(
                StreamEvent(write_chunk(**self._named, finish_reason=reason, index=index))
            )
        return chunks

    def _told_usage(self) -> Usage | None:
        """Usage so far; until the answer is whole, who has to bill a cut stream guesses on."""
        usage = self._usage
        return usage if usage is None or self.whole else replace(usage, estimated=True)

    def _with_usage(self, events: list[StreamEvent]) -> list[StreamEvent]:
        usage = self._told_usage()
        if usage is None or not events or self._billed or self.whole:
            return events
        return [*events[:-1], replace(events[-1], usage=usage)]

    def _bill(self) -> list[StreamEvent]:
        """The extra chunk with usage, once, as soon as the answer is whole and it is known."""
        if self._billed or self._usage is None or not self.whole:
            return []
        self._billed = True
        chunk = write_chunk(**self._named, usage=self._usage)
        return [StreamEvent(chunk, "", self._usage, only_usage=not self._usage_asked)]


def _delta(told: Said, begun: int | None) -> dict[str, Any]:
    """What a piece adds to its choice.

    Args:
        told: what the piece holds.
        begun: calls in the pieces before; None where this is the first.
    """
    delta: dict[str, Any] = {} if begun is not None else {"role": "assistant", "content": ""}
    if told.thoughts:
        delta["reasoning_content"] = told.thoughts
    if told.text:
        delta["content"] = told.text
    if told.refusal is not None:
        delta["refusal"] = told.refusal
    if told.calls:
        first = begun or 0
        delta["tool_calls"] = [{"index": first + n, **call} for n, call in enumerate(told.calls)]
    return delta
