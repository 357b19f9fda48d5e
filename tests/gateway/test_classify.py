from __future__ import annotations

import asyncio
from collections.abc import Iterator
from math import log
from typing import Any

import pytest

from gateway.gates import Gate, Reply, gate
from metallm.core.arm import Arm
from metallm.core.classes import EVIDENCE, STUDENT
from metallm.core.completion import ChatRequest, Completion, Token
from metallm.core.price import Usage
from metallm.core.task import Task
from metallm.errors import ProviderTimeoutError, StoreError
from metallm.gateway.classify import AT_ONCE
from metallm.providers.scripted import Scripted, ScriptedProvider
from metallm.store.memory import MemoryStore

LABELS = ["good", "bad"]
MAIL = Task("mail", "single", {"billing": "money", "login": "no way in"}, none_of_these="other")
TOPICS = Task("topics", "multi", ["sports", "politics", "tech"], none_of_these="neither")
STARS = Task("stars", "ordinal", ["1", "2", "3", "4", "5"])
TASKS = (MAIL, TOPICS, STARS)


@pytest.fixture(scope="module")
def refusing() -> Iterator[Gate]:
    """A gateway for requests that change nothing, so that they can share it."""
    with gate(tasks=TASKS) as made:
        yield made


def classify(made: Gate, **body: Any) -> Reply:
    return made.send("POST", "/v1/classify", {"labels": LABELS, **body})


def by_text(arm: Arm, request: ChatRequest) -> Scripted:
    """Reads the last word of the text between the prompt's lines."""
    content = str(request.body["messages"][0]["content"])
    if "never" in content:
        return ProviderTimeoutError(arm.name, "late")
    return "bad" if "rain" in content else "Good."


def test_how_sure_an_arm_says_it_is_is_told_and_kept() -> None:
    told = ((b"bad", log(0.8)), (b"good", log(0.2)))
    tokens = (Token(b"bad", log(0.8), told),)
    answer = Completion("sim/sure", "bad", Usage(10, 1), 0.0, b"{}", tokens=tokens)
    sure = Arm("sim/sure", 1.0, 1.0, logprobs=True)
    with gate({"sim/sure": answer}, arms=[sure]) as made:
        reply = classify(made, text="rain again", task="weather", max_calls=2)
        (call,) = reply.json["calls"]
        assert call["probabilities"] == pytest.approx({"bad": 0.8, "good": 0.2})
        path = f"/v1/decisions/{reply.json['decision_id']}"
        (outcome,) = made.send("GET", path).json["outcomes"]
        ((arm, likely),) = outcome["likely"]
        assert (arm, dict(likely)) == ("sim/sure", call["probabilities"])


def test_a_text_is_classified_and_its_bill_told() -> None:
    with gate(by_text) as made:
        reply = classify(made, text="rain again", task="weather")
        assert reply.status == 200
        decision = made.router.decision(reply.json["decision_id"])
        assert decision.labels == ("good", "bad")
        assert decision.task == "weather"
        cost = float(reply.headers["x-metallm-cost-usd"])
        likely = reply.json["probabilities"]
        assert reply.json == {
            "label": "bad",
            "arm": decision.arm,
            "cost_usd": cost,
            "decision_id": decision.id,
            "propensity": decision.propensity,
            "text": "bad",
            "confidence": likely["bad"],
            "probabilities": likely,
            "wants_label": False,
            "calls": [{"arm": decision.arm, "label": "bad", "cost_usd": cost, "probabilities": {}}],
        }
        assert list(likely) == LABELS
        assert sum(likely.values()) == pytest.approx(1.0)
        assert reply.headers["x-metallm-decision-id"] == decision.id
        assert float(reply.headers["x-metallm-overhead-ms"]) > 0


def test_feedback_teaches_a_student_that_then_answers_for_nothing() -> None:
    with gate(by_text) as made:
        for number in range(100):
            weather = "rain" if number % 2 else "sun"
            reply = classify(made, text=f"{weather} {number}", task="weather")
            told = {"decision_id": reply.json["decision_id"], "label": LABELS[number % 2]}
            assert made.send("POST", "/v1/feedback", told).status == 200
        before = made.provider.count()
        replies = [classify(made, text=f"rain {n}", task="weather") for n in range(200, 220)]
        own = [reply for reply in replies if reply.json["arm"] == STUDENT]
        assert made.provider.count() - before == len(replies) - len(own)
        assert own
        for reply in own:
            assert reply.json["label"] == "bad"
            assert (reply.json["cost_usd"], reply.json["calls"]) == (0.0, [])
            assert reply.headers["x-metallm-cost-usd"] == "0"
            assert float(reply.headers["x-metallm-overhead-ms"]) > 0
        metrics = made.send("GET", "/metrics").body.decode()
        assert f'arm="{STUDENT}",kind="classified"' in metrics


def test_several_arms_can_be_asked_and_all_are_told_and_judged() -> None:
    with gate(by_text) as made:
        replies = [classify(made, text=f"rain {n}", max_calls=2) for n in range(12)]
        assert all(reply.json["arm"] == EVIDENCE for reply in replies)
        both = next(reply.json for reply in replies if len(reply.json["calls"]) == 2)
        assert both["cost_usd"] == pytest.approx(sum(call["cost_usd"] for call in both["calls"]))
        told = {"decision_id": both["decision_id"], "label": "bad"}
        assert made.send("POST", "/v1/feedback", told).status == 200
        assert made.router.knowledge.outcomes == 2


