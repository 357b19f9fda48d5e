"""Step by step where errors cost unlike each other: asked for what an answer gains."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import metallm
from doubles import HashEmbedder, counting_ids
from metallm.core.arm import Arm
from metallm.core.costs import ErrorCosts
from metallm.core.task import Kind, Task
from metallm.providers.scripted import ScriptedProvider
from metallm.router.scoring import expected, gains

LABELS = ("login", "password", "refund")
CHEAP, DEAR = Arm("sim/cheap", 0.1, 0.1), Arm("sim/dear", 2.0, 2.0)
MILD: ErrorCosts = {"login": {"password": 0.1}, "password": {"login": 0.1}}
"""These two are nearly the same."""


def _asked(task: Task, said: str) -> list[str]:
    """Who is asked by a router that knows the cheap arm for .85 and the dear one for .97."""
    provider = ScriptedProvider({CHEAP.name: said, DEAR.name: said})
    router = metallm.Router(
        [CHEAP, DEAR],
        policy="greedy",
        cost_weight=0.055,
        provider=provider,
        embedder=HashEmbedder(),
        new_id=counting_ids(),
        clock=lambda: 1000.0,
    )
    rows = 400
    quality = np.array([[row % 20 < 17, row % 100 < 97] for row in range(rows)], float)
    router.learn(
        [f"text {row}" for row in range(rows)],
        arms=[CHEAP.name, DEAR.name],
        quality=quality,
        cost_usd=np.tile([1e-6, 2e-5], (rows, 1)),
        output_tokens=np.full((rows, 2), 5.0),
        tasks=[task.name] * rows,
    )
    router.classify_sync("a text", task, max_calls=2)
    router.close()
    return [name for name, _ in provider.calls]


def test_a_further_arm_is_asked_where_the_error_that_is_left_is_dear() -> None:
    task = Task("mail", "single", LABELS, error_costs=MILD)
    assert _asked(task, "refund") == [CHEAP.name, DEAR.name]
    assert _asked(task, "login") == [CHEAP.name]
    plain = Task("mail", "single", LABELS)
    for said in ("refund", "login"):
        assert _asked(plain, said) == [CHEAP.name, DEAR.name]


@pytest.mark.parametrize(
    ("kind", "labels", "costs"),
    [
        ("single", LABELS, {}),
        ("single", LABELS, {"login": {"refund": 1.0}}),
        ("ordinal", ("bad", "good"), {}),
    ],
)
def test_errors_that_cost_the_same_are_no_costs(
    kind: Kind, labels: tuple[str, ...], costs: ErrorCosts
) -> None:
    assert gains(Task("t", kind, labels, error_costs=costs), tuple(sorted(labels))) is None


@given(
    st.lists(st.floats(0.0, 1.0), min_size=3, max_size=3).filter(lambda each: sum(each) > 0.0),
    st.floats(0.0, 5.0),
    st.sampled_from(["single", "ordinal"]),
)
def test_what_answering_now_gains_is_what_the_best_label_costs_the_least(
    chances: list[float], cost: float, kind: Kind
) -> None:
    task = Task("t", kind, LABELS, error_costs={"login": {"refund": cost}})
    likely = np.array(chances) / sum(chances)
    found = expected(task, LABELS, likely)
    by_hand = [
        sum(p * task.quality(said, truth) for p, truth in zip(likely, LABELS, strict=True))
        for said in LABELS
    ]
    assert found == pytest.approx(by_hand)
