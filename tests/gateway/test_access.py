"""Who gets in, and to what."""

from __future__ import annotations

import http.client
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import openai
import pytest

from gateway.gates import CHAT, HELLO, gate
from gateway.keyed import Keyed, key, keyed, secret
from metallm.gateway.access import names_this_machine
from metallm.gateway.keyring import LOOK_EVERY_S
from metallm.gateway.rules import Rules

ADMIN = key(1, "root", admin=True)
ALICE = key(2, "alice", tenant="a")
BOB = key(3, "bob", tenant="b")
CAROL = key(4, "carol", tenant="a")


@pytest.fixture(scope="module")
def shared(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Keyed]:
    """A gateway for requests that change nothing that another test looks at."""
    folder = tmp_path_factory.mktemp("keys")
    with keyed(folder, ADMIN, ALICE, BOB, CAROL, log_prompts=True) as made:
        yield made


def decision(made: Keyed, who: str) -> str:
    return made.chat(who).headers["x-metallm-decision-id"]


@pytest.mark.parametrize(
    ("headers", "code"),
    [
        ({}, 401),
        ({"Authorization": "Bearer "}, 401),
        ({"Authorization": "Bearer wrong"}, 401),
        ({"Authorization": f"Basic {secret(2)}"}, 401),
        ({"Authorization": secret(2)}, 401),
        ({"Authorization": f"Bearer {secret(2)[:-1]}"}, 401),
        ({"Authorization": f"Bearer {secret(9)}"}, 401),
        ({"Authorization": f"Bearer {secret(2)}"}, 200),
        ({"Authorization": f"bearer  {secret(2)}"}, 200),
        ({"x-api-key": secret(2)}, 200),
        ({"x-api-key": secret(2), "Authorization": f"Bearer {secret(2)}"}, 200),
        ({"x-api-key": secret(1), "Authorization": f"Bearer {secret(2)}"}, 401),
        ({"x-api-key": "x", "Authorization": f"Bearer {secret(2)}"}, 401),
    ],
)
def test_a_key_opens_and_nothing_else_does(
    shared: Keyed, headers: dict[str, str], code: int
) -> None:
    reply = shared.gate.send("GET", "/v1/models", headers=headers)
    assert reply.status == code
    if code == 401:
        assert reply.error["code"] == "invalid_api_key"
        assert reply.headers["www-authenticate"] == "Bearer"
        assert reply.headers["x-should-retry"] == "false"


def test_two_headers_with_two_keys_are_refused(shared: Keyed) -> None:
    connection = http.client.HTTPConnection(shared.gate.url.removeprefix("http://"), timeout=20)
    connection.putrequest("GET", "/v1/judges")
    connection.putheader("Authorization", f"Bearer {secret(2)}")
    connection.putheader("Authorization", f"Bearer {secret(1)}")
    connection.endheaders()
    assert connection.getresponse().status == 401
    connection.close()


PLACES = [
    ("GET", "/v1/models"),
    ("GET", "/v1/models/auto"),
    ("GET", "/v1/tasks"),
    ("POST", "/v1/classify"),
    ("POST", "/v1/feedback"),
    ("POST", CHAT),
    ("POST", "/v1/messages"),
    ("POST", "/v1/messages/count_tokens"),
    ("GET", "/v1/decisions/x"),
]
ADMIN_PLACES = [("GET", "/v1/judges"), ("GET", "/metrics"), ("GET", "/v1/queue")]


@pytest.mark.parametrize(("method", "path"), PLACES + ADMIN_PLACES)
def test_every_place_asks_for_a_key(shared: Keyed, method: str, path: str) -> None:
    reply = shared.gate.send(method, path, {} if method == "POST" else None)
    assert reply.status == 401


@pytest.mark.parametrize(("method", "path"), PLACES)
def test_any_key_is_let_in_to_the_places_of_clients(shared: Keyed, method: str, path: str) -> None:
    reply = shared.send("alice", method, path, {} if method == "POST" else None)
    assert reply.status in {200, 400, 404}


