"""The queue of labels over HTTP, and the page that shows it to a person."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from gateway.gates import Gate, gate

LABELS = ["bad", "good"]


@pytest.fixture
def made() -> Iterator[Gate]:
    with gate({"sim/cheap": "good", "sim/dear": "bad"}, log_prompts=True) as gateway:
        yield gateway


def _asked(made: Gate, count: int, task: str = "reviews") -> list[str]:
    texts = [f"text number {number} of {task}, as it came" for number in range(count)]
    told = made.send("POST", "/v1/classify", {"texts": texts, "labels": LABELS, "task": task})
    return [each["decision_id"] for each in told.json["results"]]


def test_what_has_no_label_waits_and_what_was_told_does_not(made: Gate) -> None:
    ids = _asked(made, 4)
    waiting = made.send("GET", "/v1/queue").json["data"]
    assert {each["decision_id"] for each in waiting} == set(ids)
    first = waiting[0]
    assert first["labels"] == LABELS
    assert first["task"] == "reviews"
    assert first["text"].startswith("text number")
    assert first["said"][0]["arm"] in {"sim/cheap", "sim/dear"}
    made.send("POST", "/v1/feedback", {"decision_id": first["decision_id"], "label": "good"})
    left = made.send("GET", "/v1/queue").json["data"]
    assert {each["decision_id"] for each in left} == set(ids) - {first["decision_id"]}


def test_a_task_and_a_number_can_be_asked_for(made: Gate) -> None:
    _asked(made, 3)
    mails = _asked(made, 3, "mails")
    some = made.send("GET", "/v1/queue?task=mails&n=2").json["data"]
    assert len(some) == 2
    assert {each["decision_id"] for each in some} <= set(mails)


@pytest.mark.parametrize("told", ["0", "501", "-1", "many", "1.5"])
def test_a_number_that_is_none_is_refused(made: Gate, told: str) -> None:
    reply = made.send("GET", f"/v1/queue?n={told}")
    assert (reply.status, reply.error["param"]) == (400, "n")


def test_where_prompts_are_not_logged_there_is_no_text() -> None:
    with gate({"sim/cheap": "good", "sim/dear": "bad"}) as made:
        _asked(made, 1)
        assert made.send("GET", "/v1/queue").json["data"][0]["text"] is None


def test_the_page_may_do_nothing_but_ask_the_gateway(made: Gate) -> None:
    reply = made.send("GET", "/label")
    assert reply.status == 200
    assert reply.headers["content-type"].startswith("text/html")
    policy = reply.headers["content-security-policy"]
    assert "default-src 'none'" in policy
    assert "connect-src 'self'" in policy
    assert "unsafe" not in policy
    assert b"http" not in reply.body.replace(b"http-equiv", b"")


def test_a_foreign_page_is_refused_and_our_own_and_programs_are_not(made: Gate) -> None:
    body = {"model": "auto", "messages": [{"role": "user", "content": "hello"}]}
    path = "/v1/chat/completions"
    foreign = made.send("POST", path, body, headers={"Origin": "https://evil.example"})
    assert (foreign.status, foreign.error["code"]) == (403, "foreign_origin")
    assert "gateway.origins" in foreign.error["message"]
    assert made.provider.count() == 0
    for origin in ("null", "http://", "http://[", "http://127.0.0.1:1"):
        assert made.send("POST", path, body, headers={"Origin": origin}).status == 403
    assert made.send("POST", path, body, headers={"Origin": made.url}).status == 200
    assert made.send("POST", path, body).status == 200


def test_a_site_that_is_allowed_may_ask_and_read_the_answer() -> None:
    site = "https://app.example.org"
    with gate(origins=(site,)) as made:
        reply = made.send("GET", "/v1/models", headers={"Origin": site})
        assert reply.status == 200
        assert reply.headers["access-control-allow-origin"] == site
        asked = {
            "Origin": site,
            "Access-Control-Request-Method": "POST",
            "Access-Control-Request-Headers": "content-type,authorization",
        }
        before = made.send("OPTIONS", "/v1/chat/completions", headers=asked)
        assert before.status == 200
        assert "authorization" in before.headers["access-control-allow-headers"]
        assert made.send("GET", "/v1/models", headers={"Origin": "https://b.org"}).status == 403
