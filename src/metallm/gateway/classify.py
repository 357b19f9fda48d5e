"""POST /v1/classify: which of the labels fits a text, or each of many texts."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any

import orjson
from starlette.responses import Response

from metallm.core.query import Query
from metallm.errors import ProviderError
from metallm.gateway.errors import JSON, error_body
from metallm.gateway.headers import cost_headers, decision_headers, overhead_s
from metallm.gateway.note import note_of
from metallm.gateway.presence import while_present
from metallm.gateway.reading import (
    FieldError,
    Routing,
    only_fields,
    read_body,
    text_field,
    texts_field,
)
from metallm.tasks.classification import ClassificationTask
from metallm.wire.openai_chat import read_answer

if TYPE_CHECKING:
    from collections.abc import Mapping

    from starlette.requests import Request

    from metallm.gateway.metrics import Metrics
    from metallm.router.answers import Answer
    from metallm.router.caller import Caller

FIELDS = Routing.FIELDS | {"text", "texts", "labels", "descriptions"}

AT_ONCE = 16
"""Texts of one request that are asked about at the same time."""


class Classify:
    """Classifications.

    Args:
        caller: decides and calls.
        metrics: counts.
        max_body_bytes: of a request.
    """

    def __init__(self, caller: Caller, metrics: Metrics, max_body_bytes: int) -> None:
        self._caller = caller
        self._metrics = metrics
        self._max_body_bytes = max_body_bytes

    async def classify(self, request: Request) -> Response:
        """Classify one text, or many."""
        note = note_of(request, "classify")
        body = await read_body(request, self._max_body_bytes)
        only_fields(body, FIELDS)
        text, texts = text_field(body, "text"), texts_field(body, "texts")
        if (text is None) == (texts is None):
            raise FieldError("text", "or texts must be given, one of the two")
        task, routing = _task(body), Routing.read(body)
        if texts is not None:
            results = await while_present(request.receive, self._all(texts, task, routing))
            return Response(orjson.dumps({"results": results}), media_type=JSON)
        answer = await while_present(request.receive, self._ask(text or "", task, routing))
        note.decision_id, note.arm = answer.decision_id, answer.arm
        own_s = overhead_s(note.elapsed_s(), answer.latency_s, answer.decision, answer.arm)
        self._metrics.overhead(note, own_s)
        headers = {
            **decision_headers(answer.decision, answer.arm, own_s),
            **cost_headers(answer.cost_usd, estimated=answer.cost_estimated),
        }
        return Response(orjson.dumps(_told(answer, task)), 200, headers, JSON)

    async def _all(
        self, texts: list[str], task: ClassificationTask, routing: Routing
    ) -> list[dict[str, Any]]:
        """A result for each text, in order. A text that no arm answers has an error instead."""
        gate = asyncio.Semaphore(AT_ONCE)

        async def one(text: str) -> dict[str, Any]:
            async with gate:
                try:
                    return _told(await self._ask(text, task, routing), task)
                except ProviderError as error:
                    return {"label": None, **orjson.loads(error_body(error))}

        running = [asyncio.create_task(one(text)) for text in texts]
        try:
            return await asyncio.gather(*running)
        finally:
            for each in running:
                each.cancel()
            await asyncio.gather(*running, return_exceptions=True)

    async def _ask(self, text: str, task: ClassificationTask, routing: Routing) -> Answer:
        query = Query.of(task.messages(text), task=routing.task, text=text)
        try:
            answer = await self._caller.answer(
                query,
                {"messages": list(query.messages)},
                arms=routing.arms,
                cost_weight=routing.cost_weight,
                labels=task.labels,
                read=task.read,
            )
        except ProviderError as error:
            self._metrics.failed(error)
            raise
        usage = read_answer(answer.arm, answer.raw).usage
        self._metrics.answered(answer.decision, answer.arm, usage, answer.cost_usd)
        return answer


def _task(body: Mapping[str, Any]) -> ClassificationTask:
    labels = texts_field(body, "labels")
    if labels is None:
        raise FieldError("labels", "is missing: give the labels to choose from")
    descriptions = body.get("descriptions")
    if descriptions is not None and not (
        isinstance(descriptions, dict) and all(isinstance(v, str) for v in descriptions.values())
    ):
        raise FieldError("descriptions", "must be an object of texts by label")
    return ClassificationTask(labels, descriptions=descriptions)


def _told(answer: Answer, task: ClassificationTask) -> dict[str, Any]:
    return {
        "label": task.read(answer.text),
        "arm": answer.arm,
        "cost_usd": answer.cost_usd,
        "decision_id": answer.decision_id,
        "propensity": answer.decision.propensity,
        "text": answer.text,
    }