@pytest.mark.parametrize(("method", "path"), ADMIN_PLACES)
def test_what_tells_of_all_tenants_takes_an_admin_key(
    shared: Keyed, method: str, path: str
) -> None:
    refused = shared.send("alice", method, path)
    assert (refused.status, refused.error["code"]) == (403, "not_allowed")
    assert shared.send("root", method, path).status == 200


@pytest.mark.parametrize(
    "path", ["/", "/v2/models", "/v1/judges/", "//v1/judges", "/V1/judges", "/v1/%6audges", "/docs"]
)
def test_a_path_that_nobody_named_is_not_for_keys_that_are_no_admins(
    shared: Keyed, path: str
) -> None:
    assert shared.send("alice", "GET", path).status == 403
    assert shared.send(None, "GET", path).status == 401


@pytest.mark.parametrize("method", ["PUT", "DELETE", "PATCH", "OPTIONS"])
def test_a_method_that_nobody_named_is_not_either(shared: Keyed, method: str) -> None:
    assert shared.send("alice", method, "/v1/tasks").status == 403


def test_whether_it_is_up_is_for_everybody_and_no_more_than_that(shared: Keyed) -> None:
    told = shared.gate.send("GET", "/healthz")
    assert (told.status, told.json) == (200, {"status": "ok"})
    assert shared.gate.send("GET", "/label").status == 200


def test_the_official_client_is_told_what_is_wrong_with_its_key(shared: Keyed) -> None:
    url = f"{shared.gate.url}/v1"
    with openai.OpenAI(base_url=url, api_key="sk-else", max_retries=2) as client:
        with pytest.raises(openai.AuthenticationError) as caught:
            client.chat.completions.create(model="auto", messages=HELLO)
        assert "sk-else" not in str(caught.value)
    with shared.client("alice") as client, pytest.raises(openai.PermissionDeniedError):
        client.get("/judges", cast_to=object)


def test_keys_come_and_go_without_a_restart(tmp_path: Path) -> None:
    with keyed(tmp_path) as made:
        assert made.chat(None).status == 200
        made.file.add(ADMIN)
        made.clock[0] += LOOK_EVERY_S
        assert made.chat(None).status == 401
        headers = {"Authorization": f"Bearer {secret(1)}"}
        assert made.chat(None, headers).status == 200
        made.file.put(replace(ADMIN, revoked_at=1.0))
        made.clock[0] += LOOK_EVERY_S
        refused = made.chat(None, headers)
        assert (refused.status, refused.error["message"]) == (401, "key 00000001 was revoked")


def test_a_key_in_a_url_is_refused_even_beside_a_good_one(shared: Keyed) -> None:
    reply = shared.send("alice", "GET", f"/v1/models?api_key={secret(3)}")
    assert reply.status == 401
    assert "metallm keys rotate" in reply.error["message"]
    assert shared.gate.send("GET", f"/v1/models?key={secret(2)}").status == 401
    assert shared.send("alice", "GET", "/v1/models?limit=1000").status == 200


def test_no_secret_gets_into_logs_answers_or_metrics(tmp_path: Path) -> None:
    with keyed(tmp_path, ADMIN, ALICE) as made:
        whole = secret(2)
        replies = [
            made.chat("alice"),
            made.chat("alice", model=whole),
            made.chat("alice", {"x-request-id": whole}),
            made.send("alice", "GET", f"/v1/{whole}"),
            made.send("alice", "GET", f"/{'x' * 170}{whole}"),
            made.send("root", "GET", f"/v1/decisions/{whole}"),
            made.send(None, "GET", f"/v1/models?api_key={whole}"),
            made.send(None, "GET", "/v1/models", headers={"x-api-key": secret(7)}),
            made.send("root", "GET", "/metrics"),
        ]
        log = made.gate.log.getvalue()
        told = [log, *(str(dict(reply.headers)) for reply in replies), replies[-1].body.decode()]
        for text in told:
            for number in (1, 2, 7):
                assert secret(number).rpartition("_")[2] not in text
                assert ALICE.digest.hex() not in text
        assert {line.get("key") for line in made.gate.lines()} == {None, "00000001", "00000002"}
        assert {line.get("tenant") for line in made.gate.lines()} == {None, "root", "a"}
        assert 'metallm_refusals_total{reason="in_url"} 1.0' in replies[-1].body.decode()
        assert 'metallm_refusals_total{reason="unknown"} 1.0' in replies[-1].body.decode()


