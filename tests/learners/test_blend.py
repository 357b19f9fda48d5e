from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from metallm.core.outcome import Recorded
from metallm.learners.blend import UNTRIED_QUALITY, BlendLearner
from metallm.learners.expected import NONE

D = 12


def _world(count: int, seed: int = 0) -> tuple[np.ndarray, np.ndarray]:
    """Two arms, each right where the other is wrong: by the sign of the first entry."""
    rng = np.random.default_rng(seed)
    contexts = rng.normal(size=(count, D)).astype(np.float32)
    contexts[:, 0] *= 3.0
    sign = contexts[:, 0] > 0
    chance = np.column_stack([np.where(sign, 0.9, 0.2), np.where(sign, 0.2, 0.9)])
    return contexts, (rng.uniform(size=(count, 2)) < chance).astype(np.float64)


def _recorded(contexts: np.ndarray, quality: np.ndarray) -> Recorded:
    nothing = np.full(quality.shape, np.nan)
    return Recorded(
        contexts, ("a", "b"), quality, nothing, np.full(len(contexts), 9.0), nothing, nothing
    )


def test_before_anything_is_known_every_arm_looks_worth_a_try() -> None:
    quality, spread = BlendLearner(D).estimate(np.zeros((2, D), dtype=np.float32), ("a", "b"))
    assert quality == pytest.approx(np.full((2, 2), UNTRIED_QUALITY))
    assert (spread > 0.2).all()


def test_it_finds_out_which_arm_is_good_at_what_from_recorded_outcomes() -> None:
    learner = BlendLearner(D)
    learner.fit(_recorded(*_world(600)), np.zeros(2))
    contexts, quality = _world(600, seed=1)
    believed, _ = learner.estimate(contexts, ("a", "b"))
    chosen = quality[np.arange(600), believed.argmax(axis=1)].mean()
    assert chosen > 0.85
    assert quality.mean(axis=0).max() < 0.65


def test_it_finds_out_from_the_chosen_arm_s_outcomes_alone() -> None:
    learner = BlendLearner(D)
    contexts, quality = _world(900)
    rng = np.random.default_rng(5)
    for context, row in zip(contexts, quality, strict=True):
        arm = int(rng.integers(2))
        learner.update(context, "ab"[arm], float(row[arm]))
    fresh, outcomes = _world(600, seed=1)
    believed, _ = learner.estimate(fresh, ("a", "b"))
    assert outcomes[np.arange(600), believed.argmax(axis=1)].mean() > 0.82


def test_an_arm_never_seen_is_believed_to_be_like_the_others() -> None:
    learner = BlendLearner(D)
    contexts, quality = _world(400)
    learner.fit(_recorded(contexts, quality), np.zeros(2))
    believed, spread = learner.estimate(contexts[:50], ("a", "b", "new"))
    assert believed[:, 2].mean() == pytest.approx(quality.mean(), abs=0.08)
    assert (spread[:, 2] > spread[:, :2].max(axis=1)).all()


def test_uncertainty_falls_with_outcomes() -> None:
    learner = BlendLearner(D)
    contexts, quality = _world(300)
    _, before = learner.estimate(contexts[:1], ("a",))
    for context, row in zip(contexts, quality, strict=True):
        learner.update(context, "a", float(row[0]))
    _, after = learner.estimate(contexts[:1], ("a",))
    assert after[0, 0] < before[0, 0] / 2


def test_a_correction_equals_never_having_been_once_all_is_renewed() -> None:
    contexts, quality = _world(120)
    corrected, never = BlendLearner(D), BlendLearner(D)
    for place in range(120):
        corrected.update(contexts[place], "ab"[place % 2], float(quality[place, place % 2]))
        if place != 50:
            never.update(contexts[place], "ab"[place % 2], float(quality[place, place % 2]))
    corrected.update(contexts[50], "a", float(quality[50, 0]), weight=-1.0)
    for learner in (corrected, never):
        learner.renew()
    first, second = (each.estimate(contexts, ("a", "b")) for each in (corrected, never))
    assert first[0] == pytest.approx(second[0], abs=1e-12)
    assert first[1] == pytest.approx(second[1], abs=1e-12)


def test_a_correction_between_renewals_leaves_the_ridge_as_if_it_had_never_been() -> None:
    contexts, quality = _world(60)
    learner = BlendLearner(D)
    learner.fit(_recorded(contexts, quality), np.zeros(2))
    before, _ = learner.estimate(contexts, ("a", "b"))
    learner.update(contexts[3], "a", 0.25)
    learner.update(contexts[3], "a", 0.25, weight=-1.0)
    after, _ = learner.estimate(contexts, ("a", "b"))
    assert after == pytest.approx(before, abs=1e-10)


def test_the_oldest_rows_are_forgotten_beyond_the_capacity() -> None:
    learner = BlendLearner(D, capacity=200)
    contexts, quality = _world(400)
    for context, row in zip(contexts, quality, strict=True):
        learner.update(context, "a", float(row[0]))
    assert len(learner.state()["memory_y"]) <= 260


