"""What is known of tasks' labels: from texts, and from what arms answered to them.

Each task has a student, which reads the text; confusion counts, which say what an arm's answer is
worth; and pools, which weigh these opinions (learners/opinions.py) into one distribution over the
labels. Opinions are logarithms, so that weighing them is a product of experts (Hinton 2002). What
is believed of a task before it was ever seen is what was learned of all.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from metallm.learners import letters
from metallm.learners.confusion import MOST_LABELS, Confusion
from metallm.learners.opinions import (
    ANSWERS,
    ODDS,
    SURE,
    TEXT,
    TaskKnowledge,
    has_letters,
    letters_said,
    log_odds,
    opinions_of,
    read_text,
    told_sure,
)
from metallm.learners.pool import Pool, softmax
from metallm.learners.student import Student
from metallm.learners.sureness import Sureness

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping, Sequence

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
        self._tasks: dict[tuple[str, tuple[str, ...]], TaskKnowledge] = {}

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
        opinions = opinions_of(task, case, answers)
        pool = task.weighs(case, opinions)
        return pool.chances(opinions) if answers else np.exp(opinions[TEXT])

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
        if has_letters(case):
            return letters.worth(
                *letters_said(task, case, answers),
                self.posterior(case, answers),
                letters.skill_of(quality),
                np.zeros(len(arms)) if charges is None else charges,
                calls,
                gains,
            )
        if count > MOST_LABELS:
            return quality
        opinions = opinions_of(task, case, answers)
        weights = task.weighs(case, opinions).weights
        scores = weights @ opinions
        before = softmax(scores) if answers else np.exp(opinions[TEXT])
        table = task.confusion.chances(arms, quality)
        after = scores[None, :, None] + weights[ANSWERS] * np.log(table)
        own = np.arange(count)
        after[:, own, own] += weights[ODDS] * log_odds(quality, count)[:, None]
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
            opinions = opinions_of(task, case, answers)
            every = (self._letters, task.letters) if has_letters(case) else (self._all, task.pool)
            rows.append((*every, opinions[: ODDS + 1]))
            if len(opinions) > SURE:
                rows.append((self._sure, task.sure, opinions))
        if task.student is not None and len(case.words):
            rows.append((self._text, task.text, read_text(task.student, case)))
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

    def _learn_sureness(
        self,
        task: TaskKnowledge,
        case: Case,
        answers: Answers,
        truth: int,
        weight: float,
        *,
        shared: bool,
    ) -> None:
        """Learn whether those who told how sure they were are right; for all tasks where shared."""
        for arm, answer, quality, shares in told_sure(case, answers):
            told = (case.id, arm, quality, shares, (task.place(answer), truth), weight)
            for records in (self._sureness, task.sureness) if shared else (task.sureness,):
                records.learn(*told)

    def _task(self, case: Case) -> TaskKnowledge:
        """What is known of a task; of one that was never learned, what is believed of any."""
        known = self._tasks.get((case.task, case.labels))
        return self._made(case.labels) if known is None else known

    def _kept(self, case: Case) -> TaskKnowledge:
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

    def _made(self, labels: tuple[str, ...]) -> TaskKnowledge:
        common = (self._text, self._all, self._letters, self._sure)
        text, pool, letter, sure = (Pool(each.weights, PULL_TO_ALL) for each in common)
        sureness = Sureness(PULL_TO_ALL, self._sureness)
        return TaskKnowledge(
            labels, None, Confusion(len(labels)), text, pool, letter, sure, sureness
        )

    def _student(self, labels: tuple[str, ...]) -> Student:
        return Student(len(labels), self._dim, seed=self._seed)


_PARTS = ("student", "confusion", "text", "pool", "letters", "sure", "sureness")


def _named(name: str, arrays: Mapping[str, NDArray[Any]]) -> dict[str, NDArray[Any]]:
    return {f"{name}.{key}": value for key, value in arrays.items()}


def _part(state: Mapping[str, NDArray[Any]], name: str) -> dict[str, NDArray[Any]]:
    start = f"{name}."
    return {key[len(start) :]: value for key, value in state.items() if key.startswith(start)}
