"""What is known of tasks' labels: from texts, and from what arms answered to them.

Each task has a student, which reads the text; confusion counts, which say what an arm's answer is
worth; and two pools, which weigh these opinions into one distribution over the labels. Opinions are
logarithms, so that weighing them is a product of experts (Hinton 2002):

    P(y | text) ∝ P_words(y)^u₁ P_context(y)^u₂
    P(y | text, answers) ∝ P(y | text)^w₁ Π_k P(a_k | y)^w₂ odds_k^(w₃ [y = a_k])

where odds_k are those of arm k being right on this very query, as the router estimates them. The
text has a pool of its own: beside an arm that is nearly always right its opinion would seem to be
worth nothing, and it would never be known how far the student can be trusted alone.

Where arms told how sure they were of their answers, P(y | text, answers) has one factor more, of
what that is worth by each arm's record (learners/sureness.py). Such queries have a pool of their
own, so that nothing changes for others, nor where it is worth nothing.

Where the text cannot tell the label, for labels are letters of options, there is nothing to count:
learners/letters.py tells P(answers | y) from the arms' qualities on the query, and such tasks share
a pool of their own.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from metallm.learners import letters
from metallm.learners.confusion import LEAST, MOST_LABELS, Confusion
from metallm.learners.pool import Pool, softmax
from metallm.learners.student import Student
from metallm.learners.sureness import Sureness, shares_of

if TYPE_CHECKING:
    from collections.abc import Collection, Iterator, Mapping, Sequence

    from numpy.typing import NDArray

    from metallm.core.arrays import FloatArray
    from metallm.core.classes import Answers, Case

TEXT_WEIGHTS = np.array([0.8, 0.4])
"""u, before any label was told: of the words and of the context."""

WEIGHTS = np.array([1.0, 0.6, 0.2])
"""w, before any label was told: of the text, of what an answer says, and of how sure it is."""

LETTERS_WEIGHTS = np.array([1.0, 1.0, 0.0])
"""w where labels are letters: what answers say holds the arms' odds already."""

SURE_WEIGHTS = np.array([*WEIGHTS, 1.0])
"""w where arms told how sure they were; what that is worth they have to earn elsewhere."""

PULL = 4.0
PULL_TO_ALL = 10.0
"""Rows that the prior counts for, over all tasks; and that all tasks count for in one."""

LEAST_ROWS = 30
"""Labelled texts of a task below which its student keeps silent."""

MOST_TASKS = 64
"""Tasks with a student, some megabytes each; past it the one that learned longest ago goes."""

_TEXT, _ANSWERS, _ODDS, _SURE = range(4)


@dataclass(slots=True)
class _Task:
    """One task's knowledge; a student, which is large, once there is something to learn."""

    labels: tuple[str, ...]
    student: Student | None
    confusion: Confusion
    text: Pool
    pool: Pool
    letters: Pool
    sure: Pool
    sureness: Sureness

    def place(self, label: str | None) -> int:
        """Of a label; one past the last for an answer that named none of them."""
        return self.labels.index(label) if label in self.labels else len(self.labels)

    def weighs(self, case: Case, opinions: FloatArray) -> Pool:
        """The pool that weighs opinions on this query."""
        if _has_letters(case):
            return self.letters
        return self.sure if len(opinions) > _SURE else self.pool


