from __future__ import annotations

import io
import socket
from typing import Any

import openai
import orjson
import pytest

from doubles import CHEAP, DEAR, HashEmbedder
from gateway.gates import BOTH, CHAT, HELLO, Gate, gate
from metallm.assembly import Router
from metallm.core.arm import Arm
from metallm.errors import ProviderTimeoutError, ProviderUnavailableError
from metallm.gateway.app import create_app
from metallm.providers.scripted import ScriptedProvider
from metallm.store.memory import MemoryStore
from servers import running


def counts(made: Gate) -> dict[str, float]:
    """Every sample of /metrics by its name and labels."""
    lines = made.send("GET", "/metrics").body.decode().splitlines()
    samples = [line.rpartition(" ") for line in lines if not line.startswith("#")]
    return {name: float(value) for name, _, value in samples}


def test_the_official_client_lists_auto_and_the_arms() -> None:
    with gate() as made, made.client() as client:
        assert [model.id for model in client.models.list()] == ["auto", "sim/cheap", "sim/dear"]
        one = client.models.retrieve("sim/dear")
        assert (one.id, one.object, one.owned_by) == ("sim/dear", "model", "sim")
        assert client.models.retrieve("auto").owned_by == "metallm"
        with pytest.raises(openai.NotFoundError, match="auto, sim/cheap, sim/dear"):
            client.models.retrieve("sim/none")


def test_models_tell_their_prices_in_usd_per_million_tokens() -> None:
    kept = Arm("sim/kept", 1.0, 2.0, 0.1, service_prices={"flex": 0.5})
    arms = [DEAR, Arm("sim/odd", price="unknown"), kept]
    with gate(arms=arms) as made:
        listed = made.send("GET", "/v1/models").json["data"]
        prices = {each["id"]: each["metallm"]["price_per_mtok"] for each in listed}
        unset: dict[str, object] = {
            "cache_read": None,
            "cache_write": None,
            "cache_write_1h": None,
            "tiers": [],
            "services": None,
        }
        assert prices == {
            "auto": None,
            "sim/dear": {"input": 10.0, "output": 20.0, **unset},
            "sim/odd": None,
            "sim/kept": {
                "input": 1.0,
                "output": 2.0,
                "cache_read": 0.1,
                "cache_write": None,
                "cache_write_1h": None,
                "tiers": [],
                "services": {"flex": 0.5},
            },
        }
        assert made.send("GET", "/v1/models/sim/kept").json == listed[3]


def test_a_decision_is_told_with_estimates_and_outcomes_but_never_its_context() -> None:
    with gate() as made:
        made.chat()
        made.send("POST", "/v1/feedback", {"decision_id": "dec_0", "quality": 0.5})
        reply = made.send("GET", "/v1/decisions/dec_0")
        told = reply.json
        decision = made.router.decision("dec_0")
        assert told["arm"] == decision.arm
        assert told["propensities"] == dict(decision.propensities)
        assert sum(told["propensities"].values()) == pytest.approx(1)
        estimate = decision.estimates["sim/dear"]
        assert told["estimates"]["sim/dear"] == {
            "quality": estimate.quality,
            "uncertainty": estimate.uncertainty,
            "cost_usd": estimate.cost_usd,
            "reward": estimate.reward,
        }
        assert [each["kind"] for each in told["outcomes"]] == ["completion", "feedback"]
        assert told["outcomes"][1]["quality"] == 0.5
        assert "text" not in told
        assert b"context" not in reply.body
        assert b"hello there" not in reply.body


def test_a_decision_tells_its_text_where_prompts_are_logged() -> None:
    with gate(log_prompts=True) as made:
        made.chat()
        assert made.send("GET", "/v1/decisions/dec_0").json["text"] == "hello there"


def test_an_unknown_decision_is_not_found() -> None:
    with gate() as made:
        reply = made.send("GET", "/v1/decisions/dec_none")
        assert (reply.status, reply.error["code"]) == (404, "decision_not_found")


def test_health_tells_how_much_was_learned() -> None:
    with gate() as made:
        made.chat()
        made.send("POST", "/v1/feedback", {"decision_id": "dec_0", "quality": 1})
        told = made.send("GET", "/healthz")
        assert told.status == 200
        assert told.json == {"status": "ok", "arms": 2, "decisions": 1, "outcomes": 1}


