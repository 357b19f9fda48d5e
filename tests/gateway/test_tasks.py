"""Declared tasks over HTTP: asked by name, judged by their own rules, out of clients' reach."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

from gateway.gates import Gate, gate
from metallm.core.arm import Arm
from metallm.core.classes import STUDENT
from metallm.core.completion import ChatRequest
from metallm.core.task import Task
from metallm.providers.scripted import Scripted

MAIL = Task("mail", "single", {"billing": "money", "login": "no way in"}, none_of_these="other")
TOPICS = Task("topics", "multi", ["sports", "politics", "tech"], none_of_these="neither")
STARS = Task("stars", "ordinal", ["1", "2", "3", "4", "5"])


def says(_arm: Arm, request: ChatRequest) -> Scripted:
    asked = str(request.body["messages"][-1]["content"])
    if "sports" in asked:
        return "neither" if "rain" in asked else "tech, sports"
    return "4" if "scale" in asked else "billing"


@pytest.fixture(name="made")
def _made() -> Iterator[Gate]:
    with gate(says, tasks=(MAIL, TOPICS, STARS)) as made:
        yield made


def ask(made: Gate, task: str, text: str = "hello", **body: Any) -> dict[str, Any]:
    reply = made.send("POST", "/v1/classify", {"text": text, "task": task, **body})
    assert reply.status == 200, reply.body
    return dict(reply.json)


def tell(made: Gate, found: dict[str, Any], label: Any) -> Any:
    body = {"decision_id": found["decision_id"], "label": label}
    return made.send("POST", "/v1/feedback", body)


def test_a_declared_task_needs_no_labels_and_is_asked_in_its_words(made: Gate) -> None:
    found = ask(made, "mail")
    assert found["label"] == "billing"
    assert list(found["probabilities"]) == ["billing", "login", "other"]
    prompt = made.provider.calls[-1][1].body["messages"][-1]["content"]
    assert "no way in" in prompt
    assert ask(made, "mail", labels=["other", "login", "billing"])["label"] == "billing"
    assert made.provider.calls[-1][1].body["messages"][-1]["content"] == prompt


def test_a_scale_is_judged_by_how_far_an_answer_is_off(made: Gate) -> None:
    told = tell(made, ask(made, "stars"), "5")
    assert (told.status, told.json["quality"]) == (200, 0.75)


def test_several_labels_are_lists_both_ways(made: Gate) -> None:
    found = ask(made, "topics")
    assert found["label"] == ["sports", "tech"]
    assert found["calls"][0]["label"] == ["sports", "tech"]
    assert tell(made, found, ["Tech", "politics", "sports"]).json["quality"] == pytest.approx(2 / 3)
    # the same in another order is the same
    assert tell(made, found, "sports | politics | tech").status == 200
    assert tell(made, found, ["tech"]).status == 409
    none = ask(made, "topics", "rain")
    assert none["label"] == ["neither"]
    assert tell(made, none, []).json["quality"] == 1.0


@pytest.mark.parametrize(
    ("task", "label", "status"),
    [
        ("topics", ["law"], 422),
        ("topics", ["neither", "tech"], 400),
        ("topics", [7], 400),
        ("topics", "", 400),
        ("mail", ["billing", "login"], 400),
        ("mail", "spam", 422),
        ("mail", [], 400),
        ("stars", "6", 422),
    ],
)
def test_labels_that_cannot_be_true_teach_nothing(
    made: Gate, task: str, label: Any, status: int
) -> None:
    assert tell(made, ask(made, task), label).status == status
    assert made.router.knowledge.outcomes == 0


def test_a_batch_is_asked_about_a_declared_task(made: Gate) -> None:
    body = {"texts": ["one", "rain"], "task": "topics"}
    results = made.send("POST", "/v1/classify", body).json["results"]
    assert [each["label"] for each in results] == [["sports", "tech"], ["neither"]]


def test_labels_that_a_client_sends_never_reach_a_declared_tasks_student(made: Gate) -> None:
    texts = [f"{'invoice' if n % 2 else 'password'} {n}" for n in range(40)]
    made.router.teach(texts, ["login", "billing"] * 20, task="mail")
    before = made.router.classify_sync("password 99", task="mail").probabilities
    for sent in (["billing", "login"], ["billing", "login", "other", "spam"], ["a", "b"]):
        reply = made.send("POST", "/v1/classify", {"text": "hello", "task": "mail", "labels": sent})
        assert (reply.status, reply.error["param"]) == (400, "labels")
    found = made.router.classify_sync("password 99", task="mail")
    assert STUDENT in found.decision.propensities
    assert found.probabilities == before


def test_declared_tasks_are_listed(made: Gate) -> None:
    data = made.send("GET", "/v1/tasks").json["data"]
    assert [each["name"] for each in data] == ["mail", "topics", "stars"]
    assert data[0] == {
        "name": "mail",
        "kind": "single",
        "labels": ["billing", "login", "other"],
        "descriptions": {"billing": "money", "login": "no way in"},
        "none_of_these": "other",
    }


def test_the_steps_of_a_classification_are_shown_with_what_came_of_them(made: Gate) -> None:
    found = ask(made, "stars", max_calls=2)
    shown = made.send("GET", f"/v1/decisions/{found['decision_id']}").json
    assert shown["parent"] is None
    asked = [shown, *shown["steps"]]
    assert [each["arm"] for each in asked] == [*(c["arm"] for c in found["calls"]), found["arm"]]
    assert {each["parent"] for each in shown["steps"]} == {found["decision_id"]}
    assert [each["outcomes"][0]["answer"] for each in asked[:-1]] == ["4"] * len(found["calls"])
    last = made.send("GET", f"/v1/decisions/{asked[-1]['id']}").json
    assert "steps" not in last
    assert last == asked[-1]
