"""What OpenTelemetry is told of a gateway: one trace a request, and never what was said."""

from __future__ import annotations

import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from doubles import CHEAP, DEAR
from gateway.gates import BOTH, CHAT, HELLO, Gate, gate
from gateway.keyed import key, keyed
from metallm import Hedge
from metallm.errors import ProviderUnavailableError
from metallm.providers.scripted import Cut, ScriptedProvider

pytest.importorskip("opentelemetry.sdk", reason="the extra otel is not installed")

from opentelemetry.sdk.trace.sampling import ALWAYS_ON, ParentBased
from opentelemetry.trace import SpanKind, StatusCode, format_span_id, format_trace_id

from metallm.providers.traced import TracedProvider
from telling import Told, told

TRACE, PARENT = "0af7651916cd43dd8448eb211c80319c", "b7ad6b7169203331"
TRACEPARENT = f"00-{TRACE}-{PARENT}-01"


@contextmanager
def traced(script: Any = None, **options: Any) -> Iterator[tuple[Gate, Told]]:
    made = options.pop("told", None) or told()
    inner = options.pop("inner", None) or ScriptedProvider(BOTH if script is None else script)
    provider = TracedProvider(inner, made.calls())
    with gate(provider=provider, tracing=made.tracing(), **options) as found:
        yield found, made


def ask(found: Gate, *, headers: Mapping[str, str] | None = None, **body: Any) -> Any:
    return found.send("POST", CHAT, {"model": "auto", "messages": HELLO, **body}, headers=headers)


def parent_of(span: Any) -> str | None:
    return None if span.parent is None else str(format_span_id(span.parent.span_id))


def id_of(span: Any) -> str:
    return str(format_span_id(span.get_span_context().span_id))


@pytest.mark.parametrize("stream", [False, True])
def test_a_request_is_one_trace_of_request_decision_and_call(stream: bool) -> None:
    with traced(policy="fixed:sim/cheap") as (found, made):
        reply = ask(found, stream=stream, headers={"traceparent": TRACEPARENT})
        assert reply.status == 200
    server, decision, call = made.span("POST"), made.span("decide"), made.span("chat")
    traces = {format_trace_id(each.get_span_context().trace_id) for each in made.spans()}
    assert traces == {TRACE}
    assert [parent_of(each) for each in (server, decision, call)] == [
        PARENT,
        id_of(server),
        id_of(server),
    ]
    assert server.kind is SpanKind.SERVER
    assert server.name == f"POST {CHAT}"
    assert server.start_time <= decision.start_time <= decision.end_time <= server.end_time


def test_the_span_of_a_request_follows_the_conventions_for_http() -> None:
    with traced(policy="fixed:sim/cheap") as (found, made):
        reply = ask(found)
    given = dict(made.span("POST").attributes)
    assert given.pop("metallm.request.id") == reply.headers["x-request-id"]
    assert given == {
        "http.request.method": "POST",
        "http.response.status_code": 200,
        "http.route": CHAT,
        "url.path": CHAT,
        "url.scheme": "http",
        "metallm.kind": "chat",
        "metallm.arm": "sim/cheap",
        "metallm.decision.id": "dec_0",
    }


def test_the_span_of_a_decision_tells_how_the_arm_was_chosen() -> None:
    with traced() as (found, made):
        reply = ask(found, metallm={"task": "chatting", "cost_weight": 0.5})
    given = dict(made.span("decide").attributes)
    assert 0.0 < given.pop("metallm.propensity") <= 1.0
    assert given == {
        "metallm.decision.id": reply.headers["x-metallm-decision-id"],
        "metallm.arm": reply.headers["x-metallm-arm"],
        "metallm.arms": 2,
        "metallm.policy": "squarecb",
        "metallm.version": 0,
        "metallm.cost_weight": 0.5,
        "metallm.task": "chatting",
    }


@pytest.mark.parametrize("stream", [False, True])
def test_every_arm_that_is_tried_has_a_span(stream: bool) -> None:
    broken = ProviderUnavailableError("sim/cheap", "my secret reason", status=503)
    script = {"sim/cheap": broken, "sim/dear": "hi"}
    with traced(script, policy="fixed:sim/cheap") as (found, made):
        assert ask(found, stream=stream).status == 200
    failed, answered = made.spans("chat")
    assert failed.attributes["error.type"] == "503"
    assert failed.attributes["metallm.arm"] == "sim/cheap"
    assert answered.attributes["metallm.arm"] == "sim/dear"
    assert made.span("POST").attributes["metallm.arm"] == "sim/dear"
    assert made.span("POST").status.status_code is StatusCode.UNSET


