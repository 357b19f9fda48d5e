"""Learning without labels: a reference's answers stand in for them, and are corrected by gold."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from doubles import CHEAP, DEAR, HashEmbedder, counting_ids
from metallm import Audit, Router
from metallm.core.arm import Arm
from metallm.core.classes import EVIDENCE, STUDENT
from metallm.core.completion import ChatRequest
from metallm.errors import ConfigurationError, ProviderError
from metallm.learners.classes import ClassLearner
from metallm.providers.scripted import Scripted, ScriptedProvider

LABELS = ("cat", "dog")
WORDS = {"cat": "purring whiskers meow", "dog": "barking kennel woof"}
REFERENCE = DEAR.name


def _truth(number: int) -> str:
    return LABELS[number % 2]


def _text(number: int) -> str:
    return f"{WORDS[_truth(number)]} story {number}"


def _reads(request: ChatRequest) -> str:
    told = request.body["messages"][0]["content"]
    return next(label for label, words in WORDS.items() if words in told)


def _says(arm: Arm, request: ChatRequest) -> Scripted:
    return _reads(request) if arm.name == REFERENCE else "cat"


def _router(
    says: Callable[[Arm, ChatRequest], Scripted] = _says, share: float = 0.5, **options: Any
) -> Router:
    return Router(
        [CHEAP, DEAR],
        provider=ScriptedProvider(says),
        embedder=HashEmbedder(),
        clock=lambda: 1000.0,
        new_id=counting_ids(),
        audit=Audit(REFERENCE, share),
        **{"cost_weight": 0.1, **options},
    )


def _asked(router: Router, count: int, *, start: int = 0, **options: Any) -> list[Any]:
    return [
        router.classify_sync(_text(number), LABELS, task="pets", **options)
        for number in range(start, start + count)
    ]


def test_without_any_label_the_student_learns_from_the_reference_and_takes_over() -> None:
    router = _router()
    _asked(router, 150)
    late = _asked(router, 50, start=150)
    alone = [answer for answer in late if answer.arm == STUDENT]
    assert len(alone) >= 20
    right = [answer.label == _truth(n) for n, answer in enumerate(late, start=150)]
    assert sum(right) >= 48
    router.close()


def test_an_audit_is_a_decision_of_its_own_with_its_chance_and_its_bill() -> None:
    router = _router(policy="random", share=1.0)
    found = _asked(router, 40)
    audited = [
        answer for answer in found if len(answer.calls) > 1 or answer.decision.arm == STUDENT
    ]
    assert audited
    for answer in audited:
        steps = router.steps(answer.decision)
        last, outcomes = steps[-1]
        assert (last.policy, last.arm, last.parent) == ("audit", REFERENCE, answer.decision_id)
        assert last.propensities == {REFERENCE: last.propensity, EVIDENCE: 1.0 - last.propensity}
        bills = [call.cost_usd for call in answer.calls]
        assert answer.cost_usd == pytest.approx(sum(bills))
        assert outcomes[0].kind == "completion"
        # paid for and presumed right: the query's answer is the reference's
        assert (answer.arm, answer.label) == (REFERENCE, outcomes[0].answer)
    router.close()


def test_arms_are_taught_by_how_they_agree_and_the_reference_by_nothing_but_gold() -> None:
    router = _router(policy="random", share=1.0)
    for number, answer in enumerate(_asked(router, 30)):
        for decision, outcomes in router.steps(answer.decision):
            told = [each for each in outcomes if each.kind == "feedback"]
            if decision.arm == CHEAP.name:
                assert [each.quality for each in told] == [float(_truth(number) == "cat")]
                assert told[0].judge == REFERENCE
                assert told[0].label == _truth(number)
            if decision.arm == REFERENCE:
                assert [(each.quality, each.corrected) for each in told] == [(1.0, 1.0)]
    record = router.judges()
    assert set(record) == {REFERENCE}
    assert record[REFERENCE].gold_n == 0
    router.close()


def test_gold_takes_the_place_of_the_references_word_and_shows_how_right_it_is() -> None:
    router = _router(policy="random", share=1.0)
    answers = _asked(router, 40)
    for number, answer in enumerate(answers):
        other = "cat" if answer.label == "dog" else "dog"
        router.feedback(answer.decision_id, label=other if number % 4 == 0 else answer.label)
    record = router.judges()[REFERENCE]
    assert record.gold_n > 0
    assert 1.0 < record.sensitivity + record.specificity < 2.0
    # from now on its own answers teach what gold said of them: 30 of 40 right, and ten presumed
    late = _asked(router, 1, start=40, arms=[REFERENCE])[0]
    told = router.steps(late.decision)[-1][1][-1]
    assert told.quality == 1.0
    assert told.corrected == pytest.approx(40 / 50)
    assert told.corrected_weight == pytest.approx(0.6**2)
    router.close()


def test_gold_leaves_nothing_of_what_the_references_word_had_taught() -> None:
    """The reference's own confusion counts come from gold alone, and each answer counts once."""
    router, n = _router(policy="random", share=1.0), 60
    for number in range(n):
        answer = router.classify_sync(_text(number), LABELS, task="pets")
        router.feedback(answer.decision_id, label=_truth(number))
    assert isinstance(router.knowledge.classes, ClassLearner)
    assert router.knowledge.classes.rows("pets", LABELS) == n
    state = router.knowledge.classes.state()
    arms = state["task0_confusion.arms"].tolist()
    counts = state["task0_confusion.counts"][arms.index(REFERENCE)]
    assert counts == pytest.approx(np.array([[n / 2, 0, 0], [0, n / 2, 0]]))
    router.close()


