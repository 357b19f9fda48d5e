"""What arms' certainty is worth, by their own record."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from metallm.core.classes import Case
from metallm.embeddings.grams import grams
from metallm.learners.classes import ClassLearner
from metallm.learners.sureness import LEAST_SHARE, Sureness, shares_of

LABELS = ("a", "b", "c")


def _learned(
    count: int, *, telling: bool, seed: int = 0, constant: float | None = None
) -> Sureness:
    """An arm that is right on 7 of 10: as often as it says, or whatever it says."""
    rng = np.random.default_rng(seed)
    records = Sureness(4.0)
    for number in range(count):
        share = constant if constant is not None else float(rng.uniform(0.4, 1.0))
        right = rng.random() < (share if telling else 0.7)
        truth = 0 if right else int(rng.integers(1, 3))
        left = 1.0 - share
        records.learn(
            str(number), "x", 0.7, np.array([share, left * 0.5, left * 0.5]), (0, truth), 1.0
        )
    return records


def test_before_any_record_certainty_is_worth_nothing() -> None:
    records = Sureness(4.0)
    for share in (0.34, 0.7, 0.9999):
        assert records.quality("x", 0.7, share) == pytest.approx(0.7)
        shares = np.array([share, 0.9 * (1.0 - share), 0.1 * (1.0 - share)])
        assert records.evidence("x", 0.7, shares, 0) == pytest.approx(np.zeros(3), abs=1e-12)


def test_certainty_that_tells_is_taken_at_its_word() -> None:
    records = _learned(1000, telling=True)
    for share in (0.5, 0.7, 0.9):
        assert records.quality("x", 0.7, share) == pytest.approx(share, abs=0.06)


def test_certainty_that_tells_nothing_stays_worth_nothing() -> None:
    records = _learned(1000, telling=False)
    found = [records.quality("x", 0.7, share) for share in (0.45, 0.7, 0.95)]
    assert found == pytest.approx([0.7] * 3, abs=0.06)


def test_an_arm_that_is_always_sure_is_as_good_as_it_is() -> None:
    records = _learned(500, telling=False, constant=0.99)
    assert records.quality("x", 0.7, 0.99) == pytest.approx(0.7, abs=0.05)
    assert records.quality("x", 0.5, 0.99) < 0.65


def test_the_second_choice_counts_as_far_as_it_was_right() -> None:
    told, blind = Sureness(4.0), Sureness(4.0)
    rng = np.random.default_rng(1)
    shares = np.array([0.6, 0.36, 0.04])
    for number in range(300):
        told.learn(str(number), "x", 0.7, shares, (0, 1 if rng.random() < 0.9 else 2), 1.0)
        blind.learn(str(number), "x", 0.7, shares, (0, int(rng.integers(1, 3))), 1.0)
    good, none = (each.evidence("x", 0.7, shares, 0) for each in (told, blind))
    assert np.exp(good[1] - good[2]) == pytest.approx(9.0, rel=0.3)
    assert np.exp(none[1] - none[2]) == pytest.approx(1.0, abs=0.3)


def test_one_arms_record_is_not_anothers() -> None:
    assert _learned(200, telling=True).quality("y", 0.7, 0.99) == pytest.approx(0.7)


def test_a_task_begins_with_what_is_known_over_all() -> None:
    common = _learned(500, telling=True)
    own = Sureness(10.0, common)
    assert own.quality("x", 0.7, 0.9) == common.quality("x", 0.7, 0.9)


def test_a_saved_record_goes_on_as_it_was() -> None:
    records, again = _learned(130, telling=True), Sureness(4.0)
    again.load(records.state())
    for each in (records, again):
        each.learn("more", "x", 0.7, np.array([0.8, 0.1, 0.1]), (0, 2), 1.0)
        each.take_back("3", "x")
    assert again.quality("x", 0.6, 0.8) == records.quality("x", 0.6, 0.8)
    shares = np.array([0.8, 0.15, 0.05])
    assert (
        again.evidence("x", 0.6, shares, 0).tobytes()
        == records.evidence("x", 0.6, shares, 0).tobytes()
    )
    assert Sureness(4.0).state() == {}


@given(
    st.lists(st.floats(0.0, 1.0), min_size=1, max_size=3),
    st.permutations(LABELS),
)
def test_shares_are_over_all_labels_and_none_is_out_of_bounds(
    parts: list[float], order: list[str]
) -> None:
    total = max(sum(parts), 1.0)
    told = tuple((label, part / total) for label, part in zip(order, parts, strict=False))
    shares = shares_of(told, LABELS)
    assert shares.shape == (3,)
    assert shares.min() >= LEAST_SHARE
    assert shares.max() <= 1.0 - LEAST_SHARE
    unmet = [place for place, label in enumerate(LABELS) if label not in dict(told)]
    assert np.ptp(shares[unmet]) == 0.0 if unmet else True


def _case(number: int, share: float | None) -> Case:
    said = {} if share is None else {"x": (("cat", share), ("dog", 1.0 - share))}
    words = grams(f"nothing to tell {number}")
    context = np.zeros(4, np.float32)
    return Case(str(number), "pets", ("cat", "dog"), words, context, {"x": 0.7}, said)


def _pets(count: int = 300) -> ClassLearner:
    """An arm that always says "cat" is right as often as it is sure."""
    rng, learner = np.random.default_rng(2), ClassLearner(4)
    for number in range(count):
        share = float(rng.uniform(0.5, 1.0))
        truth = "cat" if rng.random() < share else "dog"
        learner.learn(_case(number, share), [("x", "cat")], truth)
    return learner


def test_a_classification_believes_an_arm_as_far_as_it_is_sure() -> None:
    learner = _pets()
    found = [
        learner.posterior(_case(999, share), [("x", "cat")])[0] for share in (0.55, 0.75, 0.95)
    ]
    assert found == sorted(found)
    assert found == pytest.approx([0.55, 0.75, 0.95], abs=0.12)


def test_who_does_not_say_how_sure_it_is_is_believed_as_ever() -> None:
    """The same answers without it: the same bits."""
    rng, plain = np.random.default_rng(2), ClassLearner(4)
    for number in range(300):
        share = float(rng.uniform(0.5, 1.0))
        plain.learn(_case(number, None), [("x", "cat")], "cat" if rng.random() < share else "dog")
    silent = _case(999, None)
    told = _pets().posterior(silent, [("x", "cat")])
    assert told.tobytes() == plain.posterior(silent, [("x", "cat")]).tobytes()


def test_a_label_taken_back_leaves_no_trace_of_how_sure_the_arm_was() -> None:
    learner, without = _pets(40), _pets(40)
    learner.learn(_case(500, 0.99), [("x", "cat")], "dog")
    learner.take_back(_case(500, None), [("x", "cat")], "dog")
    for each in (learner, without):
        for records in (each._sureness, each._tasks["pets", ("cat", "dog")].sureness):
            for pool in records._arms["x"].values():
                pool.fit()
    kept, never = (each._sureness.quality("x", 0.7, 0.9) for each in (learner, without))
    # but for the mean of how sure it is, which tells of no label
    assert kept == pytest.approx(never, abs=1e-3)


def test_a_saved_classification_goes_on_as_it_was() -> None:
    learner, again = _pets(80), ClassLearner(4)
    again.load(learner.state())
    for each in (learner, again):
        each.learn(_case(600, 0.9), [("x", "cat")], "dog")
    case = _case(601, 0.8)
    found = [each.posterior(case, [("x", "cat")]) for each in (learner, again)]
    assert found[0].tobytes() == found[1].tobytes()


def test_what_was_saved_before_arms_told_how_sure_they_are_is_read() -> None:
    learner = _pets(30)
    old = {key: each for key, each in learner.state().items() if "sure" not in key}
    again = ClassLearner(4)
    again.load(old)
    silent = _case(999, None)
    found = [each.posterior(silent, [("x", "cat")]) for each in (learner, again)]
    assert found[0].tobytes() == found[1].tobytes()
