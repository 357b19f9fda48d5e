"""Who may have which embeddings, and that no budget is passed by them."""

from __future__ import annotations

import http.client
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import orjson
import pytest

from gateway.embedding_hosts import ASK, NAME, PATH, Upstream, Waiting, keyed_before
from gateway.keyed import key
from metallm.core.budget import Budget
from metallm.core.key import Key
from metallm.providers.bounds import ADDED_PER_TEXT
from metallm.store.sqlite import SqliteStore


def test_a_key_that_is_held_to_arms_gets_the_models_among_them(tmp_path: Path) -> None:
    keys = (
        key(1, "free"),
        key(2, "held", arms=("sim/cheap",)),
        key(3, "named", arms=(NAME,)),
        key(4, "alias", aliases=("any",)),
    )
    with keyed_before(Upstream(), tmp_path, *keys) as made:
        statuses = {each.name: made.send(each.name, "POST", PATH, ASK).status for each in keys}
        assert statuses == {"free": 200, "held": 404, "named": 200, "alias": 404}
        refused = made.send("held", "POST", PATH, ASK).error["message"]
        assert "none is open to this key" in refused
        assert NAME not in made.send("held", "GET", "/v1/models").body.decode()
        assert NAME in made.send("named", "GET", "/v1/models").body.decode()
        assert made.send(None, "POST", PATH, ASK).status == 401


MOST = len(orjson.dumps(ASK)) + 2 * ADDED_PER_TEXT
"""Tokens that `ASK` may be billed for, at the most."""

BILLED = 10


def budget(tokens: float) -> Key:
    """A key that can pay for so many tokens at a dollar a million."""
    return key(1, "a", budget=Budget(tokens / 1e6))


def told(tokens: int) -> bytes:
    """An answer that is billed so many tokens."""
    return orjson.dumps({"data": [], "usage": {"prompt_tokens": tokens, "total_tokens": tokens}})


def dollar(upstream: Upstream, folder: Path, *keys: Key, **more: Any) -> Any:
    """A gateway before a host that takes a dollar for a million tokens."""
    return keyed_before(upstream, folder, *keys, input_price=1.0, **more)


def test_a_budget_is_charged_what_the_bill_says_and_ends(tmp_path: Path) -> None:
    upstream = Upstream(answer=told(BILLED))
    # two bills leave enough for a third call at its dearest, three do not
    keys = (budget(MOST + 2.5 * BILLED), key(2, "boss", admin=True))
    with dollar(upstream, tmp_path, *keys) as made:
        statuses = [made.send("a", "POST", PATH, ASK).status for _ in range(4)]
        last = made.send("a", "POST", PATH, ASK)
        spent = made.gate.router.spent_nano("key", key(1, "a").id, 0.0)
        metrics = made.send("boss", "GET", "/metrics").body.decode()
    assert statuses == [200, 200, 200, 429]
    assert (last.error["code"], last.headers["x-should-retry"]) == ("insufficient_quota", "false")
    assert len(upstream.asked) == 3
    assert spent == 3 * BILLED * 1000
    assert 'metallm_refusals_total{reason="budget"} 2.0' in metrics


def test_what_was_spent_is_remembered_over_a_restart(tmp_path: Path) -> None:
    upstream = Upstream(answer=told(BILLED))
    allowed = []
    for run in range(2):
        folder = tmp_path / str(run)
        folder.mkdir()
        store = SqliteStore(tmp_path / "log.db")
        with dollar(upstream, folder, budget(MOST + 1.5 * BILLED), store=store) as made:
            allowed += [made.send("a", "POST", PATH, ASK).status for _ in range(1 + run)]
    assert allowed == [200, 200, 429]


@pytest.mark.parametrize(
    ("status", "answer", "charged"),
    [(400, b"{}", 0), (401, b"{}", 0), (429, b"{}", 0), (500, b"{}", 1), (200, b"?", 1)],
)
def test_a_call_without_a_bill_costs_what_it_may_at_most_unless_it_was_refused(
    tmp_path: Path, status: int, answer: bytes, charged: int
) -> None:
    upstream = Upstream(status, answer)
    with dollar(upstream, tmp_path, budget(1.5 * MOST)) as made:
        for _ in range(2):
            made.send("a", "POST", PATH, ASK)
        spent = made.gate.router.spent_nano("key", key(1, "a").id, 0.0)
    assert len(upstream.asked) == 2 - charged
    assert spent == charged * (MOST * 1000 + 1)


def test_an_answer_without_usage_counts_with_the_most_it_can_have_cost(tmp_path: Path) -> None:
    with dollar(Upstream(answer=b'{"data": []}'), tmp_path, budget(1.5 * MOST)) as made:
        assert [made.send("a", "POST", PATH, ASK).status for _ in range(2)] == [200, 429]


