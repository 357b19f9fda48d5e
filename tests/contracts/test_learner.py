"""What every learner keeps to."""

from __future__ import annotations

from collections.abc import Callable
from types import ModuleType

import numpy as np
import pytest

from loops import BOTH, use
from metallm.core.outcome import Recorded
from metallm.core.protocols import Learner
from metallm.learners.blend import BlendLearner
from metallm.learners.paper import PaperLearner

D = 10
Make = Callable[[], Learner]

LEARNERS: dict[str, Make] = {
    "blend": lambda: BlendLearner(D),
    "blend of another seed": lambda: BlendLearner(D, seed=7, capacity=500),
    "paper": lambda: PaperLearner(D, cost_weight=0.3),
    "paper of another penalty": lambda: PaperLearner(D, cost_weight=0.0, penalty=1.0),
}


@pytest.fixture(params=list(LEARNERS), name="make")
def _make(request: pytest.FixtureRequest) -> Make:
    return LEARNERS[request.param]


@pytest.fixture(params=BOTH, autouse=True)
def _loops(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    loops: ModuleType = request.param
    use(monkeypatch, loops)


def _stream(learner: Learner, first: int, last: int) -> None:
    for step in range(first, last):
        rng = np.random.default_rng(step)
        context = rng.normal(size=D).astype(np.float32)
        learner.update(
            context, f"arm{step % 3}", float(rng.uniform() < 0.6), scaled_cost=(step % 3) / 2
        )


def _probe() -> np.ndarray:
    return np.random.default_rng(99).normal(size=(7, D)).astype(np.float32)


NAMES = ("arm0", "arm1", "arm2", "never")


def test_estimates_have_a_row_per_query_and_a_column_per_arm(make: Make) -> None:
    learner = make()
    _stream(learner, 0, 40)
    quality, spread = learner.estimate(_probe(), NAMES)
    assert quality.shape == spread.shape == (7, 4)
    assert np.isfinite(quality).all()
    assert (spread > 0.0).all()
    swapped, _ = learner.estimate(_probe(), NAMES[::-1])
    assert swapped[:, ::-1].tolist() == quality.tolist()


def test_one_query_at_a_time_gives_what_a_batch_gives(make: Make) -> None:
    learner = make()
    _stream(learner, 0, 150)
    batch, _ = learner.estimate(_probe(), NAMES)
    single = np.concatenate([learner.estimate(row[None], NAMES)[0] for row in _probe()])
    assert single == pytest.approx(batch, abs=1e-12)


def test_the_same_calls_give_the_same_bits(make: Make) -> None:
    first, second = make(), make()
    for learner in (first, second):
        _stream(learner, 0, 120)
    assert (
        first.estimate(_probe(), NAMES)[0].tolist() == second.estimate(_probe(), NAMES)[0].tolist()
    )


@pytest.mark.parametrize("saved_at", [0, 5, 100])
def test_a_saved_learner_goes_on_with_the_same_bits(make: Make, saved_at: int) -> None:
    whole, parted = make(), make()
    _stream(whole, 0, 150)
    _stream(parted, 0, saved_at)
    resumed = make()
    resumed.load(parted.state())
    _stream(resumed, saved_at, 150)
    for kind in range(2):
        assert (
            resumed.estimate(_probe(), NAMES)[kind].tolist()
            == whole.estimate(_probe(), NAMES)[kind].tolist()
        )


def test_a_saved_state_does_not_change_afterwards(make: Make) -> None:
    learner = make()
    _stream(learner, 0, 60)
    state = {key: value.copy() for key, value in learner.state().items()}
    kept = learner.state()
    _stream(learner, 60, 90)
    assert all(np.array_equal(kept[key], state[key]) for key in state)


def test_asking_teaches_nothing(make: Make) -> None:
    learner = make()
    _stream(learner, 0, 60)
    before = learner.estimate(_probe(), NAMES)[0].tolist()
    learner.estimate(_probe() * 5, ("someone", "else"))
    assert learner.estimate(_probe(), NAMES)[0].tolist() == before


def test_recorded_outcomes_with_holes_are_learned(make: Make) -> None:
    rng = np.random.default_rng(0)
    quality = np.where(rng.uniform(size=(80, 2)) < 0.2, np.nan, [[0.9, 0.1]])
    nothing = np.full((80, 2), np.nan)
    contexts = np.ones((80, D), dtype=np.float32) + rng.normal(size=(80, D)).astype(np.float32)
    learner = make()
    learner.fit(
        Recorded(contexts, ("good", "bad"), quality, nothing, np.ones(80), nothing, nothing),
        np.zeros(2),
    )
    believed, _ = learner.estimate(np.ones((1, D), dtype=np.float32), ("good", "bad"))
    assert believed[0, 0] > believed[0, 1] + 0.4
