"""A collector for tests: takes OTLP over HTTP, and keeps what was sent, decoded."""

from __future__ import annotations

import gzip
import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import pytest

pytest.importorskip("opentelemetry.proto", reason="the extra otel is not installed")

from opentelemetry.proto.collector.logs.v1.logs_service_pb2 import ExportLogsServiceRequest
from opentelemetry.proto.collector.metrics.v1.metrics_service_pb2 import (
    ExportMetricsServiceRequest,
)
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest


def values(attributes: Any) -> dict[str, Any]:
    """Attributes as Python has them; of lists their items."""
    return {each.key: _value(each.value) for each in attributes}


def _value(value: Any) -> Any:
    kind = value.WhichOneof("value")
    if kind == "array_value":
        return [_value(each) for each in value.array_value.values]
    return getattr(value, kind)


@dataclass
class Collector:
    """What came.

    Attributes:
        url: root of the collector.
        requests: by path, messages as they came.
        headers: of every request.
    """

    url: str = ""
    requests: dict[str, list[Any]] = field(default_factory=dict)
    headers: list[Mapping[str, str]] = field(default_factory=list)

    def spans(self) -> list[Any]:
        return [
            span
            for request in self.requests.get("/v1/traces", [])
            for resource in request.resource_spans
            for scope in resource.scope_spans
            for span in scope.spans
        ]

    def events(self) -> list[Any]:
        return [
            record
            for request in self.requests.get("/v1/logs", [])
            for resource in request.resource_logs
            for scope in resource.scope_logs
            for record in scope.log_records
        ]

    def metrics(self) -> set[str]:
        """Names of what was measured."""
        return {
            metric.name
            for request in self.requests.get("/v1/metrics", [])
            for resource in request.resource_metrics
            for scope in resource.scope_metrics
            for metric in scope.metrics
        }

    def services(self) -> set[str]:
        """Names of the services that sent spans."""
        return {
            values(resource.resource.attributes)["service.name"]
            for request in self.requests.get("/v1/traces", [])
            for resource in request.resource_spans
        }


KINDS: dict[str, Any] = {
    "/v1/traces": ExportTraceServiceRequest,
    "/v1/metrics": ExportMetricsServiceRequest,
    "/v1/logs": ExportLogsServiceRequest,
}


@contextmanager
def collecting() -> Iterator[Collector]:
    """A collector on loopback."""
    collector = Collector()

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            raw = self.rfile.read(int(self.headers["content-length"]))
            if self.headers.get("content-encoding") == "gzip":
                raw = gzip.decompress(raw)
            collector.headers.append(dict(self.headers))
            message = KINDS[self.path].FromString(raw)
            collector.requests.setdefault(self.path, []).append(message)
            self.send_response(200)
            self.send_header("content-type", "application/x-protobuf")
            self.send_header("content-length", "0")
            self.end_headers()

        def log_message(self, *_: object) -> None:
            """Say nothing."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever, name="test-collector")
    thread.start()
    try:
        collector.url = f"http://127.0.0.1:{server.server_address[1]}"
        yield collector
    finally:
        server.shutdown()
        thread.join(20)
        server.server_close()