def test_the_references_word_tells_nothing_of_what_its_own_answers_are_worth() -> None:
    router = _router(policy="random", share=1.0)
    _asked(router, 60)
    assert router.knowledge.classes is not None
    state = router.knowledge.classes.state()
    assert state["task0_confusion.arms"].tolist() == [CHEAP.name]
    router.close()


def test_an_audit_that_does_not_come_leaves_the_answer_as_it_was() -> None:
    def says(arm: Arm, request: ChatRequest) -> Scripted:
        return ProviderError(arm.name, "is away") if arm.name == REFERENCE else _reads(request)

    router = _router(says, policy="greedy", share=1.0)
    answers = [
        router.classify_sync(_text(n), LABELS, task="pets", arms=[CHEAP.name]) for n in range(3)
    ]
    both = _asked(router, 20, start=3)
    assert [answer.label for answer in answers] == [_truth(n) for n in range(3)]
    assert all(answer.label == _truth(n) for n, answer in enumerate(both, start=3))
    router.close()


def test_arms_that_a_caller_leaves_out_are_not_asked_by_an_audit_either() -> None:
    router = _router(share=1.0)
    answers = _asked(router, 20, arms=[CHEAP.name])
    assert {call.arm for answer in answers for call in answer.calls} == {CHEAP.name}
    router.close()


def test_a_restart_knows_what_audits_had_taught(tmp_path: Path) -> None:
    path = tmp_path / "log.db"
    router = _router(store=path, share=1.0)
    _asked(router, 60)
    router.close()
    again = _router(store=path, share=1.0)
    assert isinstance(again.knowledge.classes, ClassLearner)
    assert again.knowledge.classes.rows("pets", LABELS) == 60
    assert again.judges() == router.judges()
    again.close()


def test_an_audit_by_no_arm_or_with_nothing_to_teach_is_refused() -> None:
    with pytest.raises(ConfigurationError, match="none of the arms"):
        Router([CHEAP, DEAR], audit=Audit("openai/other"))
    with pytest.raises(ConfigurationError, match="learns none"):
        Router([CHEAP, DEAR], audit=Audit(REFERENCE), policy="paper")
