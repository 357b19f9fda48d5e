"""POST /v1/feedback: what became of a decision. Answered once it is durable and learned."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any

import orjson
from starlette.responses import Response

from metallm.errors import InputError, MetaLLMError, StoreError
from metallm.gateway.access import key_of
from metallm.gateway.errors import JSON, error_body, kind_of
from metallm.gateway.note import note_of
from metallm.gateway.reading import (
    FieldError,
    flag_field,
    list_field,
    number_field,
    only_fields,
    read_body,
    text_field,
    texts_field,
)
from metallm.gateway.tenants import decision_of
from metallm.router.answers import Judgement

if TYPE_CHECKING:
    from concurrent.futures import Future

    from starlette.requests import Request

    from metallm.core.key import Key
    from metallm.core.outcome import Outcome
    from metallm.gateway.metrics import Metrics
    from metallm.router.engine import Engine

FIELDS = frozenset(
    {"decision_id", "quality", "label", "cost_usd", "latency_s", "replace", "weight", "judge"}
)
MANY = "feedback"
"""The field that holds several judgements."""

_Submitted = tuple["Outcome", "Future[None]"]


class Feedback:
    """Judgements, one or many at once.

    Args:
        engine: learns.
        metrics: counts.
        max_body_bytes: of a request.
    """

    def __init__(self, engine: Engine, metrics: Metrics, max_body_bytes: int) -> None:
        self._engine = engine
        self._metrics = metrics
        self._max_body_bytes = max_body_bytes

    async def judge(self, request: Request) -> Response:
        """One judgement, or a list of them that are answered one by one, in order."""
        note = note_of(request, "feedback")
        body = await read_body(request, self._max_body_bytes)
        if MANY in body:
            only_fields(body, {MANY})
            items = list_field(body, MANY)
            return _json({"results": await self._many(items, key_of(request))})
        learned = await self._learned(self._submit(body, key_of(request)))
        note.decision_id, note.arm = learned["decision_id"], learned["arm"]
        return _json(learned)

    async def _many(self, items: list[Any], key: Key | None) -> list[dict[str, Any]]:
        """Every item's own status and answer; what cannot be used takes nothing else with it.

        All are submitted before the first is awaited, so that they become durable together.
        """
        submitted = [self._tried(item, key) for item in items]
        return [each if isinstance(each, dict) else await self._told(each) for each in submitted]

    def _tried(self, item: Any, key: Key | None) -> _Submitted | dict[str, Any]:
        try:
            if not isinstance(item, dict):
                raise InputError("a judgement must be an object")
            return self._submit(item, key)
        except (InputError, StoreError) as error:
            return _failed(error)

    async def _told(self, submitted: _Submitted) -> dict[str, Any]:
        try:
            return {"status": 200, **await self._learned(submitted)}
        except StoreError as error:
            return _failed(error)

    def _submit(self, item: dict[str, Any], key: Key | None) -> _Submitted:
        judgement = _judgement(item)
        decision_of(self._engine, judgement.decision_id, key)
        return self._engine.submit_feedback(judgement)

    async def _learned(self, submitted: _Submitted) -> dict[str, Any]:
        outcome, done = submitted
        # a client that goes away does not take back what it has said
        await asyncio.shield(asyncio.wrap_future(done))
        self._metrics.judged(outcome)
        return {
            "decision_id": outcome.decision_id,
            "arm": outcome.arm,
            "quality": outcome.quality,
            "recorded": True,
        }


def _judgement(item: dict[str, Any]) -> Judgement:
    only_fields(item, FIELDS)
    decision_id = text_field(item, "decision_id")
    if decision_id is None:
        raise FieldError("decision_id", "is missing: use the id that came with the answer")
    weight = number_field(item, "weight")
    return Judgement(
        decision_id,
        number_field(item, "quality"),
        _label(item),
        number_field(item, "cost_usd"),
        number_field(item, "latency_s"),
        flag_field(item, "replace"),
        1.0 if weight is None else weight,
        text_field(item, "judge"),
    )


def _label(item: dict[str, Any]) -> str | list[str] | None:
    """The true label, or the labels of a task to which several may fit; none of them, too."""
    value = item.get("label")
    if value == []:
        return []
    return texts_field(item, "label") if isinstance(value, list) else text_field(item, "label")


def _failed(error: MetaLLMError) -> dict[str, Any]:
    return {"status": kind_of(error).status, **orjson.loads(error_body(error))}


def _json(document: dict[str, Any]) -> Response:
    return Response(orjson.dumps(document), media_type=JSON)