def test_a_call_that_is_under_way_is_held_against_the_budget_and_in_the_log(tmp_path: Path) -> None:
    upstream = Waiting(answer=told(BILLED))
    with (
        dollar(upstream, tmp_path, budget(1.5 * MOST)) as made,
        ThreadPoolExecutor(1) as beside,
    ):
        first = beside.submit(made.send, "a", "POST", PATH, ASK)
        assert upstream.arrived.wait(20)
        held = made.send("a", "POST", PATH, ASK)
        logged = made.gate.router.spent_nano("key", key(1, "a").id, 0.0)
        upstream.go.set()
        assert first.result(20).status == 200
        spent = made.gate.router.spent_nano("key", key(1, "a").id, 0.0)
    assert (held.status, held.error["code"]) == (429, "budget_held")
    assert int(held.headers["retry-after-ms"]) > 0
    assert (logged, spent) == (MOST * 1000 + 1, BILLED * 1000)


def test_a_client_that_goes_away_stops_the_call_and_pays_the_most(tmp_path: Path) -> None:
    upstream = Waiting(answer=told(BILLED))
    with dollar(upstream, tmp_path, budget(1.5 * MOST)) as made:
        connection = http.client.HTTPConnection(made.gate.url.removeprefix("http://"), timeout=20)
        whose = {"Authorization": f"Bearer {made.secrets['a']}"}
        connection.request("POST", PATH, orjson.dumps(ASK), whose)
        assert upstream.arrived.wait(20)
        connection.close()
        assert upstream.left.wait(20)
        assert made.gate.router.spent_nano("key", key(1, "a").id, 0.0) == MOST * 1000 + 1
        assert made.send("a", "POST", PATH, ASK).status == 429


def test_a_bill_beyond_its_bound_is_told_and_further_calls_are_allowed_more(tmp_path: Path) -> None:
    upstream = Upstream(answer=told(MOST + 100))
    with dollar(upstream, tmp_path, budget(2 * MOST + 150)) as made:
        statuses = [made.send("a", "POST", PATH, ASK).status for _ in range(2)]
        (warned,) = (line for line in made.gate.lines() if line["event"] == "warning")
    assert statuses == [200, 429]  # without the lesson there would be enough for another
    assert f"billed {MOST + 100} input tokens, where {MOST}" in warned["told"]


@pytest.mark.parametrize(
    ("more", "why"),
    [
        ({"input": [{"image": "https://example.org/cat.png"}]}, "other things than texts"),
        ({"input": [[1, 2.5]]}, "other things than texts"),
        ({"service_tier": "priority"}, "service_tier"),
    ],
)
def test_what_has_no_bound_is_refused_to_a_budget_alone(
    tmp_path: Path, more: dict[str, Any], why: str
) -> None:
    upstream = Upstream()
    with dollar(upstream, tmp_path, budget(1e6), key(2, "free")) as made:
        refused = made.send("a", "POST", PATH, {**ASK, **more})
        assert made.send("free", "POST", PATH, {**ASK, **more}).status == 200
    assert refused.status == 400
    assert why in refused.error["message"]
    assert len(upstream.asked) == 1


def test_without_a_price_no_budget_can_hold_a_model(tmp_path: Path) -> None:
    unpriced = {"input_price": None, "output_price": None, "price": "unknown"}
    with keyed_before(Upstream(), tmp_path, budget(1e6), key(2, "free"), **unpriced) as made:
        reply = made.send("a", "POST", PATH, ASK)
        assert made.send("free", "POST", PATH, ASK).status == 200
    assert (reply.status, reply.error["code"]) == (400, "arm_cannot_take_query")
    assert "its price is unknown" in reply.error["message"]


def test_tokens_a_minute_count_what_was_embedded(tmp_path: Path) -> None:
    upstream = Upstream(answer=told(90))
    with keyed_before(upstream, tmp_path, key(1, "a", tokens_per_minute=100.0)) as made:
        first = made.send("a", "POST", PATH, ASK)
        second = made.send("a", "POST", PATH, ASK)
    assert (first.status, second.status) == (200, 429)
    assert first.headers["x-ratelimit-limit-tokens"] == "100"
    assert second.error["code"] == "rate_limit_exceeded"


def test_a_refusal_by_the_budget_gives_the_tokens_back(tmp_path: Path) -> None:
    poor = key(1, "a", tokens_per_minute=100.0, budget=Budget(1e-9))
    with dollar(Upstream(), tmp_path, poor) as made:
        codes = [made.send("a", "POST", PATH, ASK).error["code"] for _ in range(6)]
    assert set(codes) == {"insufficient_quota"}
