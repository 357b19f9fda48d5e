"""The student: what its chances are, and that it learns, forgets, saves and repeats itself."""

from __future__ import annotations

from types import ModuleType

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from loops import BOTH, compiled, needs_compiled, use
from metallm.embeddings.grams import grams
from metallm.inner import pure
from metallm.learners.experts import BIAS, C_CONTEXT, C_WORDS, MOST_WEIGHTS
from metallm.learners.rehearsal import Rehearsal
from metallm.learners.student import LEAST_ROWS, Student
from students import DIM, Labelled, made, taught, told

SEEDS = st.integers(0, 2**32 - 1)


def _bits(student: Student) -> dict[str, bytes]:
    return {name: np.asarray(each).tobytes() for name, each in student.state().items()}


@given(SEEDS, st.integers(2, 7), st.integers(0, 60))
@settings(max_examples=20, deadline=None)
def test_chances_are_a_distribution_for_either_expert(seed: int, labels: int, count: int) -> None:
    student = taught(made(count, labels, seed), labels)
    for row in made(3, labels, seed + 1):
        chances, novelty = student.log_chances(row.words, row.context)
        assert chances.shape == (2, labels)
        np.testing.assert_allclose(np.exp(chances).sum(axis=1), 1.0)
        assert 0.0 <= novelty <= 1.0


@pytest.mark.parametrize("loops", BOTH)
def test_it_learns_what_tells_the_label(monkeypatch: pytest.MonkeyPatch, loops: ModuleType) -> None:
    use(monkeypatch, loops)
    rows = made(400, 3)
    found = told(taught(rows[:300], 3), rows[300:])
    truth = np.array([row.label for row in rows[300:]])
    right = (found.argmax(axis=2) == truth[:, None]).mean(axis=0)
    assert right[0] > 0.7
    assert right[1] > 0.6


def test_all_rows_visited_often_come_to_the_minimum() -> None:
    """At the minimum W = Σ C (e_y − P(x)) xᵀ: the gradient of the penalised likelihood is 0."""
    rows = made(40, 3)
    student = taught(rows, 3)
    for kept in student._rehearsal.again(4000):
        student._visit(kept)
    chances = np.exp(told(student, rows))
    left = np.eye(3)[[row.label for row in rows]][:, None] - chances
    contexts = np.stack([[*row.context, BIAS] for row in rows])
    np.testing.assert_allclose(
        student._context.W, C_CONTEXT * left[:, 1].T @ contexts, atol=1e-6, rtol=1e-6
    )
    df = student._words.df
    V = np.zeros_like(student._words.V)
    for row, own in zip(rows, C_WORDS * left[:, 0], strict=True):
        idf = 1.0 + np.log((1.0 + len(rows)) / (1.0 + df[row.words]))
        V[row.words] += own / np.sqrt((idf**2).sum())
        V[-1] += BIAS * own
    np.testing.assert_allclose(student._words.V, V, atol=1e-6, rtol=1e-6)


def test_few_rows_tell_no_more_than_their_labels_shares() -> None:
    rows = made(LEAST_ROWS - 1, 3)
    student = Student(3, DIM)
    np.testing.assert_allclose(np.exp(told(student, rows[:1])), 1 / 3)
    for count, row in enumerate(rows, start=1):
        student.learn(row.words, row.context, row.label)
        seen = np.bincount([each.label for each in rows[:count]], minlength=3)
        np.testing.assert_allclose(np.exp(told(student, [row])[0, 0]), (seen + 1) / (count + 3))


def test_one_label_alone_has_its_share() -> None:
    student = Student(2, DIM)
    for row in made(50, 2):
        student.learn(row.words, row.context, 1)
    np.testing.assert_allclose(np.exp(told(student, made(1, 2))[0]), [[1 / 52, 51 / 52]] * 2)


@given(SEEDS, st.integers(0, 50), st.integers(0, 30))
@settings(max_examples=15, deadline=None)
def test_the_same_calls_give_the_same_bits_also_from_a_saved_state(
    seed: int, before: int, after: int
) -> None:
    rows = made(before + after, 3, seed)
    whole = taught(rows, 3, seed)
    first = taught(rows[:before], 3, seed)
    loaded = Student(3, DIM, seed=seed)
    loaded.load(first.state())
    for student in (first, loaded):
        for row in rows[before:]:
            student.learn(row.words, row.context, row.label)
    assert _bits(first) == _bits(loaded) == _bits(whole)
    assert loaded.rows == before + after
    probe = made(2, 3, seed + 1)
    assert told(loaded, probe).tobytes() == told(whole, probe).tobytes()


