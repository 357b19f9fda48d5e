"""The queue of queries that a person should label."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import metallm
from doubles import CHEAP, DEAR, HashEmbedder, counting_ids
from metallm.core.classes import EVIDENCE
from metallm.core.decision import Decision
from metallm.core.outcome import Outcome
from metallm.providers.scripted import ScriptedProvider
from metallm.router.labelling import (
    DISAGREEMENT,
    STAKE,
    Said,
    Waiting,
    information,
    likely_by,
    queue,
    unlabelled,
)
from metallm.store.memory import MemoryStore

LABELS = ("no", "yes")
EVEN = (0.5, 0.5)


def _decision(name: str, context: Sequence[float] = (1.0, 0.0), task: str = "t") -> Decision:
    return Decision(
        id=name, index=0, arm="a", propensity=1.0, propensities={"a": 1.0}, estimates={},
        policy="greedy", version=0, cost_weight=0.1, cost_scale=0.01,
        context=np.array(context, dtype=np.float32), input_tokens=1, labels=LABELS, task=task,
    )  # fmt: skip


def _waiting(
    name: str,
    context: Sequence[float] = (1.0, 0.0),
    said: tuple[Said, ...] = (Said("a", "yes"),),
    task: str = "t",
) -> Waiting:
    return Waiting(_decision(name, context, task), said)


def _ids(waiting: Sequence[Waiting], chances: Sequence[Sequence[float]], count: int) -> list[str]:
    known = {each.first.id: chance for each, chance in zip(waiting, chances, strict=True)}
    found = queue(waiting, lambda each: known[each.first.id], count)
    return [each.waiting.first.id for each in found]


def _completion(decision_id: str, arm: str, answer: str | None) -> Outcome:
    return Outcome(decision_id, arm, "completion", answer=answer)


def test_information_is_the_entropy_as_a_share_of_that_of_even_chances() -> None:
    assert information(_waiting("x"), EVEN) == pytest.approx(1.0)
    assert information(_waiting("x"), (1.0, 0.0)) == 0.0
    third = -(0.25 * np.log(0.25) + 0.75 * np.log(0.75)) / np.log(2)
    assert information(_waiting("x"), (0.25, 0.75)) == pytest.approx(third)


def test_answers_that_differ_and_money_between_them_add_to_it() -> None:
    free = _waiting("x", said=(Said("a", "yes", 0.004), Said("b", "no", 0.004)))
    dear = _waiting("x", said=(Said("a", "yes", 0.001), Said("b", "no", 0.006)))
    agreed = _waiting("x", said=(Said("a", "yes", 0.001), Said("b", "yes", 0.006)))
    three = _waiting("x", said=(Said("a", "yes"), Said("b", "yes"), Said("c", None)))
    own = _waiting("x", said=(Said("a", "yes", 0.001), Said(EVIDENCE, "no", 0.0)))
    sure = (1.0, 0.0)
    assert information(free, sure) == pytest.approx(DISAGREEMENT)
    assert information(dear, sure) == pytest.approx(DISAGREEMENT + STAKE * 0.5)
    assert information(agreed, sure) == 0.0
    assert information(three, sure) == pytest.approx(DISAGREEMENT * 2 / 3)
    assert information(own, sure) == 0.0  # our own word is no second opinion


def test_the_worth_is_the_formula_in_the_file_s_head() -> None:
    waiting = [_waiting("x", (1.0, 0.0)), _waiting("y", (0.0, 1.0)), _waiting("z", (3.0, 4.0))]
    found = queue(waiting, lambda _each: EVEN, 3)
    # mean cosines: x (1 + 0 + .6) / 3, y (0 + 1 + .8) / 3, z (.6 + .8 + 1) / 3
    density = {"x": (1 + 1.6 / 3) / 2, "y": (1 + 1.8 / 3) / 2, "z": (1 + 2.4 / 3) / 2}
    told = [(each.waiting.first.id, each.worth) for each in found]
    assert [name for name, _ in told] == ["z", "x", "y"]
    assert told[0][1] == pytest.approx(3 * density["z"])
    assert told[1][1] == pytest.approx(3 / 2 * density["x"] * (1 - 0.6))
    assert told[2][1] == pytest.approx(3 / 3 * density["y"] * (1 - 0.8))


def test_of_two_identical_queries_one_is_picked() -> None:
    waiting = [_waiting("new", (1.0, 2.0)), _waiting("old", (1.0, 2.0)), _waiting("z", (1.0, -2.0))]
    assert _ids(waiting, [EVEN] * 3, 3) == ["new", "z"]


def test_the_same_context_in_another_task_is_no_copy() -> None:
    waiting = [_waiting("one", task="t"), _waiting("two", task="u")]
    assert _ids(waiting, [EVEN] * 2, 2) == ["one", "two"]


def test_the_unsure_comes_before_the_sure() -> None:
    waiting = [_waiting("sure", (1.0, 0.0)), _waiting("unsure", (0.0, 1.0))]
    assert _ids(waiting, [(0.99, 0.01), (0.6, 0.4)], 2) == ["unsure", "sure"]


def test_what_is_like_many_comes_before_what_is_like_none() -> None:
    crowd = [_waiting(f"c{n}", (1.0, 0.01 * n)) for n in range(5)]
    waiting = [_waiting("outlier", (-1.0, 0.0)), *crowd]
    assert _ids(waiting, [EVEN] * 6, 1)[0].startswith("c")


def test_tasks_take_turns_by_what_waits_in_them() -> None:
    rng = np.random.default_rng(1)
    waiting = [
        _waiting(f"{task}{n}", rng.normal(size=64).tolist(), task=task)
        for task, many in (("big", 30), ("small", 10))
        for n in range(many)
    ]
    first = _ids(waiting, [EVEN] * 40, 12)
    assert sum(name.startswith("small") for name in first) == 3


@given(
    st.lists(
        st.tuples(
            st.sampled_from([(1.0, 0.0), (0.0, 1.0), (1.0, 1.0), (-1.0, 0.5), (0.0, 0.0)]),
            st.floats(0.0, 1.0),
            st.sampled_from(["t", "u"]),
        ),
        max_size=12,
    ),
    st.integers(0, 12),
)
def test_a_queue_holds_each_query_once_and_grows_by_going_on(
    rows: list[tuple[tuple[float, float], float, str]], count: int
) -> None:
    waiting = [_waiting(str(n), row[0], task=row[2]) for n, row in enumerate(rows)]
    chances = [(row[1], 1.0 - row[1]) for row in rows]
    whole, some = _ids(waiting, chances, len(rows)), _ids(waiting, chances, count)
    assert len(set(whole)) == len(whole)
    assert some == whole[:count]


@given(st.floats(0.0, 1.0), st.integers(2, 9))
def test_information_stays_within_its_bounds(sure: float, labels: int) -> None:
    chances = [sure, *[(1.0 - sure) / (labels - 1)] * (labels - 1)]
    assert -1e-12 <= information(_waiting("x"), chances) <= 1.0 + 1e-12


def test_a_labelled_one_never_waits_and_an_opinion_leaves_it_waiting() -> None:
    def feedback(name: str, judge: str | None) -> Outcome:
        return Outcome(name, "a", "feedback", quality=1.0, label="yes", judge=judge)

    plain = _decision("none")
    recent = [
        (_decision("open"), [_completion("open", "a", "yes")]),
        (_decision("told"), [_completion("told", "a", "yes"), feedback("told", None)]),
        (_decision("guessed"), [_completion("guessed", "a", "no"), feedback("guessed", "llm")]),
        (_decision("failed"), [Outcome("failed", "a", "failure", error="down")]),
        (Decision(**{f: getattr(plain, f) for f in plain.__slots__} | {"labels": ()}), []),
    ]
    assert [each.first.id for each in unlabelled(recent)] == ["open", "guessed"]
    assert unlabelled([]) == []
    assert queue([], lambda _each: EVEN, 3) == []


def test_the_steps_of_a_query_are_one_and_its_label_closes_them_all() -> None:
    store = MemoryStore()
    router = metallm.Router(
        [CHEAP, DEAR],
        embedder=HashEmbedder(),
        provider=ScriptedProvider(lambda arm, _request: "yes" if arm is CHEAP else "no"),
        new_id=counting_ids(),
        store=store,
        cost_weight=0.0,
    )
    found = [router.classify_sync(f"text {n}", LABELS, max_calls=2) for n in range(12)]
    waiting = unlabelled(store.recent(100))
    assert [each.first.id for each in waiting] == [each.decision_id for each in reversed(found)]
    for each, answer in zip(waiting, reversed(found), strict=True):
        assert each.answers == tuple((call.arm, call.label) for call in answer.calls)
        assert each.said[-1].label == answer.label
    chances = dict(zip(LABELS, likely_by(router)(waiting[0]), strict=True))
    assert chances == pytest.approx(found[-1].probabilities)
    router.feedback(found[3].decision_id, label="yes")
    assert found[3].decision_id not in [each.first.id for each in unlabelled(store.recent(100))]
    router.close()


def test_where_no_task_is_learned_every_label_is_as_likely() -> None:
    store = MemoryStore()
    router = metallm.Router(
        [CHEAP],
        embedder=HashEmbedder(),
        provider=ScriptedProvider(lambda _arm, _request: "yes"),
        store=store,
        student=False,
    )
    router.classify_sync("a text", LABELS)
    (waiting,) = unlabelled(store.recent(10))
    assert list(likely_by(router)(waiting)) == [0.5, 0.5]
    router.close()
