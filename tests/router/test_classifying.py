"""Classifications step by step: the student, evidence, propensities, and feedback for all."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from itertools import count
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import metallm
from doubles import CHEAP, DEAR, HashEmbedder, counting_ids
from metallm.assembly import Router
from metallm.core.arm import Arm
from metallm.core.classes import EVIDENCE, STUDENT
from metallm.core.completion import ChatRequest
from metallm.errors import AllArmsFailedError, ConfigurationError, InputError, ProviderError
from metallm.learners.classes import LEAST_ROWS
from metallm.providers.scripted import Scripted, ScriptedProvider

LABELS = ("cat", "dog")
WORDS = {"cat": "purring whiskers meow", "dog": "barking kennel woof"}


def _text(number: int) -> str:
    return f"{WORDS[_truth(number)]} story {number}"


def _truth(number: int) -> str:
    return LABELS[number % 2]


def _says(arm: Arm, request: ChatRequest) -> Scripted:
    """The dear arm is right; the cheap one says "cat" whatever it is asked."""
    told = request.body["messages"][0]["content"]
    right = next((label for label, words in WORDS.items() if words in told), "cat")
    return right if arm is None or arm.name == DEAR.name else "cat"


def _router(**options: Any) -> Router:
    given = {
        "provider": ScriptedProvider(_says),
        "cost_weight": 0.1,
        "new_id": counting_ids(),
        **options,
    }
    return metallm.Router(
        [CHEAP, DEAR],
        embedder=HashEmbedder(),
        clock=lambda: 1000.0,
        **given,
    )


def _taught(router: Router, count: int, *, start: int = 0, **options: Any) -> list[Any]:
    found = []
    for number in range(start, start + count):
        answer = router.classify_sync(_text(number), LABELS, task="pets", **options)
        router.feedback(answer.decision_id, label=_truth(number))
        found.append(answer)
    return found


def test_a_student_is_silent_until_it_has_learned_enough_and_then_takes_over() -> None:
    router = _router()
    early = _taught(router, LEAST_ROWS)
    assert all(answer.arm != STUDENT for answer in early)
    assert all(STUDENT not in answer.decision.propensities for answer in early)
    late = _taught(router, 80, start=LEAST_ROWS)[-30:]
    assert sum(answer.arm == STUDENT for answer in late) >= 20
    assert all(answer.label == _truth(LEAST_ROWS + 50 + n) for n, answer in enumerate(late)
               if answer.arm == STUDENT)  # fmt: skip
    router.close()


def test_what_the_student_answers_costs_nothing_and_asks_nobody() -> None:
    provider = ScriptedProvider(_says)
    router = _router(provider=provider)
    _taught(router, 90)
    before = provider.count()
    answers = [router.classify_sync(_text(n), LABELS, task="pets") for n in range(100, 120)]
    own = [answer for answer in answers if answer.arm == STUDENT]
    assert provider.count() - before == len(answers) - len(own)
    assert own
    for answer in own:
        assert (answer.cost_usd, answer.calls, answer.text) == (0.0, (), "")
        assert answer.confidence == max(answer.probabilities.values())
        assert sum(answer.probabilities.values()) == pytest.approx(1.0)
        assert sum(answer.decision.propensities.values()) == pytest.approx(1.0)
        completion = router.outcomes(answer.decision_id)[0]
        assert (completion.arm, completion.answer) == (STUDENT, answer.label)
    router.close()


def test_another_task_and_other_labels_have_a_student_of_their_own() -> None:
    router = _router()
    _taught(router, 90)
    for labels, task in ((LABELS, "other"), (("cat", "dog", "bird"), "pets"), (LABELS, None)):
        answer = router.classify_sync(_text(1), labels, task=task)
        assert STUDENT not in answer.decision.propensities
    router.close()


def test_the_same_labels_in_another_order_are_the_same_task() -> None:
    router = _router()
    _taught(router, 90)
    answers = [router.classify_sync(_text(n), LABELS[::-1], task="pets") for n in range(100, 130)]
    assert all(list(answer.probabilities) == list(LABELS[::-1]) for answer in answers)
    own = [(n, answer) for n, answer in enumerate(answers, 100) if answer.arm == STUDENT]
    assert own
    assert all(answer.label == _truth(n) for n, answer in own)
    router.close()


def test_with_several_calls_every_step_is_a_decision_of_its_own() -> None:
    router = _router(policy="random")
    seen: Counter[str] = Counter()
    for number in range(40):
        answer = router.classify_sync(_text(number), LABELS, task="pets", max_calls=2)
        first = router.decision(answer.decision_id)
        decisions = [decision for decision, _ in router.steps(first)]
        assert [each.id for each in decisions] == [
            first.id, *(f"{first.id}.{n}" for n in range(1, len(decisions)))
        ]  # fmt: skip
        assert {each.parent for each in decisions[1:]} <= {first.id}
        assert [each.arm for each in decisions] == [*(c.arm for c in answer.calls), EVIDENCE]
        assert answer.arm == EVIDENCE
        assert len({call.arm for call in answer.calls}) == len(answer.calls) <= 2
        assert all(sum(each.propensities.values()) == pytest.approx(1.0) for each in decisions)
        # nothing is left to choose after the last call
        if len(answer.calls) == 2:
            assert dict(decisions[-1].propensities) == {EVIDENCE: 1.0}
        seen[str(len(answer.calls))] += 1
    assert seen["1"] >= 5
    assert seen["2"] >= 5
    router.close()


def test_each_step_is_taken_as_often_as_its_propensity_says() -> None:
    router = _router(policy="thompson", cost_weight=0.0)
    _taught(router, 45, max_calls=2)
    expected: Counter[str] = Counter()
    taken: Counter[str] = Counter()
    for number in range(600):
        answer = router.classify_sync(_text(number % 7), LABELS, task="pets", max_calls=2)
        for decision, _ in router.steps(router.decision(answer.decision_id)):
            kind = "further" if decision.parent else "first"
            taken[f"{kind} {decision.arm}"] += 1
            for arm, chance in decision.propensities.items():
                expected[f"{kind} {arm}"] += chance  # type: ignore[assignment]
    for name, sum_ in expected.items():
        assert taken[name] == pytest.approx(sum_, abs=4.0 * np.sqrt(sum_ + 1.0)), name
    router.close()


def test_a_label_teaches_every_arm_that_was_asked() -> None:
    router = _router(policy="random")
    answer = _asked_both(router)
    before = router.knowledge.outcomes
    outcome = router.feedback(answer.decision_id, label="dog")
    assert outcome.decision_id == answer.decision_id
    assert router.knowledge.outcomes == before + 2
    first = router.decision(answer.decision_id)
    judged = {
        decision.arm: [o.quality for o in outcomes if o.kind == "feedback"]
        for decision, outcomes in router.steps(first)
    }
    assert judged[DEAR.name] == [1.0]
    assert judged[CHEAP.name] == [0.0]
    told = next(o for o in router.outcomes(first.id) if o.kind == "feedback")
    assert dict(told.answers) == {CHEAP.name: "cat", DEAR.name: "dog"}
    router.close()


def _asked_both(router: Router) -> Any:
    """A story of a dog that went to both arms."""
    for _ in range(50):
        answer = router.classify_sync(_text(1), LABELS, task="pets", max_calls=2)
        if len(answer.calls) == 2:
            return answer
    raise AssertionError("both arms were never asked")


def test_the_same_label_again_changes_nothing_and_by_a_further_step_means_the_query() -> None:
    router = _router(policy="random")
    answer = _asked_both(router)
    router.feedback(answer.decision_id, label="dog")
    known = router.knowledge.dump()
    router.feedback(f"{answer.decision_id}.1", label="dog")
    assert router.knowledge.dump() == known
    router.close()


def test_a_quality_of_one_or_zero_tells_the_label_where_there_are_two() -> None:
    router = _router(policy=f"fixed:{CHEAP.name}")
    answer = router.classify_sync(_text(1), LABELS, task="pets")
    assert router.feedback(answer.decision_id, quality=0.0).label == "dog"
    three = router.classify_sync(_text(1), (*LABELS, "bird"), task="pets")
    assert router.feedback(three.decision_id, quality=0.0).label is None
    router.close()


def test_a_corrected_label_takes_the_first_one_back() -> None:
    router, undisturbed = _router(), _router()
    for each in (router, undisturbed):
        _taught(each, 40)
    one, other = (
        each.classify_sync(_text(1), LABELS, task="pets") for each in (router, undisturbed)
    )
    router.feedback(one.decision_id, label="cat")
    router.feedback(one.decision_id, label="dog", replace=True)
    undisturbed.feedback(other.decision_id, label="dog")
    mine, theirs = (each.knowledge.classes for each in (router, undisturbed))
    assert mine is not None
    assert theirs is not None
    assert mine.ready("pets", LABELS)
    ours, others = mine.state(), theirs.state()
    assert np.array_equal(ours["task0_confusion.counts"], others["task0_confusion.counts"])
    assert len(ours["task0_pool.truth"]) == len(others["task0_pool.truth"])
    router.close()
    undisturbed.close()


@pytest.mark.parametrize("snapshot", [True, False])
def test_a_restart_knows_what_the_router_knew(tmp_path: Path, snapshot: bool) -> None:
    path = tmp_path / "log.db"
    router = _router(store=path)
    _taught(router, 50, max_calls=2)
    known = _plain(router.knowledge.classes.state()) if router.knowledge.classes else {}
    assert known["tasks"] == 1
    router.close()
    if not snapshot:
        import sqlite3

        with sqlite3.connect(path) as connection:
            connection.execute("DELETE FROM snapshots")
        connection.close()
    again = _router(store=path)
    assert again.knowledge.classes is not None
    assert _plain(again.knowledge.classes.state()) == known
    again.close()


def _plain(state: Mapping[str, Any]) -> dict[str, Any]:
    return {key: value.tolist() for key, value in state.items()}


def test_where_a_further_arm_fails_what_was_answered_before_counts() -> None:
    seen = set()

    def first_alone(arm: Arm, request: ChatRequest) -> Scripted:
        text = request.body["messages"][0]["content"]
        if text in seen:
            return ProviderError(arm.name, "down")
        seen.add(text)
        return _says(arm, request)

    router = _router(policy="random", provider=ScriptedProvider(first_alone))
    answers = [router.classify_sync(_text(n), LABELS, task="pets", max_calls=2) for n in range(12)]
    assert {answer.arm for answer in answers} == {EVIDENCE}
    assert all(len(answer.calls) == 1 for answer in answers)
    assert len(seen) == len(answers)
    failed = [o for a in answers for _, found in router.steps(a.decision) for o in found
              if o.kind == "failure"]  # fmt: skip
    assert failed
    router.close()


def test_where_every_arm_fails_there_is_no_answer() -> None:
    def fails(arm: Arm, _request: ChatRequest) -> Scripted:
        return ProviderError(arm.name, "down")

    router = _router(provider=ScriptedProvider(fails))
    with pytest.raises(AllArmsFailedError):
        router.classify_sync(_text(1), LABELS, max_calls=2)
    router.close()


def test_a_policy_that_asks_arms_alone_says_so() -> None:
    router = _router(policy="paper")
    answer = router.classify_sync(_text(1), LABELS)
    assert (answer.confidence, dict(answer.probabilities)) == (None, {})
    with pytest.raises(InputError, match="max_calls above 1"):
        router.classify_sync(_text(1), LABELS, max_calls=2)
    router.close()


@pytest.mark.parametrize("calls", [0, 9])
def test_a_number_of_calls_that_makes_no_sense_is_refused(calls: int) -> None:
    router = _router()
    with pytest.raises(InputError, match="max_calls must be 1 to 8"):
        router.classify_sync(_text(1), LABELS, max_calls=calls)
    router.close()


def test_no_arm_can_have_the_name_of_our_own() -> None:
    with pytest.raises(ConfigurationError, match="metallm/student"):
        metallm.Router([Arm(STUDENT, 1.0, 1.0)], embedder=HashEmbedder())


def test_a_student_can_be_switched_off() -> None:
    router = _router(student=False)
    assert all(answer.arm != STUDENT for answer in _taught(router, 90))
    router.close()


def test_a_log_of_a_router_without_students_teaches_one_with(tmp_path: Path) -> None:
    path, numbers = tmp_path / "log.db", count()
    router = _router(store=path, policy="random")
    _taught(router, 40)
    router.close()
    other = _router(store=path, student=False, new_id=lambda: f"other_{next(numbers)}")
    _taught(other, 3)
    other.close()
    again = _router(store=path)
    assert again.knowledge.classes is not None
    assert again.knowledge.classes.ready("pets", LABELS)
    again.close()


def test_a_floor_holds_for_arms_beside_the_student() -> None:
    router = _router(floor=0.1)
    _taught(router, 90)
    answer = router.classify_sync(_text(1), LABELS, task="pets")
    chances = answer.decision.propensities
    assert STUDENT in chances
    assert min(chances[CHEAP.name], chances[DEAR.name]) >= 0.1
    assert sum(chances.values()) == pytest.approx(1.0)
    router.close()
