"""What clients say beside their query, in fields and in headers."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.parse import quote

import pytest
from hypothesis import given
from hypothesis import strategies as st

from doubles import CHEAP, DEAR
from gateway.gates import CHAT, HELLO, Gate, Reply, gate
from gateway.keyed import key, keyed
from metallm.core.client import Client
from metallm.gateway.hints import HEADERS, MAX_CHARACTERS, MAX_TAGS, Hints
from metallm.gateway.reading import FieldError

NAMES = st.text(st.characters(exclude_categories=["C", "Z"]), min_size=1, max_size=20)


@pytest.fixture(scope="module")
def shared() -> Iterator[Gate]:
    with gate() as made:
        yield made


def ask(made: Gate, headers: dict[str, str] | None = None, **hints: Any) -> Reply:
    body = {"model": "auto", "messages": HELLO, "metallm": hints}
    return made.send("POST", CHAT, body, headers=headers or {})


def header(name: str, value: str) -> tuple[bytes, bytes]:
    return next(each for each, field in HEADERS.items() if field == name), value.encode("latin-1")


@given(
    task=NAMES,
    arms=st.lists(NAMES, min_size=1, max_size=3),
    cost_weight=st.floats(0.0, 10.0),
    tenant=NAMES,
    tags=st.lists(NAMES, min_size=1, max_size=MAX_TAGS, unique=True),
    session=NAMES,
)
def test_a_header_says_what_the_field_says(**fields: Any) -> None:
    in_headers = [
        header(name, ",".join(map(quote, value)) if isinstance(value, list) else quote(str(value)))
        for name, value in fields.items()
    ]
    assert Hints.read({}, in_headers) == Hints.read(fields, [])
    assert Hints.read(fields, []).tags == tuple(fields["tags"])


def test_a_field_goes_before_its_header_and_null_does_not() -> None:
    told = [header("task", "b"), header("tags", "x, y")]
    assert Hints.read({"task": "a", "tags": None}, told) == Hints(task="a", tags=("x", "y"))


@pytest.mark.parametrize(
    ("headers", "told"),
    [
        ([header("cost_weight", "cheap")], "x-metallm-cost-weight must be a number"),
        ([header("arms", "a,,b")], "x-metallm-arms must be a text that is not empty"),
        ([header("tags", " ")], "x-metallm-tags must be a text that is not empty"),
        ([header("tags", "a" * 65)], "x-metallm-tags must be at most 64 printable characters"),
        ([header("tenant", "a%0Ab")], "x-metallm-tenant must be at most 64 printable characters"),
        ([header("session", "")], "x-metallm-session must be a text that is not empty"),
    ],
)
def test_a_header_that_cannot_be_used_is_told_by_its_name(
    headers: list[tuple[bytes, bytes]], told: str
) -> None:
    with pytest.raises(FieldError) as caught:
        Hints.read({}, headers)
    assert str(caught.value) == told
    assert caught.value.param == headers[0][0].decode()


@pytest.mark.parametrize(
    "hints",
    [
        {"tags": [f"t{n}" for n in range(MAX_TAGS + 1)]},
        {"tags": ["a" * (MAX_CHARACTERS + 1)]},
        {"tags": ["two\nlines"]},
        {"tags": "one"},
        {"tags": [1]},
        {"tenant": ""},
        {"tenant": "a" * (MAX_CHARACTERS + 1)},
        {"tenants": "a"},
    ],
)
def test_a_field_that_cannot_be_used_is_refused(shared: Gate, hints: dict[str, Any]) -> None:
    reply = ask(shared, **hints)
    assert reply.status == 400
    assert reply.error["param"].startswith("metallm.t")


def test_tags_and_tenant_stay_with_the_decision(shared: Gate) -> None:
    told = {"x-metallm-tags": f"eu,{quote('größe')}", "x-metallm-tenant": "acme"}
    decision = ask(shared, told).headers["x-metallm-decision-id"]
    kept = shared.send("GET", f"/v1/decisions/{decision}").json["client"]
    assert (kept["tenant"], kept["tags"]) == ("acme", ["eu", "größe"])
    assert ask(shared, tags=["eu", "eu"]).status == 200


def test_a_classification_is_tagged_in_every_step(shared: Gate) -> None:
    asked = {"texts": ["a", "b"], "labels": ["yes", "no"], "tags": ["night"], "max_calls": 2}
    results = shared.send("POST", "/v1/classify", asked, headers={"x-metallm-task": "t"})
    for each in results.json["results"]:
        first = shared.router.decision(each["decision_id"])
        steps = [decision for decision, _ in shared.router.steps(first)]
        assert len(steps) > 1
        assert {step.client for step in steps} == {Client(tags=("night",))}
        assert first.task == "t"


def test_headers_choose_the_arms_and_what_money_is_worth(shared: Gate) -> None:
    for arm in (CHEAP, DEAR):
        reply = ask(shared, {"x-metallm-arms": arm.name, "x-metallm-cost-weight": "0.7"})
        assert reply.headers["x-metallm-arm"] == arm.name
        kept = shared.router.decision(reply.headers["x-metallm-decision-id"])
        assert (kept.cost_weight, tuple(kept.propensities)) == (0.7, (arm.name,))


def test_a_tenant_of_another_is_refused_unless_the_key_is_an_admin_s(tmp_path: Path) -> None:
    keys = (key(1, "root", admin=True), key(2, "alice", tenant="a"), key(3, "bob", tenant="b"))
    with keyed(tmp_path, *keys) as made:
        for smuggled in ({"x-metallm-tenant": "b"}, {}):
            field = {} if smuggled else {"metallm": {"tenant": "b"}}
            refused = made.chat("alice", smuggled, **field)
            assert (refused.status, refused.error["code"]) == (403, "not_allowed")
        assert made.calls() == 0
        assert made.chat("alice", {"x-metallm-tenant": "a"}).status == 200
        of_bob = made.chat("root", {"x-metallm-tenant": "b"}).headers["x-metallm-decision-id"]
        seen = [made.send(who, "GET", f"/v1/decisions/{of_bob}").status for who in ("bob", "alice")]
        assert seen == [200, 404]
