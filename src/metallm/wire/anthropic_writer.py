"""Anthropic's Messages as a stream: what a caller is sent, from an arm of any wire."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import orjson

from metallm.core.wires import ANTHROPIC
from metallm.wire.anthropic_answer import UNSIGNED, stop_reason, thoughts_in
from metallm.wire.anthropic_errors import write_error
from metallm.wire.anthropic_usage import write_usage
from metallm.wire.extensions import THINKING
from metallm.wire.openai_chat import content_text
from metallm.wire.openai_usage import read_usage
from metallm.wire.sse import write_event
from metallm.wire.words import fields, kind, objects, word

if TYPE_CHECKING:
    from metallm.core.completion import StreamEvent
    from metallm.core.price import Usage

_STOP = {"type": "message_stop"}
_EMPTY: dict[str, dict[str, Any]] = {
    "text": {"type": "text", "text": ""},
    "thinking": {"type": "thinking", "thinking": "", "signature": UNSIGNED},
}


class MessagesWriter:
    """Writes one stream. Events of this wire pass; canonical chunks become blocks.

    Args:
        model: what to name as the model.
    """

    def __init__(self, model: str) -> None:
        self._model = model
        self._native = False
        self._blocks = _Blocks()
        self._begun = False
        self._reason: str | None = None
        self._refused = False
        self._usage: Usage | None = None

    def event(self, event: StreamEvent) -> bytes:
        """The frames for an event of the arm's stream."""
        document = orjson.loads(event.data)
        if event.wire == ANTHROPIC:
            self._native = True
            return self._passed(event.data, document)
        frames = b"" if self._begun else self._start(document)
        self._usage = event.usage or read_usage(document.get("usage")) or self._usage
        for choice in objects(document.get("choices")):
            delta = fields(choice.get("delta"))
            frames += self._blocks.add(delta)
            self._reason = word(choice.get("finish_reason")) or self._reason
            self._refused = self._refused or bool(word(delta.get("refusal")))
        return frames

    def end(self) -> bytes:
        """The end of the blocks and of the message."""
        if self._native:
            return _frame(_STOP)
        usage = {"output_tokens": 0} if self._usage is None else write_usage(self._usage)
        reason = stop_reason(self._reason, calls=self._blocks.calls, refused=self._refused)
        delta = {"stop_reason": reason, "stop_sequence": None}
        told = {"type": "message_delta", "delta": delta, "usage": usage}
        return self._blocks.close() + _frame(told) + _frame(_STOP)

    def error(self, body: bytes, *, status: int) -> bytes:
        """An error event."""
        return write_event(write_error(body, status=status), "error")

    def _passed(self, data: bytes, document: dict[str, Any]) -> bytes:
        if document.get("type") == "message_start" and isinstance(document.get("message"), dict):
            document["message"]["model"] = self._model
            return _frame(document)
        return write_event(data, str(document.get("type")))

    def _start(self, document: dict[str, Any]) -> bytes:
        self._begun = True
        message: dict[str, Any] = {
            "id": document.get("id"),
            "type": "message",
            "role": "assistant",
            "model": self._model,
            "content": [],
            "stop_reason": None,
            "stop_sequence": None,
            # what was read is known at the end alone, and told there
            "usage": {"input_tokens": 0, "output_tokens": 0},
        }
        return _frame({"type": "message_start", "message": message})


class _Blocks:
    """The content blocks of one stream, in the order in which they begin.

    A text or a thought ends where something else begins. A call ends once its arguments are whole:
    calls may come interleaved, and until then more of them may follow.
    """

    def __init__(self) -> None:
        self._count = 0
        self._kind: str | None = None
        self._calls: dict[int, _Call] = {}

    def add(self, delta: dict[str, Any]) -> bytes:
        """The frames for what a delta adds."""
        frames = b""
        if thought := thoughts_in(delta):
            frames += self._piece("thinking", {"type": "thinking_delta", "thinking": thought})
        for block in objects(delta.get(THINKING)):
            frames += self._signed(block)
        if text := content_text(delta.get("content")) or word(delta.get("refusal")):
            frames += self._piece("text", {"type": "text_delta", "text": text})
        for call in objects(delta.get("tool_calls")):
            frames += self._call(call)
        return frames

    @property
    def calls(self) -> bool:
        """Whether a tool was called."""
        return bool(self._calls)

    def close(self) -> bytes:
        """The end of all that is open."""
        frames = self._leave()
        return frames + b"".join(self._stop(call) for call in self._calls.values() if call.open)

    def _piece(self, kind: str, delta: dict[str, Any]) -> bytes:
        frames = b""
        if self._kind != kind:
            frames = self._leave() + self._start(_EMPTY[kind])
            self._kind = kind
        return frames + _delta(self._count - 1, delta)

    def _signed(self, block: dict[str, Any]) -> bytes:
        """A whole thought with its signature, most of which was streamed before."""
        if kind(block) != "thinking":
            return self._leave() + self._start(block) + self._ended(self._count - 1)
        frames = b""
        if self._kind != "thinking":  # none of it was
            thought = {"type": "thinking_delta", "thinking": block.get("thinking") or ""}
            frames = self._piece("thinking", thought)
        signature = {"type": "signature_delta", "signature": block.get("signature") or UNSIGNED}
        return frames + _delta(self._count - 1, signature) + self._leave()

    def _call(self, piece: dict[str, Any]) -> bytes:
        frames = b""
        given, function = piece.get("index"), fields(piece.get("function"))
        index = given if isinstance(given, int) else 0
        call = self._calls.get(index)
        if call is None:
            frames = self._leave()
            frames += b"".join(self._stop(each) for each in self._calls.values() if each.whole)
            block = {"type": "tool_use", "id": piece.get("id"), "name": function.get("name")}
            call = self._calls[index] = _Call(self._count)
            frames += self._start({**block, "input": {}})
        if arguments := word(function.get("arguments")):
            call.said += arguments
            delta = {"type": "input_json_delta", "partial_json": arguments}
            frames += _delta(call.place, delta)
        return frames

    def _stop(self, call: _Call) -> bytes:
        call.open = False
        return self._ended(call.place)

    def _leave(self) -> bytes:
        """The end of the text or thought that is open, if one is."""
        if self._kind is None:
            return b""
        self._kind = None
        return self._ended(self._count - 1)

    def _start(self, block: dict[str, Any]) -> bytes:
        self._count += 1
        told = {"type": "content_block_start", "index": self._count - 1, "content_block": block}
        return _frame(told)

    def _ended(self, place: int) -> bytes:
        return _frame({"type": "content_block_stop", "index": place})


class _Call:
    """A call of a tool on its way: its block's place, and its arguments so far."""

    def __init__(self, place: int) -> None:
        self.place = place
        self.said = ""
        self.open = True

    @property
    def whole(self) -> bool:
        """Whether it is open and nothing can follow: a JSON object cannot be added to."""
        try:
            return self.open and isinstance(orjson.loads(self.said), dict)
        except orjson.JSONDecodeError:
            return False


def _delta(place: int, delta: dict[str, Any]) -> bytes:
    return _frame({"type": "content_block_delta", "index": place, "delta": delta})


def _frame(document: dict[str, Any]) -> bytes:
    return write_event(orjson.dumps(document), document["type"])
