from __future__ import annotations

from collections.abc import Iterator
from concurrent.futures import Future
from pathlib import Path
from typing import Any

import pytest

from gateway.gates import Gate, Reply, gate
from metallm.core.outcome import Outcome
from metallm.errors import StoreError
from metallm.store.memory import MemoryStore
from metallm.store.sqlite import SqliteStore

PATH = "/v1/feedback"
LABELS = ["good", "bad"]


@pytest.fixture(scope="module")
def answered() -> Iterator[Gate]:
    """A gateway with one decision, dec_0, for judgements that change nothing."""
    with gate() as made:
        made.chat()
        yield made


def judge(made: Gate, **body: Any) -> Reply:
    return made.send("POST", PATH, body)


def test_a_judgement_is_learned_when_its_answer_comes() -> None:
    with gate() as made:
        decision_id = made.chat().headers["x-metallm-decision-id"]
        reply = judge(made, decision_id=decision_id, quality=0.75)
        assert reply.status == 200
        arm = made.router.decision(decision_id).arm
        assert reply.json == {
            "decision_id": decision_id,
            "arm": arm,
            "quality": 0.75,
            "recorded": True,
        }
        assert made.router.knowledge.outcomes == 1
        assert made.router.outcomes(decision_id)[-1].quality == 0.75


def test_no_answer_comes_before_the_judgement_is_durable() -> None:
    class Slow(MemoryStore):
        """Its disk fails: only the store's own word makes a judgement durable."""

        def append(self, records: Any) -> Future[None]:
            if any(isinstance(each, Outcome) and each.kind == "feedback" for each in records):
                failed: Future[None] = Future()
                failed.set_exception(StoreError("the disk is full"))
                return failed
            return super().append(records)

    with gate(store=Slow()) as made:
        decision_id = made.chat().headers["x-metallm-decision-id"]
        reply = judge(made, decision_id=decision_id, quality=1)
        assert (reply.status, reply.error["code"]) == (503, "log_unavailable")
        many = judge(made, feedback=[{"decision_id": decision_id, "quality": 1}])
        assert many.json["results"][0]["status"] == 503
        assert made.router.knowledge.outcomes == 0


def test_a_true_label_is_held_against_the_answer() -> None:
    with gate({"sim/cheap": "good", "sim/dear": "good"}) as made:
        asked = made.send("POST", "/v1/classify", {"text": "a fine day", "labels": LABELS})
        decision_id = asked.json["decision_id"]
        outside = judge(made, decision_id=decision_id, label="ugly")
        assert (outside.status, outside.error["code"]) == (422, "unknown_label")
        assert judge(made, decision_id=decision_id, label="bad").json["quality"] == 0.0
        corrected = judge(made, decision_id=decision_id, label="good", replace=True)
        assert corrected.json["quality"] == 1.0
        assert made.router.knowledge.outcomes == 1


def test_a_cost_alone_is_learned_without_a_quality() -> None:
    with gate() as made:
        decision = made.router.decide("somebody else calls the arm")
        reply = judge(made, decision_id=decision.id, cost_usd=0.002, latency_s=1.5)
        assert (reply.status, reply.json["quality"]) == (200, None)
        assert made.router.outcomes(decision.id)[-1].cost_usd == 0.002


def test_the_same_judgement_again_changes_nothing_and_another_is_a_conflict() -> None:
    with gate() as made:
        decision_id = made.chat().headers["x-metallm-decision-id"]
        for _ in range(3):
            assert judge(made, decision_id=decision_id, quality=1).status == 200
        assert made.router.knowledge.outcomes == 1
        conflict = judge(made, decision_id=decision_id, quality=0)
        assert (conflict.status, conflict.error["code"]) == (409, "feedback_conflict")
        assert conflict.headers["x-should-retry"] == "false"
        assert judge(made, decision_id=decision_id, quality=0, replace=True).status == 200


@pytest.mark.parametrize(
    ("body", "status", "param"),
    [
        ({"decision_id": "dec_none", "quality": 1}, 404, None),
        ({"quality": 1}, 400, "decision_id"),
        ({"decision_id": 7, "quality": 1}, 400, "decision_id"),
        ({"decision_id": "dec_0"}, 400, None),
        ({"decision_id": "dec_0", "quality": 1.01}, 400, None),
        ({"decision_id": "dec_0", "quality": -1}, 400, None),
        ({"decision_id": "dec_0", "quality": "1"}, 400, "quality"),
        ({"decision_id": "dec_0", "quality": True}, 400, "quality"),
        ({"decision_id": "dec_0", "quality": 1, "cost_usd": -1}, 400, None),
        ({"decision_id": "dec_0", "quality": 1, "latency_s": "1"}, 400, "latency_s"),
        ({"decision_id": "dec_0", "quality": 1, "replace": 1}, 400, "replace"),
        ({"decision_id": "dec_0", "quality": 1, "label": "good"}, 400, None),
        ({"decision_id": "dec_0", "label": "good"}, 400, None),
        ({"decision_id": "dec_0", "label": 1}, 400, "label"),
        ({"decision_id": "dec_0", "qualty": 1}, 400, "qualty"),
        ({"decision_id": "dec_0", "quality": 1, "weight": 0}, 400, None),
        ({"decision_id": "dec_0", "quality": 1, "weight": 1.01}, 400, None),
        ({"decision_id": "dec_0", "quality": 1, "weight": "1"}, 400, "weight"),
        ({"decision_id": "dec_0", "weight": 0.5}, 400, None),
        ({"decision_id": "dec_0", "quality": 1, "judge": ""}, 400, "judge"),
        ({"decision_id": "dec_0", "quality": 1, "judge": 1}, 400, "judge"),
        ({"decision_id": "dec_0", "quality": 1, "judge": "j" * 201}, 400, None),
        ({"decision_id": "dec_0", "judge": "j"}, 400, None),
        ({"feedback": []}, 400, "feedback"),
        ({"feedback": {}}, 400, "feedback"),
        ({"feedback": [{}] * 1001}, 400, "feedback"),
        ({"feedback": [], "decision_id": "dec_0"}, 400, "decision_id"),
    ],
)
def test_a_judgement_that_cannot_be_used_teaches_nothing(
    answered: Gate, body: dict[str, Any], status: int, param: str | None
) -> None:
    reply = judge(answered, **body)
    assert (reply.status, reply.error["param"]) == (status, param)
    assert answered.router.knowledge.outcomes == 0


