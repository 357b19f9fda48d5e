"""POST /v1/classify: which of the labels fits a text, or each of many texts."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import orjson
from starlette.responses import Response

from metallm.core.query import Query
from metallm.errors import ProviderError
from metallm.gateway.errors import JSON, error_body
from metallm.gateway.headers import cost_headers, decision_headers
from metallm.gateway.note import note_of
from metallm.gateway.presence import while_present
from metallm.gateway.reading import (
    FieldError,
    Routing,
    only_fields,
    read_body,
    text_field,
    texts_field,
    whole_field,
)
from metallm.router.classifier import Classifier
from metallm.tasks.classification import ClassificationTask

if TYPE_CHECKING:
    from collections.abc import Mapping

    from starlette.requests import Request

    from metallm.gateway.metrics import Metrics
    from metallm.router.answers import Classified
    from metallm.router.caller import Caller

FIELDS = Routing.FIELDS | {"text", "texts", "labels", "descriptions", "max_calls"}

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
        asking = _Asking(_task(body), Routing.read(body), whole_field(body, "max_calls", 1))
        if texts is not None:
            results = await while_present(request.receive, self._all(texts, asking))
            return Response(orjson.dumps({"results": results}), media_type=JSON)
        found = await while_present(request.receive, self._ask(text or "", asking))
        note.decision_id, note.arm = found.decision_id, found.arm
        own_s = _overhead_s(found, note.elapsed_s())
        self._metrics.overhead(note, own_s)
        headers = {
            **decision_headers(found.decision, found.arm, own_s),
            **cost_headers(found.cost_usd, estimated=found.cost_estimated),
        }
        return Response(orjson.dumps(_told(found)), 200, headers, JSON)

    async def _all(self, texts: list[str], asking: _Asking) -> list[dict[str, Any]]:
        """A result for each text, in order. A text that no arm answers has an error instead."""
        gate = asyncio.Semaphore(AT_ONCE)

        async def one(text: str) -> dict[str, Any]:
            async with gate:
                try:
                    return _told(await self._ask(text, asking))
                except ProviderError as error:
                    return {"label": None, **orjson.loads(error_body(error))}

        running = [asyncio.create_task(one(text)) for text in texts]
        try:
            return await asyncio.gather(*running)
        finally:
            for each in running:
                each.cancel()
            await asyncio.gather(*running, return_exceptions=True)

    async def _ask(self, text: str, asking: _Asking) -> Classified:
        form, routing = asking.form, asking.routing
        query = Query.of(form.messages(text), task=routing.task, text=text)
        try:
            found = await Classifier(self._caller).classify(
                query,
                form,
                arms=routing.arms,
                cost_weight=routing.cost_weight,
                max_calls=asking.max_calls,
            )
        except ProviderError as error:
            self._metrics.failed(error)
            raise
        self._metrics.classified(found)
        return found


@dataclass(frozen=True, slots=True)
class _Asking:
    """What is asked of each text of a request.

    Args:
        form: asks and reads.
        routing: what the caller says about the choice.
        max_calls: arms that each text may be sent to.
    """

    form: ClassificationTask
    routing: Routing
    max_calls: int


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


def _overhead_s(found: Classified, elapsed_s: float) -> float | None:
    """Seconds of our own; None after a fallback, for the failed arms' time was not measured."""
    if found.calls and found.calls[0].arm != found.decision.arm:
        return None
    return max(elapsed_s - found.latency_s, 0.0)


def _told(found: Classified) -> dict[str, Any]:
    return {
        "label": found.label,
        "arm": found.arm,
        "cost_usd": found.cost_usd,
        "decision_id": found.decision_id,
        "propensity": found.decision.propensity,
        "text": found.text,
        "confidence": found.confidence,
        "probabilities": dict(found.probabilities),
        "wants_label": found.wants_label,
        "calls": [
            {"arm": call.arm, "label": call.label, "cost_usd": call.cost_usd}
            for call in found.calls
        ],
    }