@pytest.mark.parametrize("name", ["x-tenant", "tenant", "x-metallm-key"])
def test_no_header_makes_a_client_another_tenant(shared: Keyed, name: str) -> None:
    of_bob = decision(shared, "bob")
    smuggled = {name: "b", "x-forwarded-user": "bob"}
    path = f"/v1/decisions/{of_bob}"
    assert shared.send("alice", "GET", path, headers=smuggled).status == 404
    mine = shared.chat("alice", smuggled).headers["x-metallm-decision-id"]
    kept = shared.gate.router.decision(mine).client
    assert kept is not None
    assert (kept.tenant, kept.key) == ("a", "00000002")


@pytest.mark.parametrize("field", ["key", "client", "held_usd"])
def test_no_field_makes_a_client_another_tenant(shared: Keyed, field: str) -> None:
    assert shared.chat("alice", metallm={field: "b"}).status == 400


def test_a_tenant_sees_its_own_decisions_and_those_of_its_other_keys(shared: Keyed) -> None:
    of_alice = decision(shared, "alice")
    for who, status in (("alice", 200), ("carol", 200), ("root", 200), ("bob", 404)):
        assert shared.send(who, "GET", f"/v1/decisions/{of_alice}").status == status
    told = shared.send("carol", "GET", f"/v1/decisions/{of_alice}").json["client"]
    assert told == {"tenant": "a", "key": "00000002", "alias": None, "held_usd": None, "tags": []}


def test_anothers_decision_looks_like_one_that_is_not_there(shared: Keyed) -> None:
    of_alice = decision(shared, "alice")
    body = {"quality": 1.0}
    for method, path, given in (
        ("GET", "/v1/decisions/{}", None),
        ("POST", "/v1/feedback", body),
    ):
        replies = []
        for asked in (of_alice, "dec_999999"):
            sent = None if given is None else {**given, "decision_id": asked}
            reply = shared.send("bob", method, path.format(asked), sent)
            replies.append((reply.status, reply.error["message"].replace(asked, "?")))
        assert replies[0] == replies[1]
        assert replies[0][0] == 404
    assert [each.kind for each in shared.gate.router.outcomes(of_alice)] == ["completion"]


def test_feedback_on_many_decisions_takes_only_those_of_the_tenant(shared: Keyed) -> None:
    mine, anothers = decision(shared, "alice"), decision(shared, "bob")
    items = [{"decision_id": each, "quality": 1.0} for each in (mine, anothers)]
    reply = shared.send("alice", "POST", "/v1/feedback", {"feedback": items})
    assert [each["status"] for each in reply.json["results"]] == [200, 404]
    assert [each.kind for each in shared.gate.router.outcomes(anothers)] == ["completion"]


def test_two_tenants_conversations_of_one_name_have_nothing_to_do_with_each_other(
    tmp_path: Path,
) -> None:
    with keyed(tmp_path, ALICE, BOB) as made:
        conversations = made.gate.router.caller.conversations
        conversations.affinity = "sticky"
        turns = [*HELLO, {"role": "assistant", "content": "hi"}, {"role": "user", "content": "so?"}]
        asked: Any = {"messages": turns, "metallm": {"session": "1"}}
        made.chat("alice", model="sim/dear", **asked)
        reply = made.chat("bob", **asked)
        assert float(reply.headers["x-metallm-propensity"]) < 1.0
        reply = made.chat("alice", **asked)
        assert (reply.headers["x-metallm-arm"], reply.headers["x-metallm-propensity"]) == (
            "sim/dear",
            "1.0",
        )


