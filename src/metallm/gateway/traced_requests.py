"""A span around every request, within the trace that its client names."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Any

from opentelemetry.trace import SpanKind, StatusCode
from opentelemetry.trace.propagation.tracecontext import TraceContextTextMapPropagator
from starlette.datastructures import Headers

from metallm.core.key import redacted
from metallm.gateway.note import KEY, Note
from metallm.gateway.watch import MAX_PATH_CHARACTERS
from metallm.providers.traced_call import MADE, Made

if TYPE_CHECKING:
    from collections.abc import Callable

    from opentelemetry.context import Context
    from opentelemetry.metrics import Meter
    from opentelemetry.trace import Span, Tracer
    from starlette.types import ASGIApp, Receive, Scope, Send

METHODS = frozenset(
    {"CONNECT", "DELETE", "GET", "HEAD", "OPTIONS", "PATCH", "POST", "PUT", "QUERY", "TRACE"}
)
SECONDS = (0.005, 0.01, 0.025, 0.05, 0.075, 0.1, 0.25, 0.5, 0.75, 1.0, 2.5, 5.0, 7.5, 10.0)
"""Buckets, as the conventions for HTTP want them."""

BROKEN = "broken_stream"
"""The kind of error of an answer that began with 200 and ended with an error."""


class Traced:
    """ASGI middleware; `Watch` is within.

    Args:
        app: what it stands around.
        tracer: makes the spans.
        meter: measures how long requests take.
        answered: is told which call answered a decision.
    """

    def __init__(
        self,
        app: ASGIApp,
        tracer: Tracer,
        meter: Meter,
        answered: Callable[[str, Made], None],
    ) -> None:
        self._app = app
        self._tracer = tracer
        self._answered = answered
        self._seconds = meter.create_histogram(
            "http.server.request.duration",
            unit="s",
            description="Duration of HTTP server requests.",
            explicit_bucket_boundaries_advisory=SECONDS,
        )

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        started = time.perf_counter()
        names = _asked(scope)
        made: dict[str, Made] = {}
        with self._tracer.start_as_current_span(
            names["http.request.method"],
            context=_named_by_client(scope),
            kind=SpanKind.SERVER,
            attributes={**names, "url.path": redacted(scope["path"])[:MAX_PATH_CHARACTERS]},
            # an error's words may quote what was asked
            record_exception=False,
            set_status_on_exception=False,
        ) as span:
            token = MADE.set(made)
            try:
                await self._app(scope, receive, send)
            finally:
                MADE.reset(token)
                self._finish(span, scope, names, made)
                self._seconds.record(time.perf_counter() - started, names)

    def _finish(
        self, span: Span, scope: Scope, names: dict[str, Any], made: dict[str, Made]
    ) -> None:
        note: Note | None = scope.get(KEY)
        route = getattr(scope.get("route"), "path", None)
        if route is not None:
            names["http.route"] = route
            span.update_name(f"{names['http.request.method']} {route}")
        if note is not None:
            names.update(_became(note))
            span.set_attributes(_told(note))
            if note.decision_id is not None and note.arm in made:
                self._answered(note.decision_id, made[note.arm])
        span.set_attributes(names)
        if "error.type" in names:
            span.set_status(StatusCode.ERROR)


def _asked(scope: Scope) -> dict[str, Any]:
    """What is measured of a request as it comes: few values, whatever clients send."""
    method, scheme = scope["method"], scope.get("scheme")
    return {
        "http.request.method": method if method in METHODS else "_OTHER",
        "url.scheme": "https" if scheme == "https" else "http",
    }


def _became(note: Note) -> dict[str, Any]:
    """What is measured of how it ended."""
    told: dict[str, Any] = {}
    if note.status:
        told["http.response.status_code"] = note.status
    if note.broken:
        told["error.type"] = BROKEN
    elif note.status >= 500:
        told["error.type"] = str(note.status)
    return told


def _told(note: Note) -> dict[str, Any]:
    """What else a span tells; none of it is measured by."""
    told = {
        "metallm.request.id": note.request_id,
        "metallm.kind": note.kind,
        "metallm.decision.id": note.decision_id,
        "metallm.arm": note.arm,
        "metallm.key": note.key,
        "metallm.tenant": note.tenant,
    }
    return {name: value for name, value in told.items() if value is not None}


def _named_by_client(scope: Scope) -> Context | None:
    """The trace that a client names; None where it names none."""
    headers = Headers(scope=scope)
    return _W3C.extract(headers) if "traceparent" in headers else None


_W3C = TraceContextTextMapPropagator()
"""The trace alone: baggage is not ours to read, nor to pass on."""
