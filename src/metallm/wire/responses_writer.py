"""OpenAI's Responses as a stream: typed, numbered events, from an arm of any wire.

Events of an arm of this wire pass, the model's name changed.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import orjson

from metallm.core.wires import RESPONSES
from metallm.wire.openai_errors import read_error
from metallm.wire.openai_usage import read_usage
from metallm.wire.responses_answer import Frame, ending, plain_id, write_usage
from metallm.wire.responses_output import Output
from metallm.wire.sse import write_event
from metallm.wire.words import fields, objects, word

if TYPE_CHECKING:
    from collections.abc import Mapping

    from metallm.core.completion import StreamEvent
    from metallm.core.price import Usage
    from metallm.wire.responses_output import Events

TOO_MANY = 429


class ResponsesWriter:
    """Writes one stream.

    Args:
        model: what to name as the model.
        asked: the request's JSON.
    """

    def __init__(self, model: str, asked: Mapping[str, Any]) -> None:
        self._model = model
        self._native = False
        self._frame = Frame(model, asked)
        self._named: dict[str, Any] = {}
        self._output = Output("")
        self._count = 0
        self._reason = ""
        self._service: object = None
        self._usage: Usage | None = None

    def event(self, event: StreamEvent) -> bytes:
        """The frames for an event of the arm's stream."""
        document = fields(orjson.loads(event.data))
        if event.wire == RESPONSES:
            return self._passed(event.data, document)
        frames = b"" if self._named else self._begin(document)
        self._usage = event.usage or read_usage(document.get("usage")) or self._usage
        self._service = document.get("service_tier") or self._service
        for choice in objects(document.get("choices"))[:1]:
            delta = fields(choice.get("delta"))
            frames += self._written(self._output.add(delta, choice.get("logprobs")))
            self._reason = word(choice.get("finish_reason")) or self._reason
        return frames

    def end(self) -> bytes:
        """The end of the items and of the response."""
        if self._native:
            return b""  # it came with the last event
        frames = b"" if self._named else self._begin({})
        end = ending(self._reason)
        frames += self._written(self._output.close(end["status"]))
        told = {"service_tier": self._service, "usage": write_usage(self._usage)}
        return frames + self._state(end["status"], **end, **told)

    def error(self, body: bytes, *, status: int) -> bytes:
        """What says that the response failed; what has come of it stands in it."""
        frames = b"" if self._named or self._native else self._begin({})
        frames += self._written(self._output.close("incomplete"))
        code = "rate_limit_exceeded" if status == TOO_MANY else "server_error"
        told = {"code": code, "message": read_error(body).message}
        usage = write_usage(self._usage)
        return frames + self._state("failed", status="failed", error=told, usage=usage)

    def _passed(self, data: bytes, document: dict[str, Any]) -> bytes:
        self._native = True
        self._count += 1
        response = document.get("response")
        if not isinstance(response, dict):
            return write_event(data, word(document.get("type")))
        created = response.get("created_at")
        self._named = {"answer_id": word(response.get("id")).removeprefix("resp_")}
        self._named["created"] = int(created) if isinstance(created, int | float) else 0
        response["model"] = self._model
        return write_event(orjson.dumps(document), word(document.get("type")))

    def _begin(self, document: dict[str, Any]) -> bytes:
        self._named = {"answer_id": plain_id(document), "created": document.get("created")}
        self._output = Output(self._named["answer_id"])
        return b"".join(
            self._state(name, status="in_progress") for name in ("created", "in_progress")
        )

    def _state(self, name: str, **told: Any) -> bytes:
        response = self._frame.around(self._output.items, **self._named, **told)
        return self._written([{"type": f"response.{name}", "response": response}])

    def _written(self, events: Events) -> bytes:
        frames = b""
        for event in events:
            numbered = orjson.dumps({**event, "sequence_number": self._count})
            frames += write_event(numbered, event["type"])
            self._count += 1
        return frames
