"""True labels: learned from feedback and from recorded references, corrected, and taken back."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pytest

from doubles import CHEAP
from metallm.assembly import Router
from metallm.errors import FeedbackConflictError

LABELS = ("yes", "no", "maybe")


def _learned(router: Router) -> dict[str, Any]:
    """What the learner holds, as plain lists, apart from what only rounding decides."""
    state = router.knowledge.learner.state()
    names = ("memory_label", "memory_y", "memory_arm", "labels_label", "ridge_n", "ridge_sy")
    return {name: np.asarray(state[name]).tolist() for name in names}


def test_a_label_is_learned_with_the_quality_that_it_makes(make: Callable[..., Router]) -> None:
    router = make()
    answer = router.classify_sync("a text", LABELS, task="t")
    outcome = router.feedback(answer.decision_id, label="no")
    assert (outcome.quality, outcome.label) == (0.0, "no")
    learned = _learned(router)
    assert learned["labels_label"] == ["no"]
    assert (learned["memory_label"], learned["memory_y"]) == ([0], [0.0])


def test_another_label_is_a_contradiction_even_where_the_quality_is_the_same(
    make: Callable[..., Router],
) -> None:
    router = make()
    answer = router.classify_sync("a text", LABELS)
    router.feedback(answer.decision_id, label="no")
    with pytest.raises(FeedbackConflictError, match="label 'no'"):
        router.feedback(answer.decision_id, label="maybe")
    replaced = router.feedback(answer.decision_id, label="maybe", replace=True)
    assert (replaced.replaces, replaced.replaces_label) == (0.0, "no")
    learned = _learned(router)
    assert learned["memory_label"] == [1]
    assert learned["labels_label"] == ["no", "maybe"]
    assert sum(learned["ridge_n"]) == 1.0


def test_a_label_after_a_bare_quality_that_agrees_is_news_and_no_contradiction(
    make: Callable[..., Router],
) -> None:
    router = make()
    answer = router.classify_sync("a text", LABELS)
    router.feedback(answer.decision_id, quality=1.0)
    router.feedback(answer.decision_id, label="yes")
    learned = _learned(router)
    assert (learned["memory_label"], learned["memory_y"]) == ([0], [1.0])
    # the bare quality once more takes nothing away
    router.feedback(answer.decision_id, quality=1.0)
    assert _learned(router) == learned
    with pytest.raises(FeedbackConflictError):
        router.feedback(answer.decision_id, quality=0.0)


def test_a_replaced_quality_takes_the_label_along(make: Callable[..., Router]) -> None:
    router = make()
    answer = router.classify_sync("a text", LABELS)
    router.feedback(answer.decision_id, label="no")
    router.feedback(answer.decision_id, quality=1.0, replace=True)
    learned = _learned(router)
    assert (learned["memory_label"], learned["memory_y"]) == ([-1], [1.0])


def test_a_restart_knows_the_labels(tmp_path: Path, make: Callable[..., Router]) -> None:
    path = tmp_path / "log.db"
    router = make(store=path)
    answer = router.classify_sync("a text", LABELS)
    router.feedback(answer.decision_id, label="no")
    router.feedback(answer.decision_id, label="maybe", replace=True)
    learned = _learned(router)
    router.close()
    assert _learned(make(store=path)) == learned


def test_references_of_a_recorded_table_are_labels_of_its_data_set(
    make: Callable[..., Router],
) -> None:
    rows = [
        {
            "query": f"text {row}", "dataset": "d", "reference": ("yes", "no")[row % 2],
            "model": CHEAP.name, "score": 1.0,
        }
        for row in range(12)
    ]  # fmt: skip
    router = make()
    router.fit(pa.Table.from_pylist(rows))
    learned = _learned(router)
    assert learned["labels_label"] == ["yes", "no"]
    assert learned["memory_label"] == [0, 1] * 6