def test_every_step_of_a_classification_is_its_tenants(tmp_path: Path) -> None:
    asked = {"text": "is it?", "labels": ["yes", "no"], "max_calls": 2}
    script = {"sim/cheap": "yes", "sim/dear": "yes"}
    with keyed(tmp_path, ALICE, BOB, script=script) as made:
        reply = made.send("alice", "POST", "/v1/classify", asked)
        router = made.gate.router
        steps = router.steps(router.decision(reply.json["decision_id"]))
        assert len(steps) > 1
        assert {each.client.tenant for each, _ in steps if each.client} == {"a"}
        for each, _ in steps:
            assert made.send("bob", "GET", f"/v1/decisions/{each.id}").status == 404


def test_a_decision_of_before_there_were_keys_is_for_admins(tmp_path: Path) -> None:
    with keyed(tmp_path) as made:
        of_nobody = made.chat(None).headers["x-metallm-decision-id"]
        made.file.add(ADMIN)
        made.file.add(ALICE)
        made.clock[0] += LOOK_EVERY_S
        for number, status in ((1, 200), (2, 404)):
            headers = {"x-api-key": secret(number)}
            reply = made.send(None, "GET", f"/v1/decisions/{of_nobody}", headers=headers)
            assert reply.status == status


def test_hostile_names_and_ids_are_only_text(tmp_path: Path) -> None:
    hostile = "a' OR '1'='1'; DROP TABLE decisions; --"
    with keyed(tmp_path, key(1, "one", tenant=hostile), BOB) as made:
        mine = decision(made, "one")
        assert made.send("one", "GET", f"/v1/decisions/{mine}").status == 200
        for asked in ("x' OR '1'='1", "%25", "dec_0' --"):
            path = f"/v1/decisions/{asked}".replace(" ", "%20")
            assert made.send("bob", "GET", path).status == 404
        assert made.send("one", "GET", f"/v1/decisions/{mine}").status == 200


@pytest.mark.parametrize("size", [10_000, 60_000])
def test_a_huge_header_is_no_key_and_harms_nobody(shared: Keyed, size: int) -> None:
    reply = shared.gate.send("GET", "/v1/models", headers={"x-api-key": "mlm_" + "a" * size})
    assert reply.status in {400, 401, 431}
    assert shared.send("alice", "GET", "/v1/models").status == 200


@pytest.mark.parametrize(
    ("host", "local"),
    [
        ("127.0.0.1:8080", True),
        ("localhost", True),
        ("LOCALHOST:1", True),
        ("gate.localhost:8080", True),
        ("[::1]:8080", True),
        ("127.9.9.9", True),
        ("evil.example:8080", False),
        ("localhost.evil.example", False),
        ("127.0.0.1.evil.example:80", False),
        ("10.0.0.5", False),
        ("", False),
    ],
)
def test_names_of_this_machine_are_told_from_others(host: str, local: bool) -> None:
    assert names_this_machine(host) is local


def test_without_keys_a_name_that_was_made_to_mean_this_machine_is_refused() -> None:
    with gate(rules=Rules(local=True)) as made:
        assert made.chat().status == 200
        # what a page would send that has its own name point here: its site and ours are one
        page = {"Host": "evil.example:80", "Origin": "http://evil.example:80"}
        body: Any = {"model": "auto", "messages": HELLO}
        refused = made.send("POST", CHAT, body, headers=page)
        assert (refused.status, refused.error["code"]) == (403, "not_allowed")
        assert made.send("GET", "/healthz", headers=page).status == 200
        assert made.provider.count() == 1