def test_the_other_call_of_a_hedge_is_cancelled() -> None:
    async def at_once(_seconds: float) -> None: ...

    class Stuck(ScriptedProvider):
        async def complete(self, arm: Any, request: Any) -> Any:
            import asyncio

            if arm.name == "sim/cheap":
                await asyncio.Event().wait()
            return await super().complete(arm, request)

    options: Any = {"hedge": Hedge(after_s=1.0), "sleep": at_once, "policy": "fixed:sim/cheap"}
    with traced(inner=Stuck(BOTH), **options) as (found, made):
        assert ask(found).headers["x-metallm-overtaken"] == "sim/cheap"
    kinds = {
        span.attributes["metallm.arm"]: span.attributes.get("error.type")
        for span in made.spans("chat")
    }
    assert kinds == {"sim/cheap": "cancelled", "sim/dear": None}


def test_a_request_that_fails_is_an_error_and_one_that_is_refused_is_none() -> None:
    broken = ProviderUnavailableError("sim/cheap", "no", status=503)
    with traced({"sim/cheap": broken, "sim/dear": broken}) as (found, made):
        assert ask(found).status >= 500
        assert ask(found, messages="none").status == 400
    failed, refused = made.spans("POST")
    assert failed.status.status_code is StatusCode.ERROR
    assert failed.attributes["error.type"] == str(failed.attributes["http.response.status_code"])
    assert refused.status.status_code is StatusCode.UNSET
    assert "error.type" not in refused.attributes


def test_a_stream_that_breaks_off_is_an_error_though_it_began_with_200() -> None:
    script = {"sim/cheap": Cut("half of it"), "sim/dear": Cut("half of it")}
    with traced(script) as (found, made):
        assert ask(found, stream=True).status == 200
    span = made.span("POST")
    assert span.attributes["error.type"] == "broken_stream"
    assert span.status.status_code is StatusCode.ERROR


def test_feedback_is_an_evaluation_of_the_call_that_answered() -> None:
    with traced(policy="fixed:sim/cheap") as (found, made):
        decision = ask(found).headers["x-metallm-decision-id"]
        call = made.span("chat")
        judgement = {"decision_id": decision, "quality": 0.25, "judge": "ann"}
        assert found.send("POST", "/v1/feedback", judgement).status == 200
    (event,) = made.events()
    assert event.event_name == "gen_ai.evaluation.result"
    assert dict(event.attributes) == {
        "gen_ai.evaluation.name": "quality",
        "gen_ai.evaluation.score.value": 0.25,
        "gen_ai.response.id": call.attributes["gen_ai.response.id"],
        "metallm.decision.id": decision,
        "metallm.arm": "sim/cheap",
        "metallm.judge": "ann",
    }
    assert format_span_id(event.span_id) == id_of(call)
    assert event.trace_id == call.get_span_context().trace_id


def test_feedback_on_what_is_forgotten_is_told_without_a_trace_of_its_own_decision() -> None:
    made = told()
    tracing = made.tracing(remembered=1)
    with gate(BOTH, tracing=tracing) as found:
        first = ask(found).headers["x-metallm-decision-id"]
        ask(found)
        found.send("POST", "/v1/feedback", {"decision_id": first, "quality": 1.0})
    (event,) = made.events()
    feedback = made.spans("POST /v1/feedback")[0]
    assert event.trace_id == feedback.get_span_context().trace_id
    assert event.attributes["metallm.decision.id"] == first


def test_cost_and_own_time_are_measured_by_arm_and_kind() -> None:
    with traced(policy="fixed:sim/cheap") as (found, made):
        cost = float(ask(found).headers["x-metallm-cost-usd"])
        ask(found, stream=True)
        counts = found.send("GET", "/metrics").body.decode()
    points = made.points()
    (usd,) = points["metallm.cost"]
    assert dict(usd.attributes) == {"metallm.arm": "sim/cheap"}
    assert usd.value == pytest.approx(2 * cost)
    own = {point.attributes["metallm.kind"]: point for point in points["metallm.overhead"]}
    assert {kind: point.count for kind, point in own.items()} == {"chat": 1, "chat_stream": 1}
    assert all(0.0 <= point.sum < 20.0 for point in own.values())
    # Prometheus is told the same
    assert 'metallm_overhead_seconds_count{kind="chat"} 1.0' in counts
    assert 'metallm_overhead_seconds_count{kind="chat_stream"} 1.0' in counts


def test_prometheus_is_told_how_long_arms_take() -> None:
    with gate(BOTH, policy="fixed:sim/cheap") as found:
        assert ask(found).status == ask(found, stream=True).status == 200
        body = {"text": "fine", "labels": ["yes", "no"]}
        assert found.send("POST", "/v1/classify", body).status == 200
        counts = found.send("GET", "/metrics").body.decode()
    assert 'metallm_arm_seconds_count{arm="sim/cheap",until="answer"} 2.0' in counts
    assert 'metallm_arm_seconds_count{arm="sim/cheap",until="first_event"} 1.0' in counts


SECRET = "what-nobody-may-read"


