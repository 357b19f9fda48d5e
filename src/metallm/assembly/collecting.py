"""Traces, metrics and events on their way to a collector, by OTLP over HTTP.

They are sent by threads of their own, which nobody waits for: where the collector cannot be
reached, what is too much is dropped. What an application has set up for itself stays as it is.
"""

from __future__ import annotations

import logging
import threading
import time
from dataclasses import dataclass
from importlib.metadata import version
from typing import TYPE_CHECKING, Any, Protocol

from opentelemetry._logs import NoOpLogger
from opentelemetry.exporter.otlp.proto.http._log_exporter import OTLPLogExporter
from opentelemetry.exporter.otlp.proto.http.metric_exporter import OTLPMetricExporter
from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
from opentelemetry.metrics import NoOpMeter
from opentelemetry.sdk._logs import LoggerProvider
from opentelemetry.sdk._logs.export import BatchLogRecordProcessor
from opentelemetry.sdk.metrics import MeterProvider
from opentelemetry.sdk.metrics.export import PeriodicExportingMetricReader
from opentelemetry.sdk.resources import OTELResourceDetector, Resource
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import BatchSpanProcessor
from opentelemetry.trace import NoOpTracer

from metallm.gateway.tracing import Tracing
from metallm.providers.traced import TracedPoster, TracedProvider
from metallm.providers.traced_call import Calls

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Sequence

    from metallm.core.protocols import Provider
    from metallm.providers.traced import Poster

NAME = "metallm"

CLOSE_S = 5.0
"""Seconds that what is waiting to be sent may take at the end."""

QUIET_S = 60.0
"""Seconds in which the same complaint is told once."""


class _Part(Protocol):
    """A provider of OpenTelemetry's SDK."""

    def shutdown(self) -> object:
        """Send what is waiting, and stop."""
        ...


@dataclass(frozen=True, slots=True)
class Telemetry:
    """What is told, and where.

    Args:
        tracing: for `create_app`.
        calls: tells of calls.
        parts: what sends.
        complaints: of the SDK.
        tell: is told what goes wrong.
    """

    tracing: Tracing
    calls: Calls
    parts: Sequence[_Part]
    complaints: logging.Handler
    tell: Callable[[str], None]

    def traced(self, provider: Provider) -> Provider:
        """A provider whose calls are told of."""
        return TracedProvider(provider, self.calls)

    def traced_poster(self, poster: Poster) -> Poster:
        """The same for embeddings."""
        return TracedPoster(poster, self.calls)

    def close(self, patience_s: float = CLOSE_S) -> None:
        """Send what is waiting, and stop; a collector that does not answer is left behind.

        Args:
            patience_s: seconds that all of it may take.
        """
        threads = [threading.Thread(target=part.shutdown, daemon=True) for part in self.parts]
        for thread in threads:
            thread.start()
        until = time.monotonic() + patience_s
        for thread in threads:
            thread.join(max(until - time.monotonic(), 0.0))
        logging.getLogger(_SDK).removeHandler(self.complaints)
        if any(thread.is_alive() for thread in threads):
            self.tell(f"telemetry: what was left could not be sent within {patience_s:g} s")


def telemetry(root: str | None, signals: Collection[str], tell: Callable[[str], None]) -> Telemetry:
    """What tells of these signals.

    Args:
        root: of the collector; None for what the variables say.
        signals: of "traces", "metrics" and "logs", those that are sent.
        tell: is told what goes wrong.
    """
    named = OTELResourceDetector().detect().attributes
    resource = Resource.create({"service.name": named.get("service.name", NAME)})
    scope = (NAME, version(NAME))
    parts: list[Any] = []
    tracer, meter, logger = NoOpTracer(), NoOpMeter(*scope), NoOpLogger(*scope)
    if "traces" in signals:
        traces = TracerProvider(resource=resource, shutdown_on_exit=False)
        traces.add_span_processor(BatchSpanProcessor(OTLPSpanExporter(_place(root, "traces"))))
        tracer = traces.get_tracer(*scope)
        parts.append(traces)
    if "metrics" in signals:
        reader = PeriodicExportingMetricReader(OTLPMetricExporter(_place(root, "metrics")))
        metrics = MeterProvider([reader], resource=resource, shutdown_on_exit=False)
        meter = metrics.get_meter(*scope)
        parts.append(metrics)
    if "logs" in signals:
        logs = LoggerProvider(resource=resource, shutdown_on_exit=False)
        exporter = OTLPLogExporter(_place(root, "logs"))
        logs.add_log_record_processor(BatchLogRecordProcessor(exporter))
        logger = logs.get_logger(*scope)
        parts.append(logs)
    complaints = _Complaints(tell)
    logging.getLogger(_SDK).addHandler(complaints)
    return Telemetry(Tracing(tracer, meter, logger), Calls(tracer, meter), parts, complaints, tell)


def _place(root: str | None, signal: str) -> str | None:
    """Where a signal goes; None for what the variables say."""
    return None if root is None else f"{root.rstrip('/')}/v1/{signal}"


class _Complaints(logging.Handler):
    """Tells what the SDK complains of, each kind now and then: it does so at every batch.

    Args:
        tell: is told.
    """

    def __init__(self, tell: Callable[[str], None]) -> None:
        super().__init__(logging.WARNING)
        self._tell = tell
        self._told: dict[str, float] = {}

    def emit(self, record: logging.LogRecord) -> None:
        """Tell of it, unless that was done just now."""
        kind = str(record.msg)
        if record.created - self._told.get(kind, -QUIET_S) >= QUIET_S:
            self._told[kind] = record.created
            self._tell(f"telemetry: {record.getMessage()[:300]}")


_SDK = "opentelemetry"
"""The name under which the SDK logs."""
