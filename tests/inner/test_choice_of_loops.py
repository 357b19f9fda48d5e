"""Which loops are in use, and that those in use learn alike."""

from __future__ import annotations

import copy
import os
import pickle
import subprocess
import sys
from types import ModuleType

import numpy as np
import pytest

from loops import BOTH, compiled, needs_compiled, use
from metallm import inner
from metallm.inner import pure
from metallm.learners.blend import BlendLearner
from metallm.learners.ridge import ArmRidge

TELL = """
import sys
import numpy as np
from metallm import inner
from metallm.learners.blend import BlendLearner
learner = BlendLearner(4)
for step in range(80):
    learner.update(np.full(4, step / 80, np.float32), "ab"[step % 2], step % 3 / 2)
quality, _ = learner.estimate(np.ones((1, 4), np.float32), ("a", "b"))
print(inner.COMPILED, "metallm.inner._compiled" in sys.modules, np.isfinite(quality).all())
"""


def _told(**environment: str) -> list[str]:
    done = subprocess.run(
        [sys.executable, "-c", TELL],
        env={**os.environ, **environment},
        check=True,
        stdout=subprocess.PIPE,
    )
    return done.stdout.decode().split()


@pytest.mark.process
def test_the_environment_can_ask_for_numpy_alone() -> None:
    assert _told(METALLM_PURE="1") == ["False", "False", "True"]


@pytest.mark.process
@needs_compiled
def test_compiled_loops_are_used_where_they_are() -> None:
    assert _told(METALLM_PURE="0") == ["True", "True", "True"]


def test_a_library_of_other_sources_is_not_used(monkeypatch: pytest.MonkeyPatch) -> None:
    older = ModuleType("older")
    older.INTERFACE = inner.INTERFACE - 1  # type: ignore[attr-defined]
    monkeypatch.delenv("METALLM_PURE", raising=False)
    monkeypatch.setitem(sys.modules, "metallm.inner._compiled", older)
    assert inner._library() is None


def _learned(monkeypatch: pytest.MonkeyPatch, loops: ModuleType) -> dict[str, np.ndarray]:
    use(monkeypatch, loops)
    learner, rng = BlendLearner(12), np.random.default_rng(0)
    for step in range(300):
        context = rng.normal(size=12, scale=1 / 3).astype(np.float32)
        learner.update(context, f"arm{step % 3}", float(rng.uniform() < 0.3 + step % 3 / 5))
        learner.estimate(context[None], ("arm0",))
    return {name: np.array(value) for name, value in learner.state().items()}


@needs_compiled
def test_a_log_learned_with_one_is_verified_with_the_other(monkeypatch: pytest.MonkeyPatch) -> None:
    from metallm.cli.verify import TOLERANCE, difference

    fast = compiled()
    assert fast is not None
    mine, twin = _learned(monkeypatch, fast), _learned(monkeypatch, pure)
    where, largest, _ = difference(mine, twin)
    assert largest < TOLERANCE / 10, where
    again = _learned(monkeypatch, fast)
    assert difference(mine, again) == (None, 0.0, True)


@pytest.mark.parametrize("loops", BOTH)
def test_a_copied_ridge_learns_on_its_own(
    monkeypatch: pytest.MonkeyPatch, loops: ModuleType
) -> None:
    use(monkeypatch, loops)
    ridge = ArmRidge(2, np.ones(3), np.zeros(3))
    ridge.update(0, np.ones(3), 1.0)
    copies = [copy.deepcopy(ridge), pickle.loads(pickle.dumps(ridge))]
    before, probe = ridge.theta.copy(), np.ones((1, 3))
    for each in copies:
        each.update(0, np.ones(3), 0.0)
        mine, theirs = (one.predict_with_error(probe)[0][0, 0] for one in (ridge, each))
        assert theirs < mine
    assert (ridge.theta == before).all()
    ridge.update(0, np.ones(3), 0.0)
    for each in copies:
        assert (each.theta == ridge.theta).all()
        assert (each.variance() == ridge.variance()).all()