def test_a_saved_state_is_a_copy() -> None:
    rows = made(60, 2)
    student = taught(rows[:40], 2)
    state = student.state()
    kept = {name: np.array(each) for name, each in state.items()}
    loaded = Student(2, DIM)
    loaded.load(state)
    for each in (student, loaded):
        for row in rows[40:]:
            each.learn(row.words, row.context, row.label)
    for name, value in kept.items():
        assert (state[name] == value).all(), name


@given(SEEDS, st.permutations(range(4)))
@settings(max_examples=10, deadline=None)
def test_numbering_labels_otherwise_numbers_chances_otherwise(
    seed: int, numbers: list[int]
) -> None:
    rows, probe = made(60, 4, seed), made(5, 4, seed + 1)
    other = [Labelled(row.words, row.context, numbers[row.label]) for row in rows]
    expected, found = told(taught(rows, 4), probe), told(taught(other, 4), probe)
    np.testing.assert_allclose(found[:, :, numbers], expected, rtol=1e-8, atol=1e-8)


@needs_compiled
@pytest.mark.parametrize("labels", [2, 5, 40])
def test_compiled_and_numpy_learn_alike(monkeypatch: pytest.MonkeyPatch, labels: int) -> None:
    fast = compiled()
    assert fast is not None
    rows, probe, found = made(80, labels), made(5, labels, 1), []
    for loops in (fast, pure):
        use(monkeypatch, loops)
        student = taught(rows, labels)
        student.take_back(rows[3].words, rows[3].context, rows[3].label)
        found.append(told(student, probe))
    np.testing.assert_allclose(found[0], found[1], rtol=1e-9, atol=1e-9)


def test_a_row_counts_by_its_weight() -> None:
    rows = made(60, 2)
    probe = Labelled(rows[0].words, rows[0].context, 0)
    heard = []
    for weight in (0.05, 0.3, 1.0):
        student = taught(rows, 2)
        student.learn(probe.words, probe.context, 1 - rows[0].label, weight)
        heard.append(told(student, [probe])[0, :, 1 - rows[0].label])
    assert (np.diff(heard, axis=0) > 0).all()


def test_what_is_taken_back_leaves_the_weights() -> None:
    rows = made(50, 3)
    student = taught(rows, 3)
    gone = rows.pop(20)
    student.take_back(gone.words, gone.context, gone.label)
    assert student.rows == 49
    kept = student._rehearsal.rows
    assert [row.label for row in kept] == [row.label for row in rows]
    contexts = np.stack([[*row.context, BIAS] for row in kept])
    alphas = np.stack([row.alpha for row in kept])
    np.testing.assert_allclose(student._context.W, alphas[:, 1].T @ contexts, atol=1e-12)
    V = np.zeros_like(student._words.V)
    df = np.zeros_like(student._words.df)
    for row in kept:
        V[row.ids] += row.alpha[0] / row.norm
        df[row.ids] += 1
    V[-1] = BIAS * alphas[:, 0].sum(axis=0)
    np.testing.assert_allclose(student._words.V, V, atol=1e-12)
    assert (student._words.df == df).all()


def _with_and_without(most_rows: int, visits: int = 0) -> np.ndarray:
    """P after 500 rows of which one was taken back, or never came, shape (2, 50, 2, 3)."""
    rows, probe, found = made(500, 3), made(50, 3, 1), []
    gone = rows[20]
    for came in (True, False):
        student = Student(3, DIM)
        student._rehearsal = Rehearsal(3, 0, most_rows=most_rows)
        for place, row in enumerate(rows):
            if came or row is not gone:
                student.learn(row.words, row.context, row.label)
            if came and place == 299:
                student.take_back(gone.words, gone.context, gone.label)
        for kept in student._rehearsal.again(visits):
            student._visit(kept)
        assert student.rows == 499
        found.append(np.exp(told(student, probe)))
    return np.stack(found)


