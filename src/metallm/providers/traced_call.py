"""One call of an arm as OpenTelemetry sees it: a span, and what is measured at its end."""

from __future__ import annotations

import time
from contextlib import contextmanager
from contextvars import ContextVar
from typing import TYPE_CHECKING, Any, NamedTuple

from opentelemetry.trace import SpanKind, StatusCode, set_span_in_context
from opentelemetry.trace.propagation.tracecontext import TraceContextTextMapPropagator

from metallm.providers.passed import PASSED
from metallm.providers.retry import RETRIED
from metallm.providers.traced_names import CANCELLED, call_names, error_type, usage_names
from metallm.wire.signed import UNSIGNED, ends, signature_of

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping

    from opentelemetry.metrics import Histogram, Meter
    from opentelemetry.trace import Span, SpanContext, Tracer

    from metallm.core.arm import Arm
    from metallm.core.price import Usage
    from metallm.errors import ProviderError

SECONDS = (0.01, 0.02, 0.04, 0.08, 0.16, 0.32, 0.64, 1.28, 2.56, 5.12, 10.24, 20.48, 40.96, 81.92)
TOKENS = tuple(4**power for power in range(14))
"""Buckets, as the conventions want them."""


class Made(NamedTuple):
    """A call that was answered.

    Args:
        span: where it is told of.
        answer_id: the provider's id of the answer; None where it gave none.
    """

    span: SpanContext
    answer_id: str | None


MADE: ContextVar[dict[str, Made] | None] = ContextVar("MADE", default=None)
"""By arm, the last call that was answered for a request; None where nobody asks for it."""


class Calls:
    """Begins calls.

    Args:
        tracer: makes the spans; each is a child of the current one.
        meter: makes the histograms.
        clock: seconds that only ever grow.
    """

    def __init__(
        self, tracer: Tracer, meter: Meter, clock: Callable[[], float] = time.perf_counter
    ) -> None:
        self._tracer = tracer
        self._clock = clock
        self._names: dict[tuple[str, str], Mapping[str, str | int]] = {}
        self._measures = Measures(meter)

    def begin(self, arm: Arm, operation: str = "chat", *, stream: bool = False) -> Call:
        """A call that begins now; whoever made it ends it.

        Args:
            arm: who is asked.
            operation: "chat" or "embeddings".
            stream: whether events are asked for.
        """
        names = self._names.get((arm.name, operation))
        if names is None:
            names = self._names[arm.name, operation] = call_names(arm, operation)
        title = f"{operation} {arm.upstream_model}"
        told = {**names, "metallm.arm": arm.name}
        if stream:
            told["gen_ai.request.stream"] = True
        # the span is not made current: a stream is read from other contexts than it was begun in
        span = self._tracer.start_span(title, kind=SpanKind.CLIENT, attributes=told)
        return Call(arm, span, names, self._measures, self._clock)


class Measures:
    """The histograms, by the conventions.

    Args:
        meter: makes them.
    """

    def __init__(self, meter: Meter) -> None:
        self.duration = _seconds(meter, "duration", "GenAI operation duration.")
        self.first = _seconds(meter, "time_to_first_chunk", "Time to receive the first chunk.")
        self.tokens: Histogram = meter.create_histogram(
            "gen_ai.client.token.usage",
            unit="{token}",
            description="Number of input and output tokens used.",
            explicit_bucket_boundaries_advisory=TOKENS,
        )


def _seconds(meter: Meter, name: str, description: str) -> Histogram:
    return meter.create_histogram(
        f"gen_ai.client.operation.{name}",
        unit="s",
        description=description,
        explicit_bucket_boundaries_advisory=SECONDS,
    )


class Call:
    """One call that is under way; retries at the same arm are part of it, as the conventions say.

    Args:
        arm: who is asked.
        span: of the call.
        names: attributes of the measurements.
        measures: gets them.
        clock: seconds that only ever grow.
    """

    __slots__ = ("_arm", "_clock", "_measures", "_names", "_signed", "_span", "_started", "usage")

    def __init__(
        self,
        arm: Arm,
        span: Span,
        names: Mapping[str, str | int],
        measures: Measures,
        clock: Callable[[], float],
    ) -> None:
        self._arm = arm
        self._span = span
        self._names = names
        self._measures = measures
        self._clock = clock
        self._started = clock()
        self._signed = UNSIGNED
        self.usage: Usage | None = None

    @contextmanager
    def made(self) -> Iterator[None]:
        """Within, what is sent to the arm names this span as its parent, and retries are noted."""
        carrier: dict[str, str] = {}
        _W3C.inject(carrier, set_span_in_context(self._span))
        passed = PASSED.set({**PASSED.get(), **carrier})
        retried = RETRIED.set(self._retried)
        try:
            yield
        finally:
            RETRIED.reset(retried)
            PASSED.reset(passed)

    def began(self, raw: bytes) -> None:
        """Note the first event of a stream."""
        seconds = max(self._clock() - self._started, 0.0)
        self._span.set_attribute("gen_ai.response.time_to_first_chunk", seconds)
        self._measures.first.record(seconds, self._names)
        self.answered(raw)

    def went_on(self, raw: bytes) -> None:
        """Note a further event of a stream."""
        if self._span.is_recording() and ends(raw):
            reasons = (*self._signed.reasons, *signature_of(raw).reasons)
            self._signed = self._signed._replace(reasons=reasons)

    def answered(self, raw: bytes) -> None:
        """Note an answer's bytes, or those that it begins with."""
        if self._span.is_recording():
            self._signed = signature_of(raw)

    def end(self, error: BaseException | None) -> None:
        """Tell what came of it.

        Args:
            error: that it ended with; None for an answer.
        """
        seconds = max(self._clock() - self._started, 0.0)
        failed = {} if error is None else {"error.type": error_type(error)}
        if failed and failed["error.type"] != CANCELLED:
            # who goes away, or was quicker, is no fault here; an error's words may quote
            self._span.set_status(StatusCode.ERROR)
        self._measures.duration.record(seconds, {**self._names, **failed})
        self._span.set_attributes({**failed, **self._billed(), **self._told()})
        if error is None and (made := MADE.get()) is not None:
            made[self._arm.name] = Made(self._span.get_span_context(), self._signed.answer_id)
        self._span.end()

    def _retried(self, error: ProviderError, wait_s: float) -> None:
        told = {"error.type": error_type(error), "metallm.wait_s": wait_s}
        self._span.add_event("metallm.retry", told)

    def _billed(self) -> dict[str, float]:
        """Attributes of what was used, which is measured, too."""
        usage = self.usage
        if usage is None:
            return {}
        for kind, count in (("input", usage.input_tokens), ("output", usage.output_tokens)):
            self._measures.tokens.record(count, {**self._names, "gen_ai.token.type": kind})
        price = self._arm.list_price
        cost = {} if price is None else {"metallm.cost_usd": price.cost_usd(usage)}
        return {**usage_names(usage), **cost}

    def _told(self) -> dict[str, Any]:
        """Attributes of how the answer signed itself."""
        signed = self._signed
        told = {
            "gen_ai.response.id": signed.answer_id,
            "gen_ai.response.model": signed.model,
            "gen_ai.response.finish_reasons": signed.reasons or None,
        }
        return {name: value for name, value in told.items() if value is not None}


_W3C = TraceContextTextMapPropagator()
"""The trace alone: a client's baggage is not for those who run the arms."""
