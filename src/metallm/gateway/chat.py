"""POST /v1/chat/completions, and whatever else asks for one answer in another wire."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING

from starlette.responses import Response

from metallm.core.wires import OPENAI
from metallm.errors import ProviderError
from metallm.gateway.access import key_of
from metallm.gateway.asking import read_asked
from metallm.gateway.errors import JSON
from metallm.gateway.headers import cost_headers, decision_headers, overhead_s
from metallm.gateway.late import Late
from metallm.gateway.note import note_of
from metallm.gateway.presence import EventStream, begin_while_present, while_present
from metallm.gateway.reading import read_body
from metallm.gateway.relay import Relay
from metallm.wire.base import AnsweringFace
from metallm.wire.faces import FACES

if TYPE_CHECKING:
    from starlette.requests import Request
    from starlette.types import Receive

    from metallm.core.completion import ChatRequest
    from metallm.gateway.asking import Asked
    from metallm.gateway.desk import Desk, Visit
    from metallm.gateway.logs import Log
    from metallm.gateway.metrics import Metrics
    from metallm.gateway.naming import Names
    from metallm.gateway.note import Note
    from metallm.router.streamed import Streamed
    from metallm.wire.base import Face


class Chat:
    """Completions, routed or by an arm's name, whole or streamed.

    Args:
        desk: admits requests.
        names: finds what is meant by a model.
        metrics: counts.
        log: is told of errors that nobody foresaw.
        max_body_bytes: of a request.
        wire: what is spoken here.
        kind: the endpoint in one word, for log and counts.
        heartbeat_s: seconds between signs of life while a stream has not begun; 0 for none.
    """

    def __init__(
        self,
        desk: Desk,
        names: Names,
        metrics: Metrics,
        log: Log,
        max_body_bytes: int,
        *,
        wire: str = OPENAI,
        kind: str = "chat",
        heartbeat_s: float = 0.0,
    ) -> None:
        self._face = face = FACES[wire]
        # asked once, for what a protocol has at run time is slow to find out
        self._answering = face.answering if isinstance(face, AnsweringFace) else None
        self._names = names
        self._kind = kind
        self._desk = desk
        self._metrics = metrics
        self._log = log
        self._max_body_bytes = max_body_bytes
        self._heartbeat_s = heartbeat_s or None

    async def complete(self, request: Request) -> Response:
        """One completion."""
        note = note_of(request, self._kind)
        body = await read_body(request, self._max_body_bytes)
        asked = read_asked(body, request.headers, self._face, self._names)
        visit = self._admitted(request, asked)
        try:
            if asked.stream:
                note.kind = f"{self._kind}_stream"
                return await self._stream(request.receive, asked, visit, note)
            return await self._whole(request.receive, asked, visit, note)
        except ProviderError as error:
            self._metrics.failed(error)
            raise

    def _admitted(self, request: Request, asked: Asked) -> Visit:
        self._desk.permits.check(key_of(request), asked.model, asked.meant)
        return self._desk.admit(
            request,
            asked.query,
            asked.request,
            alias=asked.meant.alias,
            arms=asked.hints.arms,
            named=asked.named,
            hints=asked.hints,
        )

    async def _whole(self, receive: Receive, asked: Asked, visit: Visit, note: Note) -> Response:
        with visit:
            work = visit.caller.answer(
                visit.query,
                asked.request,
                arms=visit.arms,
                cost_weight=asked.cost_weight,
                min_quality=asked.min_quality,
                named=asked.named,
                session=visit.session(asked.hints.session),
            )
            answer = await while_present(receive, work)
        note.decision_id, note.arm = answer.decision_id, answer.arm
        beside = answer.overtaken
        self._metrics.answered(answer.decision, answer.arm, answer.usage, answer.cost_usd, beside)
        self._metrics.waited(answer.arm, answer.latency_s)
        face = self._answered_by(asked.request)
        raw = face.write_answer(answer.raw, wire=answer.wire, model=answer.arm)
        own_s = overhead_s(note.elapsed_s(), answer.latency_s, answer.decision, answer.arm, beside)
        self._metrics.overhead(note, own_s)
        headers = {
            **decision_headers(answer.decision, answer.arm, own_s, beside),
            **cost_headers(answer.cost_usd, estimated=answer.cost_estimated),
        }
        return Response(raw, 200, headers, JSON)

    async def _stream(self, receive: Receive, asked: Asked, visit: Visit, note: Note) -> Response:
        work = visit.caller.stream(
            visit.query,
            asked.request,
            arms=visit.arms,
            cost_weight=asked.cost_weight,
            min_quality=asked.min_quality,
            named=asked.named,
            session=visit.session(asked.hints.session),
        )
        face = self._answered_by(asked.request)
        relay = partial(self._relay, face=face, note=note)
        try:
            opening = await begin_while_present(receive, work, self._heartbeat_s)
            streamed = opening.result() if opening.done() else None
        except BaseException:
            visit.close(answered=False)
            raise
        if streamed is None and self._heartbeat_s is not None:
            writer = face.writer(asked.model)
            told = (self._metrics, self._log, note)
            late = Late(opening, relay, writer, self._heartbeat_s, *told)
            return EventStream(visit.through(late.events()), {})
        streamed = opening.result()
        chosen, beside = (streamed.decision, streamed.arm), streamed.overtaken
        own_s = overhead_s(note.elapsed_s(), streamed.waited_s, *chosen, beside)
        self._metrics.overhead(note, own_s)
        headers = decision_headers(*chosen, own_s, beside)
        return EventStream(visit.through(relay(streamed).events()), headers)

    def _relay(self, streamed: Streamed, face: Face, note: Note) -> Relay:
        note.decision_id, note.arm = streamed.decision.id, streamed.arm
        return Relay(streamed, face.writer(streamed.arm), self._metrics, self._log, note)

    def _answered_by(self, request: ChatRequest) -> Face:
        return self._face if self._answering is None else self._answering(request)
