from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pytest

from metallm.errors import InputError
from metallm.evaluation.rule import RuleRouter
from metallm.evaluation.sweep import sweep
from metallm.sandbox.synthetic import chance, items, synthetic_recordings
from metallm.tables.recordings import Recordings


def expert(recordings: Recordings) -> RuleRouter:
    """Knows the chances of every model, but no answer beforehand."""
    costs = np.nanmean(recordings.cost_usd, axis=0)
    known = {
        item.text: np.array([chance(m, item.task, item.difficulty) for m in recordings.models])
        for item in items()
    }

    def rule(text: str, p: float) -> str:
        return recordings.models[int(np.argmax(known[text] - p * costs / costs.max()))]

    return RuleRouter(rule)


def test_a_router_that_knows_the_chances_closes_part_of_the_gap_and_saves() -> None:
    recordings = Recordings.read(synthetic_recordings())
    router = expert(recordings)
    found = sweep(recordings, lambda seed, models: router, seed=2)
    assert 0.2 < found.standing.gap_closed < 1.0
    assert found.standing.savings[0.99] > 0.5 > found.standing.zero_savings[0.99]
    costs = [point.cost_usd for point in found.points]
    assert costs == sorted(costs, reverse=True)
    assert len(router.fitted) == 1
    assert len(router.fitted[0]) == 450
    assert router.told == []
    assert router.closed


def test_a_router_that_never_looks_at_the_query_closes_nothing() -> None:
    recordings = Recordings.read(synthetic_recordings())

    def blind(seed: int, models: Sequence[str]) -> RuleRouter:
        return RuleRouter(lambda text, p: "sim/large" if p < 1.0 else "sim/tiny")

    assert sweep(recordings, blind).standing.gap_closed <= 0.0


def test_a_sweep_can_tell_the_task() -> None:
    recordings = Recordings.read(synthetic_recordings(0, per_task=10))
    router = RuleRouter(lambda text, p: "sim/small")
    sweep(recordings, lambda seed, models: router, cost_weights=[0.1], tell_task=True)
    assert {task for _, task, _ in router.asked} <= set(recordings.datasets)
    assert None not in {task for _, task, _ in router.asked}


def test_a_sweep_over_nothing_is_refused() -> None:
    recordings = Recordings.read(synthetic_recordings(0, per_task=10))
    with pytest.raises(InputError, match="at least one cost weight"):
        sweep(recordings, lambda seed, models: expert(recordings), cost_weights=[])
