from __future__ import annotations

import numpy as np
import pytest

from metallm.core.outcome import Recorded
from metallm.learners.blend import BlendLearner
from metallm.learners.memory import Memory
from metallm.learners.recall import (
    CAUTION,
    LEAST_ROWS,
    MOST_CLASSES,
    REST,
    ROWS_PER_CLASS,
    SHRINKAGE,
    UNKNOWN,
    LabelRecall,
    classes_among,
)
from metallm.learners.ridge import ArmRidge
from metallm.learners.sets import RowSet, row_sets

D = 6
ARMS = ("says yes", "says no")


def _world(count: int, seed: int = 0) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Contexts, labels 0 and 1 that can be told from the first entry, and what two arms make of it.

    The first arm is right on nine in ten of label 0 and on one in five of label 1; the second the
    other way round.
    """
    rng = np.random.default_rng(seed)
    z = rng.normal(size=(count, D))
    z[:, 0] = 1.0
    label = (z[:, 1] + 0.3 * rng.normal(size=count) > 0).astype(np.int64)
    chance = np.column_stack([np.where(label == 0, 0.9, 0.2), np.where(label == 0, 0.2, 0.9)])
    return z, label, (rng.uniform(size=(count, 2)) < chance).astype(np.float64)


def _fitted(z: np.ndarray, label: np.ndarray, sets: list[RowSet], arms: int = 2) -> LabelRecall:
    ridge = ArmRidge(arms, np.full(D, 10.0), np.zeros(D))
    for rows in sets:
        ridge.add_set(rows.arms, z[rows.rows], rows.y, rows.weight)
    ridge.refactor()
    recall = LabelRecall(classes_among(label), arms, D)
    recall.fit(z, label, sets, ridge)
    return recall


def test_recall_per_class_is_counted_and_shrunk_to_the_arm_s_mean() -> None:
    z, label, y = _world(200)
    recall = _fitted(z, label, [RowSet((0, 1), np.arange(200), y, None)])
    for place in (0, 1):
        mine = label == place
        assert recall.n[:, place].tolist() == [mine.sum()] * 2
        assert recall.sy[:, place] == pytest.approx(y[mine].sum(axis=0))
    means = np.array([0.5, 0.25])
    quality, error = recall.estimate(z[:1], means)
    chance = recall.posterior(z[:1])[0]
    shrunk = (recall.sy + SHRINKAGE * means[:, None]) / (recall.n + SHRINKAGE)
    assert quality[0] == pytest.approx(shrunk @ chance)
    assert (error > 0.0).all()
    assert (error < 0.1).all()


def test_the_posterior_is_a_distribution_over_the_classes_that_are_possible() -> None:
    z, label, y = _world(200)
    recall = _fitted(z, label, [RowSet((0, 1), np.arange(200), y, None)])
    chance = recall.posterior(z)
    assert chance.sum(axis=1) == pytest.approx(np.ones(200))
    assert (chance.argmax(axis=1) == label).mean() > 0.85
    only = recall.posterior(z, np.array([False, True]))
    assert only.tolist() == [[0.0, 1.0]] * 200


def test_labels_of_rows_that_other_arms_answered_teach_on_all_arms() -> None:
    contexts, label, y = _world(700)
    rows = contexts.astype(np.float32)
    names = np.array(["no", "yes"])[label]
    nothing = np.full((60, 2), np.nan)
    start = Recorded(rows[:60], ARMS, y[:60], nothing, nothing[:, 0], nothing, nothing)
    told, untold = BlendLearner(D), BlendLearner(D)
    for learner in (told, untold):
        learner.fit(start, np.zeros(2))
        for row in range(60, 400):
            # the second arm is never asked after the start
            name = str(names[row]) if learner is told else None
            learner.update(rows[row], ARMS[0], float(y[row, 0]), label=name)
        learner.renew()
    right = [
        y[400:][np.arange(300), learner.estimate(rows[400:], ARMS)[0].argmax(axis=1)].mean()
        for learner in (told, untold)
    ]
    assert right[0] > right[1] + 0.02
    assert right[0] > 0.8


def test_where_labels_tell_nothing_their_share_is_about_nothing() -> None:
    z, _, y = _world(600)
    noise = np.random.default_rng(9).integers(2, size=600)
    recall = _fitted(z, noise, [RowSet((0, 1), np.arange(600), y, None)])
    assert recall.share < 0.1


def test_where_labels_tell_all_their_share_is_large() -> None:
    z, label, y = _world(600)
    assert _fitted(z, label, [RowSet((0, 1), np.arange(600), y, None)]).share > 0.5


def test_the_share_counts_a_row_s_own_outcome_neither_in_recall_nor_in_ridge() -> None:
    z, label, y = _world(70)
    sets = [RowSet((0, 1), np.arange(70), y, None)]
    whole = _fitted(z, label, sets)
    moved, squared = np.zeros(70), np.zeros(70)
    for row in range(70):
        kept = np.arange(70) != row
        part = [RowSet((0, 1), np.arange(69), y[kept], None)]
        ridge = ArmRidge(2, np.full(D, 10.0), np.zeros(D))
        ridge.add_set((0, 1), z[kept], y[kept])
        ridge.refactor()
        recall = LabelRecall(whole.classes, 2, D)
        recall.fit(z[kept], label[kept], part, ridge)
        recall.sharpness = whole.sharpness
        means = y[kept].mean(axis=0)
        by_class = recall.estimate(z[row][None], means)[0][0]
        by_ridge = ridge.predict(z[row][None])[0]
        moved[row] = (y[row] - by_ridge) @ (by_class - by_ridge)
        squared[row] = (by_class - by_ridge) @ (by_class - by_ridge)
    best = moved.sum() / squared.sum()
    error = np.sqrt(((moved - best * squared) ** 2).sum()) / squared.sum()
    # each refit may choose another penalty, and means are those of all rows: hence the width
    assert whole.share == pytest.approx(min(max(best - CAUTION * error, 0.0), 1.0), abs=0.08)


def test_few_rows_give_labels_no_large_share_by_luck() -> None:
    shares = []
    for seed in range(20):
        z, _, y = _world(80, seed)
        noise = np.random.default_rng(seed).integers(2, size=80)
        shares.append(_fitted(z, noise, [RowSet((0, 1), np.arange(80), y, None)]).share)
    assert np.mean(shares) < 0.05
    few = np.random.default_rng(0).integers(2, size=LEAST_ROWS - 1)
    assert not len(classes_among(few))


def test_an_outcome_learned_and_taken_back_leaves_what_was_before() -> None:
    z, label, y = _world(100)
    recall = _fitted(z, label, [RowSet((0, 1), np.arange(100), y, None)])
    before = recall.state()
    recall.update(0, z[3], 1.0, 1)
    assert recall.n[0].tolist() != before["n"][0].tolist()
    recall.update(0, z[3], 1.0, 1, -1.0)
    for key, value in recall.state().items():
        assert value == pytest.approx(before[key], abs=1e-9), key


def test_a_label_that_is_no_class_is_one_of_the_rest_or_waits_for_the_next_renewal() -> None:
    z, label, y = _world(100)
    recall = _fitted(z, label, [RowSet((0, 1), np.arange(100), y, None)])
    before = recall.n.copy()
    recall.update(0, z[0], 1.0, 77)
    assert recall.n.tolist() == before.tolist()
    mixed = np.where(np.arange(100) < 80, label, np.arange(100))
    with_rest = _fitted(z, mixed, [RowSet((0, 1), np.arange(100), y, None)])
    assert with_rest.classes[-1] == REST
    assert with_rest.n[0, -1] == 20
    with_rest.update(0, z[0], 1.0, 77)
    assert with_rest.n[0, -1] == 21


def test_frequent_labels_are_classes_and_the_others_are_one_together() -> None:
    frequent = np.repeat([4, 9], LEAST_ROWS)
    assert classes_among(frequent).tolist() == [4, 9]
    few = np.concatenate([frequent, np.arange(20, 25), [UNKNOWN] * 50])
    assert classes_among(few).tolist() == [4, 9]
    rest = np.concatenate([frequent, np.arange(20, 40)])
    assert classes_among(rest).tolist() == [4, 9, REST]
    many = np.repeat(np.arange(200), ROWS_PER_CLASS)
    assert len(classes_among(many)) == MOST_CLASSES


def test_one_label_alone_or_none_makes_no_class() -> None:
    assert not len(classes_among(np.zeros(50, dtype=np.int64)))
    assert not len(classes_among(np.full(50, UNKNOWN)))
    assert not LabelRecall.none()


def test_rows_without_a_label_are_left_out() -> None:
    z, label, y = _world(140)
    half = np.where(np.arange(140) < 70, label, UNKNOWN)
    memory = Memory(D)
    memory.extend(z.astype(np.float32), np.array([0, 1]), y, half)
    recall = _fitted(z, half, row_sets(memory, 2))
    assert recall.n.sum(axis=1).tolist() == [70.0, 70.0]