def test_a_row_taken_back_is_forgotten_as_others_are_visited() -> None:
    """The minimum is that of the rows left: with visits enough both come to it."""
    never, taken = _with_and_without(4096, visits=20_000)
    assert np.abs(never - taken).max() < 1e-3


@pytest.mark.parametrize("most_rows", [4096, 60])
def test_a_row_taken_back_soon_matters_little(most_rows: int) -> None:
    """Also where the row itself was no longer remembered: P differs by .04 on average at most.

    Two students that visit other rows differ by .02.
    """
    never, taken = _with_and_without(most_rows)
    assert np.abs(never - taken).mean() < 0.04


def test_everything_taken_back_leaves_nothing() -> None:
    rows = made(40, 2)
    student = taught(rows, 2)
    for row in rows:
        student.take_back(row.words, row.context, row.label)
    assert student.rows == 0
    assert not student._words.df.any()
    np.testing.assert_allclose(student._words.V, 0.0, atol=1e-12)
    np.testing.assert_allclose(student._context.W, 0.0, atol=1e-12)
    np.testing.assert_allclose(np.exp(told(student, rows[:1])), 0.5)


@pytest.mark.parametrize("labels", [33, 1000])
def test_many_labels_fit_in_bounded_memory(labels: int) -> None:
    rng = np.random.default_rng(0)
    student = Student(labels, DIM)
    assert student._words.V.size <= MOST_WEIGHTS + labels
    texts = [
        Labelled(
            grams(f"the label is {label} {'abc'[label % 3]}"),
            rng.normal(size=DIM).astype(np.float32),
            label,
        )
        for label in [*range(labels)] * 2
    ]
    for row in texts[:120]:
        student.learn(row.words, row.context, row.label)
    found = told(student, texts[:10])
    np.testing.assert_allclose(np.exp(found).sum(axis=2), 1.0)
    assert (found[:, 0].argmax(axis=1) == range(10)).mean() > 0.7


@pytest.mark.parametrize("loops", BOTH)
def test_any_text_can_be_learned(monkeypatch: pytest.MonkeyPatch, loops: ModuleType) -> None:
    use(monkeypatch, loops)
    student, rng = Student(2, DIM), np.random.default_rng(0)
    odd = ["", " ", "漢字", "\ud800", "word " * 200_000, "a", "\0", "🙂🙂"]
    for place, text in enumerate(odd * 4):
        context = rng.normal(size=DIM).astype(np.float32)
        student.learn(grams(text), context, place % 2)
    for text in odd:
        chances, novelty = student.log_chances(grams(text), np.zeros(DIM, np.float32))
        np.testing.assert_allclose(np.exp(chances).sum(axis=1), 1.0)
        assert 0.0 <= novelty <= 1.0


def test_what_cannot_be_learned_is_refused_and_changes_nothing() -> None:
    (row,) = made(1, 2)
    student = taught(made(20, 2), 2)
    before = _bits(student)
    nan = np.full(DIM, np.nan, np.float32)
    for context, label, weight, why in (
        (row.context, 2, 1.0, "label 2 is not one of 2"),
        (row.context, -1, 1.0, "label -1"),
        (row.context, 0, 0.0, "weighs"),
        (row.context, 0, 1.5, "weighs"),
        (row.context[:-1], 0, 1.0, "context"),
        (nan, 0, 1.0, "context"),
    ):
        with pytest.raises(ValueError, match=why):
            student.learn(row.words, context, label, weight)
        with pytest.raises(ValueError, match=why):
            student.take_back(row.words, context, label, weight)
    with pytest.raises(ValueError, match="no row of label 0 was learned"):
        Student(2, DIM).take_back(row.words, row.context, 0)
    assert _bits(student) == before


def test_what_it_remembers_is_its_own() -> None:
    rows = made(40, 2)
    mine, theirs = taught(rows, 2), Student(2, DIM)
    words, context = np.zeros(0, np.uint16), np.zeros(DIM, np.float32)
    for row in rows:
        words, context = row.words.copy(), row.context.copy()
        theirs.learn(words, context, row.label)
        words[:], context[:] = 0, 0.0
    assert _bits(mine) == _bits(theirs)
