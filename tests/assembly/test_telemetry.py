"""Whether telemetry is on, where it goes, and that nobody waits for it."""

from __future__ import annotations

import socket
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import pytest
from pydantic import ValidationError

from metallm.assembly.telemetry import chosen_telemetry
from metallm.errors import ConfigurationError, MissingExtraError
from metallm.settings import OtelSettings

ENDPOINT = "OTEL_EXPORTER_OTLP_ENDPOINT"
NOWHERE = "http://127.0.0.1:9"
TEXT = {"model": "auto", "messages": [{"role": "user", "content": "hello"}]}


def installed() -> None:
    pytest.importorskip("opentelemetry.exporter.otlp.proto.http", reason="no extra otel here")


@pytest.fixture
def not_installed(monkeypatch: pytest.MonkeyPatch) -> None:
    """As where only OpenTelemetry's API is installed."""
    for name in list(sys.modules):
        if name.startswith(
            ("opentelemetry.sdk", "opentelemetry.exporter", "metallm.assembly.coll")
        ):
            monkeypatch.delitem(sys.modules, name)
    monkeypatch.setitem(sys.modules, "opentelemetry.sdk", None)
    monkeypatch.setitem(sys.modules, "opentelemetry.exporter", None)


def chosen(said: list[str] | None = None, **settings: Any) -> Any:
    return chosen_telemetry(OtelSettings(**settings), (said if said is not None else []).append)


@contextmanager
def closing(telemetry: Any) -> Iterator[Any]:
    try:
        yield telemetry
    finally:
        telemetry.close(0.05)


@pytest.mark.parametrize(
    ("settings", "variables"),
    [
        ({}, {}),
        ({"enabled": False}, {ENDPOINT: NOWHERE}),
        ({"enabled": False, "endpoint": NOWHERE}, {}),
        ({"enabled": True}, {"OTEL_SDK_DISABLED": "true"}),
        ({}, {ENDPOINT: " "}),
        (
            {"enabled": True},
            {
                "OTEL_TRACES_EXPORTER": "none",
                "OTEL_METRICS_EXPORTER": "prometheus",
                "OTEL_LOGS_EXPORTER": "none",
            },
        ),
    ],
)
def test_it_is_off_unless_it_is_wanted(
    monkeypatch: pytest.MonkeyPatch, settings: dict[str, Any], variables: dict[str, str]
) -> None:
    for name, value in variables.items():
        monkeypatch.setenv(name, value)
    said: list[str] = []
    assert chosen(said, **settings) is None
    assert said == []


@pytest.mark.parametrize(
    ("settings", "variables", "parts"),
    [
        ({"enabled": True}, {}, 3),
        ({"endpoint": NOWHERE}, {}, 3),
        ({}, {ENDPOINT: NOWHERE}, 3),
        ({}, {"OTEL_EXPORTER_OTLP_TRACES_ENDPOINT": f"{NOWHERE}/v1/traces"}, 1),
        ({}, {ENDPOINT: NOWHERE, "OTEL_METRICS_EXPORTER": "none"}, 2),
        ({}, {ENDPOINT: NOWHERE, "OTEL_EXPORTER_OTLP_PROTOCOL": "http/protobuf"}, 3),
        ({"endpoint": NOWHERE}, {"OTEL_EXPORTER_OTLP_PROTOCOL": "grpc"}, 3),
    ],
)
def test_settings_and_variables_switch_it_on(
    monkeypatch: pytest.MonkeyPatch,
    settings: dict[str, Any],
    variables: dict[str, str],
    parts: int,
) -> None:
    installed()
    for name, value in variables.items():
        monkeypatch.setenv(name, value)
    with closing(chosen(**settings)) as telemetry:
        assert len(telemetry.parts) == parts


@pytest.mark.usefixtures("not_installed")
@pytest.mark.parametrize("settings", [{"enabled": True}, {"endpoint": NOWHERE}])
def test_asked_for_and_not_installed_is_an_error_that_names_the_extra(
    settings: dict[str, Any],
) -> None:
    with pytest.raises(MissingExtraError, match=r"pip install 'metallm\[otel\]'"):
        chosen(**settings)


