"""POST /v1/classify: which of the labels fits a text, or each of many texts."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import orjson
from starlette.responses import Response

from metallm.core.completion import ChatRequest
from metallm.core.query import Query
from metallm.errors import (
    AccessError,
    BudgetExhaustedError,
    ProviderError,
    UnfitArmError,
    first_of,
)
from metallm.gateway.errors import JSON, error_body
from metallm.gateway.headers import cost_headers, decision_headers
from metallm.gateway.hints import Hints
from metallm.gateway.note import note_of
from metallm.gateway.presence import while_present
from metallm.gateway.reading import (
    FieldError,
    only_fields,
    read_body,
    text_field,
    texts_field,
    whole_field,
)
from metallm.router.classifier import Classifier
from metallm.router.many import in_order
from metallm.tasks.asked import Asked

if TYPE_CHECKING:
    from collections.abc import Mapping

    from starlette.requests import Request

    from metallm.core.task import Task
    from metallm.gateway.desk import Desk
    from metallm.gateway.metrics import Metrics
    from metallm.router.answers import Classified
    from metallm.tasks.forms import TaskForm

FIELDS = (Hints.FIELDS - {"session"}) | {"text", "texts", "labels", "descriptions", "max_calls"}

AT_ONCE = 16
"""Texts of one request that are asked about at the same time."""


class Classify:
    """Classifications.

    Args:
        desk: admits texts.
        declared: tasks by name.
        metrics: counts.
        max_body_bytes: of a request.
    """

    def __init__(
        self, desk: Desk, declared: Mapping[str, Task], metrics: Metrics, max_body_bytes: int
    ) -> None:
        self._desk = desk
        self._declared = declared
        self._asked = Asked(self._declared)
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
        hints = Hints.read(body, request.headers.raw)
        form = self._form(body, hints.task)
        asking = _Asking(request, form, hints, whole_field(body, "max_calls", 1))
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
        return Response(orjson.dumps(_told(found, form)), 200, headers, JSON)

    async def _all(self, texts: list[str], asking: _Asking) -> list[dict[str, Any]]:
        """A result for each text, in order. A text that no arm answers has an error instead."""

        async def one(text: str) -> dict[str, Any]:
            try:
                return _told(await self._ask(text, asking), asking.form)
            except (ProviderError, UnfitArmError, AccessError, BudgetExhaustedError) as error:
                return {"label": None, **orjson.loads(error_body(error))}

        return await in_order(texts, one, AT_ONCE)

    async def _ask(self, text: str, asking: _Asking) -> Classified:
        form, hints = asking.form, asking.hints
        query = Query.of(form.messages(text), task=hints.task, text=text)
        asked = ChatRequest({"messages": form.messages(text)}, form.answer_format)
        visit = self._desk.admit(asking.request, query, asked, arms=hints.arms, hints=hints)
        called = False
        try:
            found = await Classifier(visit.caller).classify(
                visit.query,
                form,
                arms=visit.arms,
                cost_weight=hints.cost_weight,
                max_calls=asking.max_calls,
            )
            called = bool(found.calls)
        except ProviderError as error:
            self._metrics.failed(error)
            raise
        finally:
            visit.close(answered=called)
        self._metrics.classified(found)
        return found

    def _form(self, body: Mapping[str, Any], name: str | None) -> TaskForm:
        """What is asked: labels, or a declared task, whose labels nobody can change from here."""
        labels, descriptions = texts_field(body, "labels"), _descriptions(body)
        declared = None if name is None else self._declared.get(name)
        if declared is None:
            if labels is None and name is None:
                raise FieldError("labels", "is missing: give the labels to choose from, or a task")
            if labels is None:
                there = first_of(tuple(self._declared)) or "none"
                raise FieldError(
                    "task", f"is none of those that are declared ({there}): give its labels"
                )
        else:
            if labels is not None and sorted(labels) != sorted(declared.labels):
                raise FieldError(
                    "labels",
                    f"are not those that task {declared.name!r} is declared with "
                    f"({first_of(declared.labels)}): leave them out, or name another task",
                )
            if descriptions is not None:
                raise FieldError(
                    "descriptions", f"are declared with task {declared.name!r}: leave them out"
                )
        return self._asked.form(labels, name, descriptions)[0]


@dataclass(frozen=True, slots=True)
class _Asking:
    """What is asked of each text of a request.

    Args:
        request: who asks.
        form: asks and reads.
        hints: what the caller says about the choice.
        max_calls: arms that each text may be sent to.
    """

    request: Request
    form: TaskForm
    hints: Hints
    max_calls: int


def _descriptions(body: Mapping[str, Any]) -> Mapping[str, str] | None:
    descriptions = body.get("descriptions")
    if descriptions is not None and not (
        isinstance(descriptions, dict) and all(isinstance(v, str) for v in descriptions.values())
    ):
        raise FieldError("descriptions", "must be an object of texts by label")
    return descriptions


def _overhead_s(found: Classified, elapsed_s: float) -> float | None:
    """Seconds of our own; None after a fallback, for the failed arms' time was not measured."""
    if found.calls and found.calls[0].arm != found.decision.arm:
        return None
    return max(elapsed_s - found.latency_s, 0.0)


def _told(found: Classified, form: TaskForm) -> dict[str, Any]:
    return {
        "label": _labels(found.label, form),
        "arm": found.arm,
        "cost_usd": found.cost_usd,
        "decision_id": found.decision_id,
        "propensity": found.decision.propensity,
        "text": found.text,
        "confidence": found.confidence,
        "probabilities": dict(found.probabilities),
        "wants_label": found.wants_label,
        "calls": [
            {
                "arm": call.arm,
                "label": _labels(call.label, form),
                "cost_usd": call.cost_usd,
                "probabilities": dict(call.likely),
            }
            for call in found.calls
        ],
    }


def _labels(label: str | None, form: TaskForm) -> str | list[str] | None:
    """A label; where several may fit, a list of them."""
    if label is None or form.task.kind != "multi":
        return label
    return list(form.task.parts(label))