def test_a_published_score_counts_for_an_arm_until_its_own_outcomes_say_more() -> None:
    contexts, quality = _world(400)
    learner, plain = BlendLearner(D, priors={"new": 0.95}), BlendLearner(D)
    for each in (learner, plain):
        each.fit(_recorded(contexts, quality), np.zeros(2))
    names = ("a", "new", "b")
    believed, _ = learner.estimate(contexts[:40], names)
    bare, _ = plain.estimate(contexts[:40], names)
    assert believed[:, [0, 2]].tolist() == bare[:, [0, 2]].tolist()
    assert believed[:, 1].mean() == pytest.approx(0.95, abs=0.05)
    for context in contexts[:200]:
        learner.update(context, "new", 0.0)
        plain.update(context, "new", 0.0)
    settled = learner.estimate(contexts[:40], names)[0][:, 1]
    assert settled == pytest.approx(plain.estimate(contexts[:40], names)[0][:, 1], abs=0.06)


def _unlike(count: int) -> tuple[np.ndarray, np.ndarray]:
    """Two arms, one nearly always right and the other hardly ever, whatever the context."""
    rng = np.random.default_rng(2)
    contexts = rng.normal(size=(count, D)).astype(np.float32)
    return contexts, (rng.uniform(size=(count, 2)) < [0.9, 0.3]).astype(np.float64)


def test_an_arm_that_joins_late_is_expected_to_be_among_the_better_until_it_was_tried() -> None:
    contexts, quality = _unlike(400)
    learner = BlendLearner(D)
    learner.fit(_recorded(contexts, quality), np.zeros(2))
    mean, between = quality.mean(), quality.mean(axis=0).std()
    at_first = learner.estimate(contexts[:40], ("a", "b", "new"))[0]
    assert at_first[:, 2].mean() == pytest.approx(mean + between, abs=0.03)
    learner.update(contexts[0], "new", 0.0)
    after_one = learner.estimate(contexts[:40], ("a", "b", "new"))[0]
    # the bare mean of it and of the prior's two outcomes would be .4
    assert mean < after_one[:, 2].mean() < at_first[:, 2].mean()
    for context in np.concatenate([contexts, contexts]):
        learner.update(context, "new", 0.0)
    settled = learner.estimate(contexts[:40], ("a", "b", "new"))[0]
    assert settled[:, 2].mean() == pytest.approx(0.0, abs=0.05)
    assert (learner.state()["newcomers"] == NONE).all()


def test_what_is_hoped_of_a_late_arm_never_holds_it_down() -> None:
    contexts, quality = _unlike(400)
    learner, told = BlendLearner(D), BlendLearner(D, priors={"new": 0.75})
    for each in (learner, told):
        each.fit(_recorded(contexts, quality), np.zeros(2))
        for context in contexts[:30]:
            each.update(context, "new", 1.0)
    hoped = learner.estimate(contexts[:40], ("new",))[0].mean()
    assert hoped > 0.95
    assert told.estimate(contexts[:40], ("new",))[0].mean() < hoped - 0.03


def test_what_a_late_arm_was_expected_of_outlasts_a_restart_and_older_states_know_none() -> None:
    contexts, quality = _unlike(200)
    learner = BlendLearner(D)
    learner.fit(_recorded(contexts, quality), np.zeros(2))
    learner.update(contexts[0], "new", 0.0)
    names, state = ("new", "a"), dict(learner.state())
    again, older = BlendLearner(D), BlendLearner(D)
    again.load(state)
    older.load({key: value for key, value in state.items() if key != "newcomers"})
    believed = learner.estimate(contexts[:5], names)[0]
    assert again.estimate(contexts[:5], names)[0].tolist() == believed.tolist()
    without = older.estimate(contexts[:5], names)[0]
    assert (without[:, 0] < believed[:, 0] - 0.1).all()
    assert without[:, 1].tolist() == believed[:, 1].tolist()


def test_arms_that_begin_together_are_no_newcomers() -> None:
    contexts, quality = _unlike(300)
    learner = BlendLearner(D)
    for place, (context, row) in enumerate(zip(contexts, quality, strict=True)):
        learner.update(context, "ab"[place % 2], float(row[place % 2]))
    assert (learner.state()["newcomers"] == NONE).all()


def test_before_anything_is_known_a_published_score_is_all_there_is() -> None:
    learner = BlendLearner(D, priors={"good": 0.9, "poor": 0.3})
    quality, _ = learner.estimate(np.zeros((1, D), dtype=np.float32), ("good", "poor", "other"))
    assert quality[0].tolist() == pytest.approx([0.9, 0.3, UNTRIED_QUALITY])


def test_recorded_outcomes_count_by_their_weight() -> None:
    contexts, quality = _world(200)
    half, whole = BlendLearner(D), BlendLearner(D)
    weight = np.full(quality.shape, 0.5)
    half.fit(replace(_recorded(contexts, quality), weight=weight), np.zeros(2))
    whole.fit(_recorded(contexts, quality), np.zeros(2))
    spreads = [each.estimate(contexts[:20], ("a", "b"))[1].mean() for each in (half, whole)]
    assert spreads[0] > 1.2 * spreads[1]
    assert half.state()["ridge_n"] == pytest.approx(np.full(2, 100.0))