@pytest.mark.usefixtures("not_installed")
def test_variables_alone_stop_no_gateway_that_lacks_the_extra(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv(ENDPOINT, NOWHERE)
    said: list[str] = []
    assert chosen(said) is None
    assert "metallm[otel]" in said[0]


def test_a_protocol_that_is_not_spoken_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OTEL_EXPORTER_OTLP_PROTOCOL", "grpc")
    with pytest.raises(ConfigurationError, match="only http/protobuf is spoken here"):
        chosen(enabled=True)
    monkeypatch.setenv(ENDPOINT, NOWHERE)
    said: list[str] = []
    assert chosen(said) is None
    assert "OTEL_EXPORTER_OTLP_PROTOCOL is 'grpc'" in said[0]


@pytest.mark.parametrize("endpoint", ["127.0.0.1:4318", "grpc://x", "http://", ""])
def test_an_endpoint_that_is_no_url_is_refused(endpoint: str) -> None:
    with pytest.raises(ValidationError):
        OtelSettings(endpoint=endpoint)


def test_what_was_told_reaches_the_collector_before_it_closes(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    installed()
    from collector import collecting, values
    from gateway.gates import BOTH, gate
    from metallm.providers.scripted import ScriptedProvider

    monkeypatch.setenv("OTEL_SERVICE_NAME", "our-gateway")
    monkeypatch.setenv("OTEL_EXPORTER_OTLP_HEADERS", "authorization=Bearer%20of-the-collector")
    monkeypatch.setenv("OTEL_EXPORTER_OTLP_COMPRESSION", "gzip")
    said: list[str] = []
    with collecting() as collector:
        telemetry = chosen(said, endpoint=f"{collector.url}/")
        provider = telemetry.traced(ScriptedProvider(BOTH))
        with gate(provider=provider, tracing=telemetry.tracing) as found:
            decision = found.chat().headers["x-metallm-decision-id"]
            found.send("POST", "/v1/feedback", {"decision_id": decision, "quality": 1})
        telemetry.close()
    assert said == []
    assert {span.name.split()[0] for span in collector.spans()} == {"POST", "decide", "chat"}
    (chat,) = [span for span in collector.spans() if span.name.startswith("chat")]
    told = values(chat.attributes)
    assert told["gen_ai.usage.input_tokens"] == 10
    assert told["gen_ai.response.finish_reasons"] == ["stop"]
    (event,) = collector.events()
    assert (event.event_name, event.span_id) == ("gen_ai.evaluation.result", chat.span_id)
    assert {"gen_ai.client.token.usage", "metallm.cost"} <= collector.metrics()
    assert collector.services() == {"our-gateway"}
    sent = {headers.get("authorization") for headers in collector.headers}
    assert sent == {"Bearer of-the-collector"}


def test_no_text_of_a_client_s_keeps_a_batch_from_being_sent() -> None:
    installed()
    from collector import collecting
    from gateway.gates import BOTH, gate
    from metallm.providers.scripted import ScriptedProvider

    said: list[str] = []
    odd = "%ED%A0%80%00%FF%F0%9F"  # half a pair, nothing, no UTF-8, and a sign cut short
    with collecting() as collector:
        telemetry = chosen(said, endpoint=collector.url)
        provider = telemetry.traced(ScriptedProvider(BOTH))
        with gate(provider=provider, tracing=telemetry.tracing) as found:
            headers = {"x-metallm-task": odd, "x-request-id": odd, "tracestate": odd}
            found.send("POST", "/v1/chat/completions", TEXT, headers=headers)
            found.send("GET", f"/{odd}")
            found.send("GET", f"/v1/models/{odd * 1000}")
        telemetry.close()
    assert said == []
    names = [span.name for span in collector.spans()]
    assert len([name for name in names if name.startswith(("POST", "GET"))]) == 3
    assert {"decide", "chat cheap"} <= set(names) or {"decide", "chat dear"} <= set(names)


def test_without_a_name_of_its_own_the_service_is_metallm() -> None:
    installed()
    from collector import collecting

    with collecting() as collector:
        telemetry = chosen(endpoint=collector.url)
        telemetry.tracing.middleware.kwargs["tracer"].start_span("one").end()
        telemetry.close()
    assert collector.services() == {"metallm"}


def test_a_collector_that_never_answers_is_left_behind_and_slows_nobody() -> None:
    installed()
    from gateway.gates import BOTH, gate
    from metallm.providers.scripted import ScriptedProvider

    said: list[str] = []
    with socket.create_server(("127.0.0.1", 0)) as silent:  # takes connections, and says nothing
        telemetry = chosen(said, endpoint=f"http://127.0.0.1:{silent.getsockname()[1]}")
        provider = telemetry.traced(ScriptedProvider(BOTH))
        with gate(provider=provider, tracing=telemetry.tracing) as found:
            assert all(found.chat().status == 200 for _ in range(20))
        started = time.monotonic()
        telemetry.close(0.2)
        assert time.monotonic() - started < 5.0
    assert said[-1] == "telemetry: what was left could not be sent within 0.2 s"


def test_a_collector_that_is_not_there_is_told_of_now_and_then() -> None:
    installed()
    import logging

    said: list[str] = []
    with closing(chosen(said, endpoint=NOWHERE)):
        logger = logging.getLogger("opentelemetry.somewhere")
        for number in range(5):
            logger.warning("cannot reach %s", number)
        logger.error("x" * 1000)
    assert said[:1] == ["telemetry: cannot reach 0"]
    assert len([line for line in said if "cannot reach" in line]) == 1
    assert max(map(len, said)) < 400
    logging.getLogger("opentelemetry").warning("nobody is told any more")
    assert "nobody" not in said[-1]