class ClassLearner:
    """Distributions over labels, per task. Deterministic: the same calls, the same bits.

    Args:
        context_dim: length of a context.
        seed: of the students' replays.
        declared: names of tasks that are never let go, and from which alone, if there are any, new
            tasks take what opinions are worth: whoever can name a task must not sway others.
    """

    def __init__(
        self, context_dim: int, *, seed: int = 0, declared: Collection[str] = frozenset()
    ) -> None:
        self._dim = context_dim
        self._declared = frozenset(declared)
        self._seed = seed
        self._text, self._all = Pool(TEXT_WEIGHTS, PULL), Pool(WEIGHTS, PULL)
        self._letters = Pool(LETTERS_WEIGHTS, PULL)
        self._sure, self._sureness = Pool(SURE_WEIGHTS, PULL), Sureness(PULL)
        self._tasks: dict[tuple[str, tuple[str, ...]], _Task] = {}

    def rows(self, task: str, labels: tuple[str, ...]) -> int:
        """How many labelled texts of a task were learned."""
        known = self._tasks.get((task, labels))
        return 0 if known is None or known.student is None else known.student.rows

    def ready(self, task: str, labels: tuple[str, ...]) -> bool:
        """Whether the task's student has learned enough to answer."""
        return self.rows(task, labels) >= LEAST_ROWS

    def posterior(self, case: Case, answers: Answers) -> FloatArray:
        """P(label | text, answers), shape (L,)."""
        task = self._task(case)
        opinions = self._opinions(task, case, answers)
        pool = task.weighs(case, opinions)
        return pool.chances(opinions) if answers else np.exp(opinions[_TEXT])

    def worth(
        self,
        case: Case,
        answers: Answers,
        arms: Sequence[str],
        quality: FloatArray,
        *,
        charges: FloatArray | None = None,
        calls: int = 1,
        gains: FloatArray | None = None,
    ) -> FloatArray:
        """How good the answer will be after one of the arms has been asked as well, shape (K,).

        The expected maximum, over what the arm may answer, of the chance of being right, or of the
        gain that is expected of an answer where errors cost unlike; at least the arm's own
        expected quality, for its answer can always be taken as it is. Of letters also what the
        calls after it are worth, less what they take off.

        Args:
            case: the query.
            answers: what was answered so far.
            arms: K arms that can be asked.
            quality: shape (K,), the expected quality of each on this query.
            charges: shape (K,), what asking each takes off; None where that is nothing.
            calls: how many arms can still be asked.
            gains: shape (L, L), how good each answer (row) is under each truth (column), 0 to 1;
                None where one is right or wrong.
        """
        task, count = self._task(case), len(case.labels)
        if _has_letters(case):
            return letters.worth(
                *_said(task, case, answers),
                self.posterior(case, answers),
                letters.skill_of(quality),
                np.zeros(len(arms)) if charges is None else charges,
                calls,
                gains,
            )
        if count > MOST_LABELS:
            return quality
        opinions = self._opinions(task, case, answers)
        weights = task.weighs(case, opinions).weights
        scores = weights @ opinions
        before = softmax(scores) if answers else np.exp(opinions[_TEXT])
        table = task.confusion.chances(arms, quality)
        after = scores[None, :, None] + weights[_ANSWERS] * np.log(table)
        own = np.arange(count)
        after[:, own, own] += weights[_ODDS] * _log_odds(quality, count)[:, None]
        then = softmax(after.swapaxes(1, 2))
        best = (then if gains is None else then @ gains.T).max(axis=2)
        expected: FloatArray = (before @ table * best).sum(axis=1)
        return np.maximum(expected, quality)

    def learn(self, case: Case, answers: Answers, label: str, weight: float = 1.0) -> None:
        """Learn a text's true label.

        Args:
            case: the query.
            answers: of the arms that were asked.
            label: the true one.
            weight: what it counts, above 0 to 1.
        """
        task = self._kept(case)
        truth = task.place(label)
        if len(case.words) and task.student is None:
            task.student = self._student(case.labels)
        rows = []
        if answers:
            opinions = self._opinions(task, case, answers)
            every = (self._letters, task.letters) if _has_letters(case) else (self._all, task.pool)
            rows.append((*every, opinions[: _ODDS + 1]))
            if len(opinions) > _SURE:
                rows.append((self._sure, task.sure, opinions))
        if task.student is not None and len(case.words):
            rows.append((self._text, task.text, _read(task.student, case)))
        shared = not self._declared or case.task in self._declared
        for common, own, opinions in rows:
            if shared:
                common.add(case.id, opinions, truth, weight)
            own.prior = common.weights
            own.add(case.id, opinions, truth, weight)
        if task.student is not None and len(case.words):
            task.student.learn(case.words, case.context, truth, weight)
        for arm, answer in answers:
            task.confusion.add(arm, truth, task.place(answer), weight)
        self._learn_sureness(task, case, answers, truth, weight, shared=shared)

    def count(self, case: Case, answers: Answers, label: str) -> None:
        """Learn what arms answer to a text of this true label, and nothing of the text.

        Of recorded answers: how sure the router was of each when it came is not known of them, so
        they tell nothing of how opinions are to be weighed.

        Args:
            case: the query.
            answers: of the arms that answered it.
            label: the true one.
        """
        task = self._kept(case)
        for arm, answer in answers:
            task.confusion.add(arm, task.place(label), task.place(answer), 1.0)

    def take_back(self, case: Case, answers: Answers, label: str, weight: float = 1.0) -> None:
        """Take back what `learn` had learned from the same arguments."""
        task = self._kept(case)
        truth = task.place(label)
        every = (self._text, self._all, self._letters, self._sure)
        for pool in (*every, task.text, task.pool, task.letters, task.sure):
            pool.take_back(case.id)
        if task.student is not None and len(case.words):
            task.student.take_back(case.words, case.context, truth, weight)
        for arm, answer in answers:
            task.confusion.add(arm, truth, task.place(answer), -weight)
            self._sureness.take_back(case.id, arm)
            task.sureness.take_back(case.id, arm)

    def state(self) -> dict[str, NDArray[Any]]:
        """Everything, as named arrays."""
        state: dict[str, NDArray[Any]] = {"tasks": np.array(len(self._tasks))}
        state |= _named("all", self._all.state()) | _named("text", self._text.state())
        state |= _named("letters", self._letters.state())
        state |= _named("sure", self._sure.state())
        state |= _named("sureness", self._sureness.state())
        for number, ((name, labels), task) in enumerate(self._tasks.items()):
            place = f"task{number}"
            state[f"{place}_name"] = np.array([name, *labels], dtype=np.str_)
            for part in _PARTS:
                known = getattr(task, part)
                if known is not None:
                    state |= _named(f"{place}_{part}", known.state())
        return state

    def load(self, state: Mapping[str, NDArray[Any]]) -> None:
        """Go on from a saved state."""
        self._text.load(_part(state, "text"))
        self._all.load(_part(state, "all"))
        for name, known in (
            ("letters", self._letters),
            ("sure", self._sure),
            ("sureness", self._sureness),
        ):
            if saved := _part(state, name):  # what was saved by earlier versions has none
                known.load(saved)
        tasks = {}
        for number in range(int(state["tasks"])):
            place = f"task{number}"
            name, *labels = (str(text) for text in state[f"{place}_name"])
            task = self._made(tuple(labels))
            for part in _PARTS:
                saved = _part(state, f"{place}_{part}")
                if part == "student" and saved:
                    task.student = self._student(task.labels)
                if saved:
                    getattr(task, part).load(saved)
            tasks[name, task.labels] = task
        self._tasks = tasks

    def _opinions(self, task: _Task, case: Case, answers: Answers) -> FloatArray:
        """What each opinion says for each label, shape (3, L); the text's sums to 1.

        Shape (4, L) where it tells something how sure arms are.
        """
        count = len(case.labels)
        opinions = np.zeros((3, count))
        opinions[_TEXT] = -np.log(count)
        if task.student is not None and len(case.words):
            opinions[_TEXT] = np.log(task.text.chances(_read(task.student, case)))
        if _has_letters(case):
            joint = letters.heard(*_said(task, case, answers), count)
            opinions[_ANSWERS] = np.log(joint.sum(axis=(1, 2)))
            return opinions
        for arm, label in answers:
            place, quality = task.place(label), case.quality.get(arm, 0.5)
            opinions[_ANSWERS] += np.log(task.confusion.likelihood(arm, quality, place))
            if place < count:
                opinions[_ODDS, place] += _log_odds(np.array([quality]), count)[0]
        sure = _sure(task, case, answers)
        return np.vstack([opinions, sure]) if sure.any() else opinions

    def _learn_sureness(
        self,
        task: _Task,
        case: Case,
        answers: Answers,
        truth: int,
        weight: float,
        *,
        shared: bool,
    ) -> None:
        """Learn whether those who told how sure they were are right; for all tasks where shared."""
        for arm, answer, quality, shares in _told(case, answers):
            told = (case.id, arm, quality, shares, (task.place(answer), truth), weight)
            for records in (self._sureness, task.sureness) if shared else (task.sureness,):
                records.learn(*told)

    def _task(self, case: Case) -> _Task:
        """What is known of a task; of one that was never learned, what is believed of any."""
        known = self._tasks.get((case.task, case.labels))
        return self._made(case.labels) if known is None else known

    def _kept(self, case: Case) -> _Task:
        """The task, as the one that learned last."""
        key = case.task, case.labels
        task = self._tasks.pop(key, None) or self._made(case.labels)
        self._tasks[key] = task
        if len(self._tasks) > MOST_TASKS:
            self._let_one_go()
        return task

    def _let_one_go(self) -> None:
        """The task that learned longest ago, of those that may go."""
        oldest = (each for each in self._tasks if each[0] not in self._declared)
        key = next(oldest, None)
        if key is not None:
            del self._tasks[key]

    def _made(self, labels: tuple[str, ...]) -> _Task:
        common = (self._text, self._all, self._letters, self._sure)
        text, pool, letter, sure = (Pool(each.weights, PULL_TO_ALL) for each in common)
        sureness = Sureness(PULL_TO_ALL, self._sureness)
        return _Task(labels, None, Confusion(len(labels)), text, pool, letter, sure, sureness)

    def _student(self, labels: tuple[str, ...]) -> Student:
        return Student(len(labels), self._dim, seed=self._seed)


