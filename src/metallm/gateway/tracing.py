"""Spans of decisions, and events of judgements, by OpenTelemetry. Never a text, never a key.

Nothing of this is imported unless `create_app` is given a `Tracing`.
"""

from __future__ import annotations

import time
from collections import OrderedDict
from typing import TYPE_CHECKING, Any, NamedTuple

from opentelemetry.trace import NonRecordingSpan, get_current_span, set_span_in_context
from starlette.middleware import Middleware

from metallm.gateway.traced_metrics import TracedMetrics
from metallm.gateway.traced_requests import Traced

if TYPE_CHECKING:
    from collections.abc import Mapping

    from opentelemetry._logs import Logger
    from opentelemetry.metrics import Meter
    from opentelemetry.trace import SpanContext, Tracer

    from metallm.core.decision import Decision
    from metallm.core.outcome import Outcome
    from metallm.gateway.metrics import Metrics
    from metallm.providers.traced_call import Made

REMEMBERED = 10_000
"""Decisions whose spans are known still when feedback comes."""

LONGEST = 128
"""Characters that are told of a task's name, which clients choose."""

EVALUATION = "gen_ai.evaluation.result"


class _Known(NamedTuple):
    """What is remembered of a decision.

    Args:
        span: of the call that answered it, or of its request.
        answer_id: the provider's id of the answer; None where it gave none.
    """

    span: SpanContext
    answer_id: str | None = None


class Tracing:
    """What an app needs to be traced. For one event loop.

    Args:
        tracer: makes the spans.
        meter: makes what is measured.
        logger: gets the events.
        remembered: decisions whose feedback is tied to their span.

    Attributes:
        metrics: the app's counts, which are told to the meter as well.
        middleware: puts a span around every request.
    """

    def __init__(
        self,
        tracer: Tracer,
        meter: Meter,
        logger: Logger,
        remembered: int = REMEMBERED,
    ) -> None:
        self._tracer = tracer
        self._logger = logger
        self._remembered = remembered
        self._known: OrderedDict[str, _Known] = OrderedDict()
        self.metrics: Metrics = TracedMetrics(self, meter)
        self.middleware = Middleware(Traced, tracer=tracer, meter=meter, answered=self.answered)

    def decided(self, decision: Decision, took_s: float) -> None:
        """Tell of a decision: a span of its own within that of the request.

        Args:
            decision: how the arm was chosen.
            took_s: seconds that it took until now.
        """
        self._remember(decision.id, _Known(get_current_span().get_span_context()))
        ended = time.time_ns()
        began = ended - int(took_s * 1e9)
        span = self._tracer.start_span("decide", start_time=began, attributes=_chosen(decision))
        span.end(ended)

    def answered(self, decision_id: str, made: Made) -> None:
        """Tie what will be judged to the call that answered.

        Args:
            decision_id: the decision.
            made: the call.
        """
        self._remember(decision_id, _Known(made.span, made.answer_id))

    def judged(self, outcome: Outcome) -> None:
        """Tell of a judgement: part of the trace of what it judges, where that is remembered."""
        known = self._known.get(outcome.decision_id)
        told = {
            "gen_ai.evaluation.name": "quality",
            "gen_ai.evaluation.score.value": outcome.quality,
            "gen_ai.response.id": None if known is None else known.answer_id,
            "metallm.decision.id": outcome.decision_id,
            "metallm.arm": outcome.arm,
            "metallm.judge": outcome.judge,
        }
        self._logger.emit(
            event_name=EVALUATION,
            context=None if known is None else set_span_in_context(NonRecordingSpan(known.span)),
            attributes=_present(told),
        )

    def _remember(self, decision_id: str, known: _Known) -> None:
        self._known[decision_id] = known
        while len(self._known) > self._remembered:
            self._known.popitem(last=False)


def _chosen(decision: Decision) -> dict[str, Any]:
    told = {
        "metallm.decision.id": decision.id,
        "metallm.decision.parent": decision.parent,
        "metallm.arm": decision.arm,
        "metallm.arms": len(decision.propensities),
        "metallm.propensity": decision.propensity,
        "metallm.policy": decision.policy,
        "metallm.version": decision.version,
        "metallm.cost_weight": decision.cost_weight,
        "metallm.task": None if decision.task is None else decision.task[:LONGEST],
    }
    return _present(told)


def _present(told: Mapping[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in told.items() if value is not None}
