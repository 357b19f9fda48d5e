"""Counts and times for Prometheus. Labels are arms, kinds and classes: few, and never a client's.

What the metrics tell: requests and their times by kind of endpoint; decisions, tokens, USD, times,
failures and judgements by arm; our own time.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Generic, TypeVar

from prometheus_client import CollectorRegistry, Counter, Histogram, generate_latest

from metallm.errors import AllArmsFailedError, ProviderError
from metallm.gateway.errors import failure_kind

if TYPE_CHECKING:
    from collections.abc import Iterator

    from prometheus_client import Metric

    from metallm.core.decision import Decision
    from metallm.core.outcome import Outcome
    from metallm.core.price import Usage
    from metallm.gateway.note import Note
    from metallm.router.answers import Classified, Overtaken

_Metric = TypeVar("_Metric", Counter, Histogram)

OVERHEAD_S = (0.0005, 0.001, 0.002, 0.005, 0.01, 0.02, 0.05, 0.1, 0.5)
LATENCY_S = (0.01, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0, 60.0, 120.0)


class _Registry(CollectorRegistry):
    """A registry that leaves out when each count was first seen: a series a count, for nobody.

    The library can be told so for all registries of a process, which are not ours to change.
    """

    def collect(self) -> Iterator[Metric]:
        """The metrics, as they are now."""
        for metric in super().collect():
            metric.samples = [each for each in metric.samples if not each.name.endswith("_created")]
            yield metric


class Metrics:
    """The counts of one app, in a registry of their own."""

    def __init__(self) -> None:
        self.registry = _Registry()
        self._requests = self._counter("requests", "Requests answered", "kind", "status")
        self._decisions = self._counter("decisions", "Decisions that were answered", "arm", "kind")
        self._tokens = self._counter("tokens", "Tokens as billed", "arm", "kind")
        self._cost = self._counter("cost_usd", "USD billed or guessed", "arm")
        self._failures = self._counter("failures", "Arms that did not answer", "arm", "kind")
        self._hedges = self._counter("hedges", "Calls that got another beside them", "arm", "won")
        self._feedback = self._counter("feedback", "Judgements learned", "arm")
        self._refused = self._counter("refusals", "Requests not let in, or over a limit", "reason")
        self._replayed = self._counter("replays", "Answers given again", "kind")
        self._overhead = self._histogram("overhead", "Own time of an answer", OVERHEAD_S, "kind")
        self._latency = self._histogram("request", "Time of a request", LATENCY_S, "kind")
        self._waits = self._histogram("arm", "Time that an arm took", LATENCY_S, "arm", "until")

    def answered_request(self, note: Note) -> None:
        """Count a request and its time, whatever became of it."""
        status = f"{note.status // 100}xx" if note.status else "none"
        self._requests.labels(note.kind, status).inc()
        self._latency.labels(note.kind).observe(note.elapsed_s())

    def answered(
        self,
        decision: Decision,
        arm: str,
        usage: Usage | None,
        cost_usd: float | None,
        overtaken: Overtaken | None = None,
    ) -> None:
        """Count an arm's answer.

        Args:
            decision: how the arm was chosen.
            arm: the arm that answered; where it is another, the chosen one has failed, or was
                overtaken by a hedge.
            usage: billed tokens; None where the provider sent none.
            cost_usd: USD, of an overtaken call too; None where unknown.
            overtaken: the other call of a hedge, if there was one.
        """
        kind = "named" if decision.policy == "named" else "routed"
        self._decisions.labels(decision.arm, kind).inc()
        if overtaken is not None:
            self._overtook(arm, overtaken)
            if cost_usd is not None and overtaken.cost_usd is not None:
                cost_usd = max(cost_usd - overtaken.cost_usd, 0.0)
        if arm != decision.arm and (overtaken is None or overtaken.arm != decision.arm):
            self._failures.labels(decision.arm, "fell_back").inc()
        self._spent(arm, usage, cost_usd)

    def waited(self, arm: str, seconds: float, *, stream: bool = False) -> None:
        """Count how long an arm took that answered.

        Args:
            arm: who answered.
            seconds: until the whole answer, or until a stream's first event.
            stream: whether it was a stream.
        """
        self._waits.labels(arm, "first_event" if stream else "answer").observe(seconds)

    def classified(self, found: Classified) -> None:
        """Count who settled a label, the router itself included, what was spent on it, and when."""
        self._decisions.labels(found.arm, "classified").inc()
        for call in found.calls:
            self._spent(call.arm, call.usage, call.cost_usd)
            self.waited(call.arm, call.latency_s)

    def embedded(self, model: str, usage: Usage | None, cost_usd: float | None) -> None:
        """Count what embeddings came to; arguments as for `answered`."""
        self._spent(model, usage, cost_usd)

    def overhead(self, note: Note, seconds: float | None) -> None:
        """Count our own time of an answer, where it is known."""
        if seconds is not None:
            self._overhead.labels(note.kind).observe(seconds)

    def failed(self, error: ProviderError) -> None:
        """Count every arm's failure that a caller was told of."""
        failures = error.failures if isinstance(error, AllArmsFailedError) else (error,)
        for failure in failures:
            self._failures.labels(failure.arm, failure_kind(failure)).inc()

    def refused(self, reason: str) -> None:
        """Count a request that was refused for its key, its limits or its budget.

        Args:
            reason: one of a few words.
        """
        self._refused.labels(reason).inc()

    def replayed(self, kind: str) -> None:
        """Count an answer that was given before.

        Args:
            kind: "repeat" or "cache".
        """
        self._replayed.labels(kind).inc()

    def judged(self, outcome: Outcome) -> None:
        """Count a judgement that was learned."""
        self._feedback.labels(outcome.arm).inc()

    def text(self) -> bytes:
        """All of it, as Prometheus reads it."""
        return generate_latest(self.registry)

    def _overtook(self, arm: str, overtaken: Overtaken) -> None:
        first, won = (arm, "first") if overtaken.hedge else (overtaken.arm, "hedge")
        self._hedges.labels(first, won).inc()
        self._spent(overtaken.arm, None, overtaken.cost_usd)

    def _spent(self, arm: str, usage: Usage | None, cost_usd: float | None) -> None:
        if usage is not None:
            self._tokens.labels(arm, "input").inc(usage.input_tokens)
            self._tokens.labels(arm, "output").inc(usage.output_tokens)
        if cost_usd is not None:
            self._cost.labels(arm).inc(cost_usd)

    def _counter(self, name: str, told: str, *labels: str) -> _Kept[Counter]:
        return _Kept(Counter(f"metallm_{name}", told, labels, registry=self.registry))

    def _histogram(
        self, name: str, told: str, buckets: tuple[float, ...], *labels: str
    ) -> _Kept[Histogram]:
        full = f"metallm_{name}_seconds"
        return _Kept(Histogram(full, told, labels, buckets=buckets, registry=self.registry))


class _Kept(Generic[_Metric]):
    """A metric whose parts are found by their labels without the library's checks and locks.

    Args:
        metric: with labels. Their values are few, so all of them can be kept.
    """

    def __init__(self, metric: _Metric) -> None:
        self._metric: _Metric = metric
        self._parts: dict[tuple[str, ...], _Metric] = {}

    def labels(self, *values: str) -> _Metric:
        """The part with these values."""
        part = self._parts.get(values)
        if part is None:
            part = self._parts[values] = self._metric.labels(*values)
        return part