_PARTS = ("student", "confusion", "text", "pool", "letters", "sure", "sureness")


def _read(student: Student, case: Case) -> FloatArray:
    """What a student's two experts say for each label, shape (2, L)."""
    told, novelty = student.log_chances(case.words, case.context)
    # of a text unlike all that it learned from, a student knows little whatever it says
    return (1.0 - novelty) * told


def _has_letters(case: Case) -> bool:
    """Whether the text cannot tell the label: labels are letters of options."""
    return not len(case.words) and len(case.labels) <= letters.MOST_LETTERS


def _said(task: _Task, case: Case, answers: Answers) -> tuple[list[int], letters.Skill]:
    """Where the answers stand among the letters, and how their arms answer."""
    quality = np.array([_quality(task, case, arm, label) for arm, label in answers])
    return [task.place(label) for _, label in answers], letters.skill_of(quality)


def _quality(task: _Task, case: Case, arm: str, label: str | None) -> float:
    """How likely an arm's answer is right, with how sure it is of it."""
    quality = case.quality.get(arm, 0.5)
    if arm not in case.likely or label is None:
        return quality
    shares = shares_of(case.likely[arm], case.labels)
    return task.sureness.quality(arm, quality, float(shares[task.place(label)]))


def _told(case: Case, answers: Answers) -> Iterator[tuple[str, str, float, FloatArray]]:
    """Arms that told how sure they were: name, answer, expected quality, own distribution."""
    for arm, label in answers:
        if arm in case.likely and label is not None:
            shares = shares_of(case.likely[arm], case.labels)
            yield arm, label, case.quality.get(arm, 0.5), shares


def _sure(task: _Task, case: Case, answers: Answers) -> FloatArray:
    """What it tells how sure arms are, for each label, shape (L,)."""
    told = np.zeros(len(case.labels))
    for arm, label, quality, shares in _told(case, answers):
        told += task.sureness.evidence(arm, quality, shares, task.place(label))
    return told


def _log_odds(quality: FloatArray, labels: int) -> FloatArray:
    """Of being right against naming any one wrong label, shape (K,)."""
    right = np.clip(quality, LEAST, 1.0 - LEAST)
    odds: FloatArray = np.log(right / (1.0 - right) * (labels - 1))
    return odds


def _named(name: str, arrays: Mapping[str, NDArray[Any]]) -> dict[str, NDArray[Any]]:
    return {f"{name}.{key}": value for key, value in arrays.items()}


def _part(state: Mapping[str, NDArray[Any]], name: str) -> dict[str, NDArray[Any]]:
    start = f"{name}."
    return {key[len(start) :]: value for key, value in state.items() if key.startswith(start)}
