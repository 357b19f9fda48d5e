"""The counts of an app that is traced: what they are told goes to OpenTelemetry as well."""

from __future__ import annotations

from typing import TYPE_CHECKING

from metallm.gateway.metrics import OVERHEAD_S, Metrics

if TYPE_CHECKING:
    from opentelemetry.metrics import Meter

    from metallm.core.outcome import Outcome
    from metallm.core.price import Usage
    from metallm.gateway.note import Note
    from metallm.gateway.tracing import Tracing


class TracedMetrics(Metrics):
    """Counts for Prometheus, and tells OpenTelemetry what is the gateway's own.

    Args:
        tracing: is told of judgements.
        meter: makes what is measured.
    """

    def __init__(self, tracing: Tracing, meter: Meter) -> None:
        super().__init__()
        self._tracing = tracing
        self._usd = meter.create_counter(
            "metallm.cost", unit="{USD}", description="USD billed or guessed."
        )
        self._own = meter.create_histogram(
            "metallm.overhead",
            unit="s",
            description="Own time of an answer.",
            explicit_bucket_boundaries_advisory=OVERHEAD_S,
        )

    def overhead(self, note: Note, seconds: float | None) -> None:
        """Count our own time of an answer, where it is known."""
        super().overhead(note, seconds)
        if seconds is not None:
            self._own.record(seconds, {"metallm.kind": note.kind})

    def judged(self, outcome: Outcome) -> None:
        """Count a judgement that was learned, and tell of it."""
        super().judged(outcome)
        self._tracing.judged(outcome)

    def _spent(self, arm: str, usage: Usage | None, cost_usd: float | None) -> None:
        super()._spent(arm, usage, cost_usd)
        if cost_usd is not None:
            self._usd.add(cost_usd, {"metallm.arm": arm})