@pytest.mark.parametrize("calls", [0, 9, 1.5, True, "2"])
def test_a_number_of_calls_that_makes_no_sense_is_refused(refusing: Gate, calls: Any) -> None:
    reply = classify(refusing, text="rain", max_calls=calls)
    assert reply.status == 400
    assert "max_calls" in reply.json["error"]["message"]


def test_an_answer_that_names_no_label_is_null() -> None:
    with gate({"sim/cheap": "who knows", "sim/dear": "who knows"}) as made:
        reply = classify(made, text="rain")
        assert (reply.json["label"], reply.json["text"]) == (None, "who knows")


def test_what_the_labels_mean_is_told_to_the_arm() -> None:
    with gate(by_text) as made:
        classify(made, text="sun", descriptions={"good": "worth going out"})
        prompt = made.provider.calls[-1][1].body["messages"][0]["content"]
        assert "worth going out" in prompt


def test_the_choice_can_be_narrowed_and_weighed() -> None:
    with gate(by_text) as made:
        reply = classify(made, text="sun", arms=["sim/dear"], cost_weight=0.5)
        assert reply.json["arm"] == "sim/dear"
        assert made.router.decision("dec_0").cost_weight == 0.5


def test_many_texts_come_back_in_order_and_a_failed_one_costs_no_other() -> None:
    with gate(by_text) as made:
        texts = ["sun", "rain", "never", "sun again"]
        results = classify(made, texts=texts).json["results"]
        assert [each["label"] for each in results] == ["good", "bad", None, "good"]
        assert results[2]["error"]["code"] == "all_arms_failed"
        assert len({each["decision_id"] for each in results if "error" not in each}) == 3


def test_only_some_texts_are_asked_about_at_once() -> None:
    class Counting(ScriptedProvider):
        now = most = 0

        async def complete(self, arm: Arm, request: ChatRequest) -> Completion:
            self.now += 1
            self.most = max(self.most, self.now)
            for _ in range(5):
                await asyncio.sleep(0)
            self.now -= 1
            return await super().complete(arm, request)

    provider = Counting(by_text)
    with gate(provider=provider) as made:
        results = classify(made, texts=[f"sun {n}" for n in range(3 * AT_ONCE)]).json["results"]
        assert len(results) == 3 * AT_ONCE
        assert 1 < provider.most <= AT_ONCE


def test_a_log_that_fails_fails_all_texts() -> None:
    class Failing(MemoryStore):
        def append(self, records: Any) -> Any:
            raise StoreError("the disk is full")

    with gate(by_text, store=Failing()) as made:
        reply = classify(made, texts=["sun", "rain"])
        assert (reply.status, reply.error["code"]) == (503, "log_unavailable")


def test_one_text_that_no_arm_answers_is_the_arms_error() -> None:
    with gate(by_text) as made:
        assert classify(made, text="never").status == 502


@pytest.mark.parametrize(
    ("change", "status", "param"),
    [
        ({}, 400, "text"),
        ({"text": "sun", "texts": ["rain"]}, 400, "text"),
        ({"text": 7}, 400, "text"),
        ({"text": " "}, 400, "text"),
        ({"texts": []}, 400, "texts"),
        ({"texts": ["sun", None]}, 400, "texts[1]"),
        ({"texts": ["sun"] * 1001}, 400, "texts"),
        ({"text": "sun", "labels": None}, 400, "labels"),
        ({"text": "sun", "labels": "good"}, 400, "labels"),
        ({"text": "sun", "labels": ["good"]}, 400, None),
        ({"text": "sun", "labels": ["good", "Good"]}, 400, None),
        ({"text": "sun", "labels": ["good", 7]}, 400, "labels[1]"),
        ({"text": "sun", "labels": None, "task": "post"}, 400, "task"),
        ({"text": "sun", "task": "mail"}, 400, "labels"),
        ({"text": "sun", "labels": None, "task": "mail", "descriptions": {}}, 400, "descriptions"),
        ({"text": "sun", "labels": None, "task": "topics", "max_calls": 2}, 400, None),
        ({"text": "sun", "descriptions": ["x"]}, 400, "descriptions"),
        ({"text": "sun", "descriptions": {"good": 1}}, 400, "descriptions"),
        ({"text": "sun", "descriptions": {"ugly": "x"}}, 422, None),
        ({"text": "sun", "arms": ["gpt-9"]}, 404, None),
        ({"text": "sun", "cost_weight": "much"}, 400, "cost_weight"),
        ({"text": "sun", "temperature": 1}, 400, "temperature"),
    ],
)
def test_what_cannot_be_classified_is_refused_before_any_arm_is_asked(
    refusing: Gate, change: dict[str, Any], status: int, param: str | None
) -> None:
    reply = classify(refusing, **change)
    assert (reply.status, reply.error["param"]) == (status, param)
    assert refusing.provider.calls == []