def test_of_many_judgements_each_has_its_own_answer_in_order() -> None:
    with gate() as made:
        ids = [made.chat().headers["x-metallm-decision-id"] for _ in range(3)]
        items: list[Any] = [
            {"decision_id": ids[0], "quality": 1},
            {"decision_id": "dec_none", "quality": 1},
            "no object",
            {"decision_id": ids[1], "quality": 2},
            {"decision_id": ids[0], "quality": 0},
            {"decision_id": ids[2], "quality": 0.5},
        ]
        reply = judge(made, feedback=items)
        assert reply.status == 200
        results = reply.json["results"]
        assert [each["status"] for each in results] == [200, 404, 400, 400, 409, 200]
        assert results[0]["decision_id"] == ids[0]
        assert results[1]["error"]["code"] == "decision_not_found"
        assert results[5]["quality"] == 0.5
        assert made.router.knowledge.outcomes == 2


def test_feedback_changes_what_is_chosen() -> None:
    with gate(policy="greedy", cost_weight=0.0) as made:
        for number in range(30):
            reply = made.chat(messages=[{"role": "user", "content": f"easy {number}"}])
            arm = reply.headers["x-metallm-arm"]
            judge(
                made,
                decision_id=reply.headers["x-metallm-decision-id"],
                quality=float(arm == "sim/dear"),
            )
        reply = made.chat(messages=[{"role": "user", "content": "easy, once more"}])
        assert reply.headers["x-metallm-arm"] == "sim/dear"


def test_a_weight_and_its_correction_come_through() -> None:
    with gate() as made:
        decision_id = made.chat().headers["x-metallm-decision-id"]
        assert judge(made, decision_id=decision_id, quality=1, weight=0.3).status == 200
        assert judge(made, decision_id=decision_id, quality=1).status == 409
        assert judge(made, decision_id=decision_id, quality=0, replace=True).status == 200
        told = made.send("GET", f"/v1/decisions/{decision_id}").json["outcomes"]
        assert [(each["weight"], each["replaces_weight"]) for each in told[1:]] == [
            (0.3, 1.0),
            (1.0, 0.3),
        ]
        assert made.router.knowledge.learner.state()["ridge_n"].sum() == pytest.approx(1.0)


def test_a_judge_is_heard_checked_and_told_of(tmp_path: Path) -> None:
    path = tmp_path / "log.db"
    with gate(store=SqliteStore(path)) as made:
        assert made.send("GET", "/v1/judges").json == {"object": "list", "data": []}
        ids = [made.chat().headers["x-metallm-decision-id"] for _ in range(4)]
        opinions: list[Any] = [
            {"decision_id": each, "quality": 1, "judge": "gpt-4o-mini"} for each in ids
        ]
        results = judge(made, feedback=opinions).json["results"]
        assert [each["status"] for each in results] == [200] * 4
        assert results[0]["quality"] == 1.0
        contrary = judge(made, decision_id=ids[0], quality=0, judge="gpt-4o-mini")
        assert (contrary.status, contrary.error["code"]) == (409, "feedback_conflict")
        # the truth is no contradiction of a judge
        assert judge(made, decision_id=ids[0], quality=0).status == 200
        assert judge(made, decision_id=ids[1], quality=1).status == 200
        (told,) = made.send("GET", "/v1/judges").json["data"]
        assert (told["judge"], told["n"], told["gold_n"]) == ("gpt-4o-mini", 4, 2)
        assert told["sensitivity"] == pytest.approx(3.0 / 3.5)
        assert told["specificity"] == pytest.approx(2.0 / 3.5)
        low, high = told["specificity_interval"]
        assert 0.0 < low < 2.0 / 3.5 < high < 1.0
        logged = made.send("GET", f"/v1/decisions/{ids[0]}").json["outcomes"][1:]
        assert [each["judge"] for each in logged] == ["gpt-4o-mini", None]
        assert logged[0]["corrected"] == logged[1]["replaces"] == pytest.approx(4 / 3)
        learned = made.router.knowledge.dump()
    with gate(store=SqliteStore(path)) as again:
        assert again.send("GET", "/v1/judges").json["data"] == [told]
        assert again.router.knowledge.dump() == learned
