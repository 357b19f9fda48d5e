"""Multiple choices step by step: who is asked, and when the letter is settled."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

import metallm
from doubles import HashEmbedder, counting_ids
from metallm.assembly import Router
from metallm.core.arm import Arm
from metallm.core.classes import EVIDENCE
from metallm.core.task import Task
from metallm.providers.scripted import ScriptedProvider

QUIZ = Task("quiz", "choice", tuple("ABCD"))
ARMS = [Arm("sim/one", 0.1, 0.1), Arm("sim/two", 0.1, 0.1), Arm("sim/dear", 2.0, 2.0)]


def _router(answers: dict[str, str], **options: Any) -> tuple[Router, ScriptedProvider]:
    """Arms whose record is .6, .6 and .7, whatever the question."""
    provider = ScriptedProvider(answers)
    router = metallm.Router(
        ARMS,
        policy="greedy",
        provider=provider,
        embedder=HashEmbedder(),
        new_id=counting_ids(),
        clock=lambda: 1000.0,
        **options,
    )
    rows = 200
    quality = np.array([[row % 5 < 3, row % 5 > 1, row % 10 < 7] for row in range(rows)], float)
    router.learn(
        [f"question {row}" for row in range(rows)],
        arms=[arm.name for arm in ARMS],
        quality=quality,
        cost_usd=np.tile([1e-6, 1e-6, 2e-5], (rows, 1)),
        output_tokens=np.full((rows, 3), 5.0),
        tasks=["quiz"] * rows,
    )
    return router, provider


def _asked(answers: dict[str, str], calls: int, weight: float = 0.05) -> tuple[Any, list[str]]:
    router, provider = _router(answers, cost_weight=weight)
    found = router.classify_sync("What is it?", QUIZ, max_calls=calls)
    router.close()
    return found, [name for name, _ in provider.calls]


def test_a_second_call_is_not_spent_on_what_it_cannot_tell() -> None:
    found, asked = _asked(dict.fromkeys(("sim/one", "sim/two", "sim/dear"), "B"), calls=2)
    assert len(asked) == 1
    assert found.label == "B"


def test_an_answer_that_names_no_letter_is_followed_by_another_arm() -> None:
    said = {"sim/one": "hard to say", "sim/two": "hard to say", "sim/dear": "C"}
    found, asked = _asked(said, calls=3, weight=0.01)
    assert asked[-1] == "sim/dear"
    assert found.label == "C"


def test_with_three_calls_two_cheap_arms_that_agree_settle_it() -> None:
    found, asked = _asked({"sim/one": "B", "sim/two": "B", "sim/dear": "C"}, calls=3)
    assert sorted(asked) == ["sim/one", "sim/two"]
    assert (found.label, found.arm) == ("B", EVIDENCE)
    assert found.confidence == pytest.approx(0.8, abs=0.1)


def test_with_three_calls_a_third_arm_is_asked_where_two_differ() -> None:
    found, asked = _asked({"sim/one": "B", "sim/two": "A", "sim/dear": "A"}, calls=3)
    assert sorted(asked[:2]) == ["sim/one", "sim/two"]
    assert asked[2:] == ["sim/dear"]
    assert found.label == "A"
