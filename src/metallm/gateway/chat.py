"""POST /v1/chat/completions, and whatever else asks for one answer in another wire."""

from __future__ import annotations

from typing import TYPE_CHECKING

from starlette.responses import Response

from metallm.core.wires import OPENAI
from metallm.errors import ProviderError
from metallm.gateway.asking import read_asked
from metallm.gateway.errors import JSON
from metallm.gateway.headers import cost_headers, decision_headers, overhead_s
from metallm.gateway.naming import Names
from metallm.gateway.note import note_of
from metallm.gateway.presence import EventStream, while_present
from metallm.gateway.reading import read_body
from metallm.gateway.relay import Relay
from metallm.wire.faces import FACES

if TYPE_CHECKING:
    from starlette.requests import Request
    from starlette.types import Receive
    from structlog.typing import FilteringBoundLogger

    from metallm.gateway.asking import Asked
    from metallm.gateway.metrics import Metrics
    from metallm.gateway.note import Note
    from metallm.router.caller import Caller


class Chat:
    """Completions, routed or by an arm's name, whole or streamed.

    Args:
        caller: decides and calls.
        metrics: counts.
        log: is told of errors that nobody foresaw.
        max_body_bytes: of a request.
        wire: what is spoken here.
        kind: the endpoint in one word, for log and counts.
    """

    def __init__(
        self,
        caller: Caller,
        metrics: Metrics,
        log: FilteringBoundLogger,
        max_body_bytes: int,
        *,
        wire: str = OPENAI,
        kind: str = "chat",
    ) -> None:
        self._face = FACES[wire]
        self._names = Names(caller.engine.arms)
        self._kind = kind
        self._caller = caller
        self._metrics = metrics
        self._log = log
        self._max_body_bytes = max_body_bytes

    async def complete(self, request: Request) -> Response:
        """One completion."""
        note = note_of(request, self._kind)
        body = await read_body(request, self._max_body_bytes)
        asked = read_asked(body, request.headers, self._face, self._names)
        try:
            if asked.stream:
                note.kind = f"{self._kind}_stream"
                return await self._stream(request.receive, asked, note)
            return await self._whole(request.receive, asked, note)
        except ProviderError as error:
            self._metrics.failed(error)
            raise

    async def _whole(self, receive: Receive, asked: Asked, note: Note) -> Response:
        work = self._caller.answer(
            asked.query,
            asked.request,
            arms=asked.routing.arms,
            cost_weight=asked.routing.cost_weight,
            named=asked.named,
            session=asked.session,
        )
        answer = await while_present(receive, work)
        note.decision_id, note.arm = answer.decision_id, answer.arm
        self._metrics.answered(answer.decision, answer.arm, answer.usage, answer.cost_usd)
        raw = self._face.write_answer(answer.raw, wire=answer.wire, model=answer.arm)
        own_s = overhead_s(note.elapsed_s(), answer.latency_s, answer.decision, answer.arm)
        self._metrics.overhead(note, own_s)
        headers = {
            **decision_headers(answer.decision, answer.arm, own_s),
            **cost_headers(answer.cost_usd, estimated=answer.cost_estimated),
        }
        return Response(raw, 200, headers, JSON)

    async def _stream(self, receive: Receive, asked: Asked, note: Note) -> Response:
        work = self._caller.stream(
            asked.query,
            asked.request,
            arms=asked.routing.arms,
            cost_weight=asked.routing.cost_weight,
            named=asked.named,
            session=asked.session,
        )
        streamed = await while_present(receive, work)
        note.decision_id, note.arm = streamed.decision.id, streamed.arm
        own_s = overhead_s(note.elapsed_s(), streamed.waited_s, streamed.decision, streamed.arm)
        self._metrics.overhead(note, own_s)
        relay = Relay(streamed, self._face.writer(streamed.arm), self._metrics, self._log, note)
        return EventStream(relay.events(), decision_headers(streamed.decision, streamed.arm, own_s))
