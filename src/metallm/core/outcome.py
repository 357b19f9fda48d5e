"""An outcome: what became of a decision."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Literal, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Mapping

    from metallm.core.arrays import Context, FloatArray
    from metallm.core.classes import Likely

OutcomeKind = Literal["completion", "failure", "overtaken", "feedback"]


class Taught(NamedTuple):
    """What a judgement teaches an arm.

    Args:
        quality: 0 to 1; a judge's corrected one may lie outside.
        weight: above 0 to 1, what it counts.
        label: the true label, where the judgement named it.
        answers: what the arms that it tells of had answered, arm and label.
        likely: how likely these arms had taken labels to be, where they said so, by arm.
    """

    quality: float
    weight: float = 1.0
    label: str | None = None
    answers: tuple[tuple[str, str | None], ...] = ()
    likely: tuple[tuple[str, Likely], ...] = ()


@dataclass(frozen=True, slots=True)
class Lesson:
    """What feedback tells of a judge.

    Args:
        judge: its name.
        said: the quality that it gave, 0 to 1.
        gold: the quality that the decision really had, 0 to 1; None where only the judge spoke.
        weight: what it counts; below 0 where it takes back the same lesson.
    """

    judge: str
    said: float
    gold: float | None
    weight: float


@dataclass(frozen=True, slots=True)
class Outcome:
    """What was measured for one decision at one moment. A decision may have several.

    Args:
        decision_id: the decision.
        arm: the arm that answered (another than was decided, after a fallback).
        kind: "completion" (an answer came: cost, latency, tokens), "failure" (none came; nothing
            is learned about quality), "overtaken" (it was given up, for a hedge or who was hedged
            had answered: `cost_usd` is a guess, `latency_s` the least it would have taken, and
            nothing is learned about quality), "feedback" (a judgement).
        quality: 0 to 1, as it was judged; None where nothing was.
        label: the true label that the judgement named; of an audit, the reference's answer.
        answer: what was read from the arm's answer, such as a label; None where unreadable.
        cost_usd: USD; None where unknown.
        cost_estimated: True where the provider sent no usage and the cost is our guess.
        latency_s: seconds.
        input_tokens: as billed.
        output_tokens: as billed, reasoning included.
        list_usd: what a standard answer to this query costs at the arm's list price at the time;
            the cost learner learns the ratio to it. None where the price was unknown.
        error: what failed, in words.
        replaces: the quality that an earlier judgement gave and this one takes back.
        replaces_label: the label that went with it.
        replaces_weight: the weight that it was learned with.
        replaces_answers: the answers that it was learned with; None for those of this one.
        weight: what the judgement counts, above 0 to 1.
        judge: who judged, where that is somebody who errs; None for a judgement that is true.
        corrected: what the arm learns in place of a judge's quality, once its errors are taken
            out; any number. None where a judge's word teaches the arm nothing.
        corrected_weight: what that counts, 0 to 1.
        lessons: what the judgement tells of judges.
        answers: of a classification's true label, what each arm that was asked had answered, arm
            and label; None for an answer that named none.
        likely: how likely the arm takes each label to be true, by its own log probabilities; with a
            classification's true label that of every arm that was asked and said so. By arm.
        charged_usd: what a budget was charged for the decision so far, in all, where that is not
            the cost of a completion: attempts whose bill nobody knows count with the most that
            they can have cost, and after a failure what is held for the next attempt counts too.
            Without a budget, what the decision came to where two calls were made at a time.
        at: POSIX seconds.
    """

    decision_id: str
    arm: str
    kind: OutcomeKind
    quality: float | None = None
    label: str | None = None
    answer: str | None = None
    cost_usd: float | None = None
    cost_estimated: bool = False
    latency_s: float | None = None
    input_tokens: int | None = None
    output_tokens: int | None = None
    list_usd: float | None = None
    error: str | None = None
    replaces: float | None = None
    replaces_label: str | None = None
    replaces_weight: float = 1.0
    replaces_answers: tuple[tuple[str, str | None], ...] | None = None
    weight: float = 1.0
    judge: str | None = None
    corrected: float | None = None
    corrected_weight: float = 0.0
    lessons: tuple[Lesson, ...] = ()
    answers: tuple[tuple[str, str | None], ...] = ()
    charged_usd: float | None = None
    likely: tuple[tuple[str, Likely], ...] = ()
    at: float = 0.0

    @property
    def taught(self) -> Taught | None:
        """What the arm learns from it; None where that is nothing."""
        if self.kind != "feedback" or self.quality is None:
            return None
        if self.judge is None:
            return Taught(self.quality, self.weight, self.label, self.answers, self.likely)
        if self.corrected is None:
            return None
        taught = self.corrected, self.corrected_weight, self.label
        return Taught(*taught, self.answers, self.likely)

    @property
    def taken_back(self) -> Taught | None:
        """What the arm had learned from an earlier judgement, which this one takes back."""
        if self.kind != "feedback" or self.replaces is None:
            return None
        told = self.answers if self.replaces_answers is None else self.replaces_answers
        return Taught(self.replaces, self.replaces_weight, self.replaces_label, told)


@dataclass(frozen=True, slots=True, eq=False)
class Recorded:
    """Recorded outcomes to start from: queries answered by several arms. NaN where unknown.

    Args:
        contexts: shape (n, d), float32.
        arms: K names, the columns of the matrices below.
        quality: shape (n, K), 0 to 1.
        cost_usd: shape (n, K), USD.
        input_tokens: shape (n,), guessed tokens of each query, as in `Decision`.
        output_tokens: shape (n, K).
        list_usd: shape (n, K), as in `Outcome`.
        tasks: n names of tasks, "" where unknown; empty where none is known.
        labels: n true labels, None where unknown; empty where none is known.
        weight: shape (n, K), how much each outcome counts, above 0; None counts each once.
        words: n texts' hashed n-grams, as in `Decision`; empty where no class is to be learned.
        answers: n rows of K labels that were answered, "" where the answer named none, None where
            unknown; or empty.
        classes: of each task whose labels are to be learned from the texts, all of them in order,
            by the task's name.
        at: POSIX seconds.
    """

    contexts: Context
    arms: tuple[str, ...]
    quality: FloatArray
    cost_usd: FloatArray
    input_tokens: FloatArray
    output_tokens: FloatArray
    list_usd: FloatArray
    tasks: tuple[str, ...] = ()
    labels: tuple[str | None, ...] = ()
    weight: FloatArray | None = None
    words: tuple[bytes, ...] = ()
    answers: tuple[tuple[str | None, ...], ...] = ()
    classes: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    at: float = 0.0
