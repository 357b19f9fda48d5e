"""Telemetry that a test can look into: the SDK's own exporters in memory."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import pytest

pytest.importorskip("opentelemetry.sdk", reason="the extra otel is not installed")

from opentelemetry.sdk._logs import LoggerProvider, export
from opentelemetry.sdk.metrics import MeterProvider
from opentelemetry.sdk.metrics.export import InMemoryMetricReader
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter
from opentelemetry.sdk.trace.sampling import ALWAYS_ON, Sampler

from metallm.gateway.tracing import Tracing
from metallm.providers.traced_call import Calls


@dataclass(frozen=True)
class Told:
    """What was told so far.

    Args:
        tracer, meter, logger: as the gateway gets them.
    """

    tracer: Any
    meter: Any
    logger: Any
    _spans: Any
    _reader: Any
    _logs: Any

    def spans(self, name: str | None = None) -> list[Any]:
        """Spans that have ended, by how their names begin."""
        return [
            span
            for span in self._spans.get_finished_spans()
            if name is None or span.name.startswith(name)
        ]

    def span(self, name: str) -> Any:
        """The one span whose name begins so."""
        (found,) = self.spans(name)
        return found

    def events(self) -> list[Any]:
        """Log records."""
        return [each.log_record for each in self._logs.get_finished_logs()]

    def points(self) -> dict[str, list[Any]]:
        """Data points of every metric by name."""
        data = self._reader.get_metrics_data()
        if data is None:
            return {}
        return {
            metric.name: list(metric.data.data_points)
            for resource in data.resource_metrics
            for scope in resource.scope_metrics
            for metric in scope.metrics
        }

    def tracing(self, **options: Any) -> Tracing:
        """For `create_app`."""
        return Tracing(self.tracer, self.meter, self.logger, **options)

    def calls(self, **options: Any) -> Calls:
        """For a `TracedProvider`."""
        return Calls(self.tracer, self.meter, **options)


def told(sampler: Sampler = ALWAYS_ON) -> Told:
    """Telemetry that is kept in memory."""
    spans, logs, reader = InMemorySpanExporter(), _log_exporter(), InMemoryMetricReader()
    traces = TracerProvider(sampler=sampler, shutdown_on_exit=False)
    traces.add_span_processor(SimpleSpanProcessor(spans))
    metrics = MeterProvider([reader], shutdown_on_exit=False)
    events = LoggerProvider(shutdown_on_exit=False)
    events.add_log_record_processor(export.SimpleLogRecordProcessor(logs))
    return Told(
        traces.get_tracer("test"),
        metrics.get_meter("test"),
        events.get_logger("test"),
        spans,
        reader,
        logs,
    )


def _log_exporter() -> Any:
    kind = getattr(export, "InMemoryLogRecordExporter", None) or export.InMemoryLogExporter
    return kind()
