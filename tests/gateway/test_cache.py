"""Answers given again to the same request."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import openai
import pytest

from gateway.gates import HELLO, Gate, Reply, gate
from gateway.keyed import key, keyed
from metallm.errors import ProviderUnavailableError
from metallm.gateway.aliases import Alias
from metallm.gateway.rules import CacheRules, Rules
from metallm.providers.scripted import Cut

ON = Rules(cache=CacheRules(ttl_s=60.0))
COLD = {"model": "auto", "messages": HELLO, "temperature": 0}


def ask(made: Gate, headers: dict[str, str] | None = None, **body: Any) -> Reply:
    whole = {**COLD, **body}
    return made.send("POST", "/v1/chat/completions", whole, headers=headers or {})


def state(reply: Reply) -> str | None:
    return reply.headers.get("x-metallm-cache")


def test_it_is_off_unless_somebody_says_more() -> None:
    with gate() as made:
        assert [state(ask(made)) for _ in range(2)] == [None, None]
        assert made.provider.count() == 2


def test_the_same_request_gets_the_same_answer_at_no_cost_and_nothing_is_learned() -> None:
    with gate(rules=ON) as made:
        first, second = ask(made), ask(made)
        assert (state(first), state(second)) == ("miss", "hit")
        assert first.body == second.body
        assert second.headers["x-metallm-decision-id"] == first.headers["x-metallm-decision-id"]
        assert float(first.headers["x-metallm-cost-usd"]) > 0.0
        assert second.headers["x-metallm-cost-usd"] == "0"
        assert second.headers["age"] == "0"
        assert made.router.knowledge.decisions == made.provider.count() == 1
        told = made.send("GET", "/metrics").body.decode()
        assert 'metallm_replays_total{kind="cache"} 1.0' in told


def test_a_stream_is_given_again_as_a_stream_that_cost_nothing() -> None:
    with gate(rules=ON) as made, made.client() as client:
        told = []
        for _ in range(2):
            events = client.chat.completions.create(
                model="auto", messages=HELLO, temperature=0, stream=True
            )
            assert isinstance(events, openai.Stream)
            told.append("".join(each.choices[0].delta.content or "" for each in events))
        assert told[0] == told[1] != ""
        assert b": metallm cost_usd=0 decision_id=dec_0" in ask(made, stream=True).body
        assert made.provider.count() == 1


@pytest.mark.parametrize(
    "other",
    [
        {"temperature": 0.1},
        {"temperature": None},
        {"temperature": False},
        {"messages": [{"role": "user", "content": "hello there!"}]},
        {"model": "sim/dear"},
        {"stream": True},
        {"max_tokens": 5},
        {"metallm": {"cost_weight": 0.5}},
    ],
)
def test_another_request_is_another_one(other: dict[str, Any]) -> None:
    with gate(rules=ON) as made:
        ask(made)
        assert state(ask(made, **other)) in {"miss", None}
        assert made.provider.count() == 2


def test_the_order_of_fields_makes_no_other_request() -> None:
    with gate(rules=ON) as made:
        ask(made)
        turned = dict(reversed(COLD.items()))
        assert state(made.send("POST", "/v1/chat/completions", turned)) == "hit"


def test_any_temperature_counts_where_the_settings_say_so() -> None:
    with gate(rules=Rules(cache=CacheRules(ttl_s=60.0, any_temperature=True))) as made:
        assert [state(ask(made, temperature=0.7)) for _ in range(2)] == ["miss", "hit"]
        assert [state(ask(made, temperature=0.8)) for _ in range(2)] == ["miss", "hit"]


def test_a_client_can_ask_for_a_fresh_answer() -> None:
    with gate(rules=ON) as made:
        ask(made)
        fresh = ask(made, {"Cache-Control": "no-cache"})
        assert state(fresh) == "miss"
        again = ask(made)
        assert again.headers["x-metallm-decision-id"] == fresh.headers["x-metallm-decision-id"]
        assert state(ask(made, {"Cache-Control": "no-store"})) is None


def test_errors_and_broken_streams_are_not_kept() -> None:
    down = ProviderUnavailableError("sim/cheap", "down", status=503)
    with gate({"sim/cheap": [down, Cut("half"), "whole"]}, rules=ON) as made:
        assert ask(made, model="sim/cheap", stream=True).status == 502
        assert b'"error"' in ask(made, model="sim/cheap", stream=True).body
        assert b"whole" in ask(made, model="sim/cheap", stream=True).body
        assert state(ask(made, model="sim/cheap", stream=True)) == "hit"


def test_nothing_is_given_to_another_tenant_nor_to_a_key_that_may_have_less(tmp_path: Path) -> None:
    keys = [
        key(1, "a", tenant="one"),
        key(2, "b", tenant="one"),
        key(3, "c", tenant="two"),
        key(4, "d", tenant="one", arms=("sim/cheap",)),
    ]
    with keyed(tmp_path, *keys, rules={"cache": CacheRules(ttl_s=60.0)}) as made:
        states = [state(made.chat(who, temperature=0)) for who in "abcd"]
        assert states == ["miss", "hit", "miss", "miss"]


def test_an_alias_says_for_itself_how_long(tmp_path: Path) -> None:
    aliases = (Alias("kept", cache_ttl_s=60.0), Alias("plain"))
    with keyed(tmp_path, key(1, "a"), rules={"aliases": aliases}) as made:
        for model, expected in (("kept", "hit"), ("plain", None), ("auto", None)):
            made.chat("a", model=model, temperature=0)
            assert state(made.chat("a", model=model, temperature=0)) == expected
    rules = {"aliases": (Alias("never", cache_ttl_s=0.0),), "cache": CacheRules(ttl_s=60.0)}
    folder = tmp_path / "other"
    folder.mkdir()
    with keyed(folder, key(1, "a"), rules=rules) as made:
        assert {state(made.chat("a", model="never", temperature=0)) for _ in range(2)} == {None}


def test_feedback_on_a_hit_goes_to_the_decision_behind_it() -> None:
    with gate(rules=ON) as made:
        ask(made)
        judged = {"decision_id": ask(made).headers["x-metallm-decision-id"], "quality": 1.0}
        assert made.send("POST", "/v1/feedback", judged).status == 200
        kinds = [each.kind for each in made.router.outcomes("dec_0")]
        assert kinds == ["completion", "feedback"]


def test_what_is_no_request_is_refused_as_ever() -> None:
    with gate(rules=ON, max_body_bytes=1000) as made:
        path = "/v1/chat/completions"
        assert made.send("POST", path, raw=b"{").status == 400
        assert made.send("POST", path, raw=b"[]").status == 400
        assert ask(made, messages=[{"role": "user", "content": "x" * 2000}]).status == 413
        assert ask(made, model=7).status == 400