def test_what_happens_is_counted_by_arm_and_kind() -> None:
    with gate() as made:
        made.chat(model="sim/dear")
        made.chat(model="sim/dear", stream=True)
        made.chat(metallm={"arms": ["sim/cheap"]})
        made.chat(model="gpt-9")
        made.send("POST", "/v1/feedback", {"decision_id": "dec_0", "quality": 1})
        made.send("GET", "/nowhere")
        seen = counts(made)
        assert seen['metallm_requests_total{kind="chat",status="2xx"}'] == 2
        assert seen['metallm_requests_total{kind="chat",status="4xx"}'] == 1
        assert seen['metallm_requests_total{kind="chat_stream",status="2xx"}'] == 1
        assert seen['metallm_requests_total{kind="other",status="4xx"}'] == 1
        assert seen['metallm_decisions_total{arm="sim/dear",kind="named"}'] == 2
        assert seen['metallm_decisions_total{arm="sim/cheap",kind="routed"}'] == 1
        assert seen['metallm_tokens_total{arm="sim/dear",kind="input"}'] == 20
        assert seen['metallm_tokens_total{arm="sim/dear",kind="output"}'] == 10
        assert seen['metallm_cost_usd_total{arm="sim/dear"}'] == pytest.approx(0.0004)
        assert seen['metallm_feedback_total{arm="sim/dear"}'] == 1
        assert seen['metallm_overhead_seconds_count{kind="chat"}'] == 2
        assert seen['metallm_overhead_seconds_count{kind="chat_stream"}'] == 1
        assert seen['metallm_request_seconds_count{kind="chat"}'] == 3
        assert not [name for name in seen if "_created" in name]


def test_failures_are_counted_for_every_arm_that_failed() -> None:
    script: Any = {
        "sim/cheap": ProviderUnavailableError("sim/cheap", "down"),
        "sim/dear": [ProviderTimeoutError("sim/dear", "late"), "here"],
    }
    with gate(script, policy="fixed:sim/cheap") as made:
        assert made.chat().status == 502
        assert made.chat().status == 200
        seen = counts(made)
        assert seen['metallm_failures_total{arm="sim/cheap",kind="provider_unavailable"}'] == 1
        assert seen['metallm_failures_total{arm="sim/dear",kind="provider_timeout"}'] == 1
        assert seen['metallm_failures_total{arm="sim/cheap",kind="fell_back"}'] == 1


def test_two_apps_in_one_process_count_apart() -> None:
    with gate() as first, gate() as second:
        first.chat(model="sim/dear")
        assert not any(name.startswith("metallm_decisions_total{") for name in counts(second))
        assert any(name.startswith("metallm_decisions_total{") for name in counts(first))


def test_every_request_is_one_line_of_json_without_texts() -> None:
    with gate() as made:
        made.send(
            "POST",
            CHAT,
            {"model": "sim/cheap", "messages": HELLO},
            headers={"x-request-id": "mine", "Authorization": "Bearer sk-secret-key"},
        )
        (line,) = made.lines()
        assert line["event"] == "request"
        assert (line["method"], line["path"], line["status"]) == ("POST", CHAT, 200)
        assert (line["request_id"], line["decision_id"]) == ("mine", "dec_0")
        assert line["arm"] == CHEAP.name
        assert line["ms"] > 0
        whole = orjson.dumps(line).decode()
        assert "sk-secret-key" not in whole
        assert "hello there" not in whole
        assert BOTH["sim/cheap"] not in whole


def test_when_the_server_stops_the_router_is_closed() -> None:
    class Watched(MemoryStore):
        durable = True  # so that there is a snapshot to look at
        closed = False

        def close(self) -> None:
            self.closed = True
            super().close()

    store = Watched()
    with gate(store=store) as made:
        made.chat()
        assert not store.closed
    assert store.closed
    assert made.provider.closed
    snapshot = store.snapshot()
    assert snapshot is not None
    assert snapshot[0] == 2


def test_an_app_without_anything_to_close_logs_to_stderr(
    capsys: pytest.CaptureFixture[str],
) -> None:
    router = Router([CHEAP], provider=ScriptedProvider({}), embedder=HashEmbedder())
    with running(create_app(router.caller)) as url:
        Gate(url, router, None, io.StringIO()).send("GET", "/healthz")
    told = capsys.readouterr()
    assert told.out == ""
    assert orjson.loads(told.err)["path"] == "/healthz"


def test_a_client_that_leaves_within_its_own_request_is_no_error() -> None:
    with gate() as made:
        host, _, port = made.url.removeprefix("http://").partition(":")
        with socket.create_connection((host, int(port)), timeout=20) as client:
            head = f"POST {CHAT} HTTP/1.1\r\nHost: x\r\nContent-Length: 100\r\n\r\n"
            client.sendall(head.encode() + b'{"model"')
            # it has been read when another request, on the same loop, is answered
            assert made.send("GET", "/healthz").status == 200
    left = next(line for line in made.lines() if line["path"] == CHAT)
    assert (left["event"], left["status"]) == ("request", None)
    assert made.router.knowledge.decisions == 0