def test_neither_texts_nor_keys_are_told(tmp_path: Path) -> None:
    made = told()
    inner = ScriptedProvider(dict.fromkeys(BOTH, f"answer {SECRET}"))
    provider = TracedProvider(inner, made.calls())
    with keyed(tmp_path, key(1, "ann"), provider=provider, tracing=made.tracing()) as found:
        body: dict[str, Any] = {
            "model": "auto",
            "messages": [{"role": "user", "content": f"question {SECRET}"}],
        }
        for stream in (False, True):
            assert found.send("ann", "POST", CHAT, {**body, "stream": stream}).status == 200
        whole = found.secrets["ann"]
        found.gate.send("GET", f"/v1/models/{whole}?key={whole}", headers={"authorization": whole})
        found.gate.send("GET", f"/{SECRET[:4]}/{whole}")
        tenants = [each.attributes.get("metallm.tenant") for each in made.spans("POST")]
    shown = "".join(span.to_json() for span in made.spans()) + repr(made.points())
    assert tenants == ["ann", "ann"]
    assert SECRET not in shown
    assert whole not in shown
    assert whole[-16:] not in shown


def names_of(points: Mapping[str, list[Any]]) -> set[tuple[str, frozenset[Any]]]:
    return {
        (name, frozenset(point.attributes.items()))
        for name, each in points.items()
        for point in each
    }


def labels_of(found: Gate) -> set[str]:
    text = found.send("GET", "/metrics").body.decode()
    return {line.rpartition(" ")[0] for line in text.splitlines() if "{" in line}


def hostile(found: Gate, number: int) -> None:
    """What a client may try to make new series of."""
    odd = f"odd-{number}"
    headers = {"x-request-id": odd, "traceparent": odd, "tracestate": f"{odd}=1", "user-agent": odd}
    ask(found, headers=headers, metallm={"task": odd, "session": odd, "tags": [odd]})
    ask(found, model=odd)
    ask(found, metallm={"arms": [odd]})
    ask(found, metallm={"tenant": odd})
    found.send("GET", f"/{odd}", headers={"host": odd})
    found.send("GET", f"/v1/models/{odd}")
    found.send("GET", f"/v1/decisions/{odd}")
    found.send("PUT", CHAT)
    found.send("POST", "/v1/feedback", {"decision_id": odd, "quality": 1.0, "judge": odd})
    found.send("POST", "/v1/classify", {"text": odd, "labels": [odd, "b"], "task": odd})
    found.send("POST", "/v1/embeddings", {"model": odd, "input": "x"})


def test_whatever_clients_send_makes_no_new_series() -> None:
    with traced(policy="fixed:sim/cheap") as (found, made):
        hostile(found, 0)
        before = labels_of(found), names_of(made.points())
        for number in range(1, 20):
            hostile(found, number)
        after = labels_of(found), names_of(made.points())
    # the first look at /metrics is itself a kind of request
    assert {line for line in after[0] - before[0] if 'kind="metrics"' not in line} == set()
    assert not any("odd" in line for line in after[0])
    new = {name for name, _ in after[1] - before[1]}
    assert new <= {"http.server.request.duration"}
    assert len(after[1] - before[1]) <= 1
    assert "odd" not in repr(after[1])


def test_a_trace_that_a_client_does_not_want_sampled_is_measured_alone() -> None:
    with traced(told=told(ParentBased(ALWAYS_ON)), policy="fixed:sim/cheap") as (found, made):
        assert ask(found, headers={"traceparent": TRACEPARENT[:-1] + "0"}).status == 200
        assert made.spans() == []
        assert made.points()["http.server.request.duration"]
        assert ask(found, headers={"traceparent": TRACEPARENT}).status == 200
        assert len(made.spans()) == 3


@pytest.mark.parametrize(
    "sent", ["", "00-zz", "00-" + "0" * 32 + "-" + "0" * 16 + "-01", "x" * 5000]
)
def test_a_trace_that_makes_no_sense_is_passed_over(sent: str) -> None:
    with traced() as (found, made):
        assert ask(found, headers={"traceparent": sent}).status == 200
    assert made.span("POST").parent is None


def test_requests_at_once_keep_their_spans_apart() -> None:
    with traced(policy="fixed:sim/cheap") as (found, made):
        threads = [threading.Thread(target=ask, args=(found,)) for _ in range(8)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
    servers = {id_of(span): span for span in made.spans("POST")}
    assert len(servers) == 8
    for name in ("decide", "chat"):
        assert {parent_of(span) for span in made.spans(name)} == set(servers)


def test_every_step_of_a_classification_has_its_decision_and_its_calls() -> None:
    with traced(dict.fromkeys(BOTH, "yes"), arms=(CHEAP, DEAR)) as (found, made):
        body = {"text": "fine", "labels": ["yes", "no"], "task": "t"}
        assert found.send("POST", "/v1/classify", body).status == 200
    server = made.span("POST")
    assert server.name == "POST /v1/classify"
    assert {parent_of(each) for each in made.spans("decide")} == {id_of(server)}
    assert made.spans("chat")
