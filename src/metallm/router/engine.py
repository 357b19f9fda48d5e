"""Decide and learn: the router's heart, without any call to an arm.

Decisions and outcomes go into the log; what was learned changes only when the log says so, in the
log's order, whether live or after a restart. Here the parts are put together: who reads queries,
who chooses arms, who takes feedback, and who learns what was recorded.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal

from metallm.core.price import list_cost_usd
from metallm.core.query import Query
from metallm.router.answers import Judgement
from metallm.router.auditor import Auditor
from metallm.router.checks import (
    arms_by_name,
    audited,
    cost_weight_of,
    latency_weight_of,
    share_of,
)
from metallm.router.choosing import Chooser, Terms
from metallm.router.feedback import Feedback
from metallm.router.folded import FoldedLog
from metallm.router.knowledge import Knowledge
from metallm.router.reading import Reader
from metallm.router.scoring import Scoring
from metallm.router.teaching import Teacher
from metallm.router.wanted import Wanted

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
    from concurrent.futures import Future

    import numpy as np
    from numpy.typing import NDArray

    from metallm.core.arm import Arm
    from metallm.core.arrays import FloatArray
    from metallm.core.audit import Audit
    from metallm.core.bill import Bill
    from metallm.core.decision import Decision
    from metallm.core.log import Entry
    from metallm.core.outcome import Outcome
    from metallm.core.protocols import ClassLearner, CostLearner, Embedder, Learner, Policy, Store
    from metallm.core.query import Message
    from metallm.core.task import Task
    from metallm.router.judges import JudgeRecord
    from metallm.router.steps import Step


class Engine:
    """Chooses arms and learns from outcomes. Safe to use from several threads.

    Args:
        arms: at least one, names all different.
        embedder: text to context.
        learner: of quality.
        costs: of cost.
        policy: from estimates to probabilities.
        store: the log; what it holds already is folded first.
        clock: POSIX seconds.
        new_id: makes a decision's id; no two alike.
        cost_weight: p in reward = quality − p · cost, 0 and up.
        seed: of every draw.
        log_prompts: keep the text of queries in the log.
        describe: add to a context what the caller tells of the query beside its text.
        classes: of tasks' labels; None where no task is to be learned.
        words: a text's hashed n-grams, for `classes`.
        audit: whose answers stand in for labels; None where nobody's do.
        latency_weight: reward that a second of waiting for an arm takes off.
        label_share: of how many classifications the true label is asked for, 0 to 1.
        tasks: declared ones by name: true labels are held against answers as they say.

    Attributes:
        arms: by name.
        policy: from estimates to probabilities.
        cost_weight: p.
        latency_weight: reward that a second of waiting takes off.
        scoring: what a true label makes of an answer.
        reader: of queries.
        knowledge: what was learned.
        audit: whose answers stand in for labels.
        auditor: chooses what is audited.
        wanted: chooses of what the label is asked for.
        on_decided: told each decision that is made, and the seconds that it took; None for nobody.

    Raises:
        ConfigurationError: an audit by no arm, no arms, two of one name, a cost weight below 0.
        StoreError: the log cannot be read, or belongs to another kind of router.
    """

    def __init__(
        self,
        arms: Sequence[Arm],
        *,
        embedder: Embedder,
        learner: Learner,
        costs: CostLearner,
        policy: Policy,
        store: Store,
        clock: Callable[[], float],
        new_id: Callable[[], str],
        cost_weight: float = 0.2,
        seed: int = 0,
        log_prompts: bool = False,
        describe: bool = False,
        classes: ClassLearner | None = None,
        words: Callable[[str], NDArray[np.uint16]] | None = None,
        audit: Audit | None = None,
        label_share: float = 0.0,
        latency_weight: float = 0.0,
        tasks: Mapping[str, Task] | None = None,
    ) -> None:
        self.scoring = Scoring(tasks or {})
        self.arms: Mapping[str, Arm] = arms_by_name(arms)
        self.audit = audited(audit, self.arms, learns=classes is not None)
        self.auditor = Auditor(0.0 if audit is None else audit.share)
        self.wanted = Wanted(share_of(label_share))
        self.policy = policy
        self.cost_weight = cost_weight_of(cost_weight)
        self.reader = Reader(embedder, words, describe=describe)
        self.latency_weight = latency_weight_of(latency_weight)
        reference = None if audit is None else audit.arm
        self.knowledge = Knowledge(learner, costs, self.arms, self.reader.dim, classes, reference)
        self.on_decided: Callable[[Decision, float], None] | None = None
        self._clock = clock
        self._log = FoldedLog(store, self.knowledge, self.reader.id)
        terms = Terms(
            self.cost_weight,
            self.latency_weight,
            seed,
            log_prompts=log_prompts,
            clock=clock,
            new_id=new_id,
        )
        self._chooser = Chooser(self._log, self.reader, policy, self.arms, self.scoring, terms)
        self._feedback = Feedback(self._log, self.scoring, self.list_usd, clock)
        self._teacher = Teacher(self._log, self.reader, clock)

    def decide(
        self,
        source: str | Sequence[Message],
        *,
        task: str | None = None,
        arms: Sequence[str] | None = None,
        cost_weight: float | None = None,
        min_quality: float | None = None,
    ) -> Decision:
        """Choose an arm for one query.

        Args:
            source: a text or chat messages.
            task: name of the task, where known.
            arms: names of the arms that may be chosen; None for all.
            cost_weight: p for this query alone.
            min_quality: the least acceptable quality, 0 to 1: arms that are believed below it are
                no choice, unless all are. None for none.

        Raises:
            InputError: the query or an option cannot be used.
            UnknownPriceError: an arm's cost is known from nowhere.
        """
        query = Query.of(source, task=task)
        return self.decide_queries(
            [query], arms=arms, cost_weight=cost_weight, min_quality=min_quality
        )[0][0]

    def decide_many(
        self,
        sources: Sequence[str | Sequence[Message]],
        *,
        task: str | None = None,
        arms: Sequence[str] | None = None,
        cost_weight: float | None = None,
    ) -> list[Decision]:
        """Choose an arm for each of many queries in one go; options as for `decide`."""
        queries = [Query.of(source, task=task) for source in sources]
        return self.decide_queries(queries, arms=arms, cost_weight=cost_weight)[0]

    def decide_queries(
        self,
        queries: Sequence[Query],
        *,
        arms: Sequence[str] | None = None,
        cost_weight: float | None = None,
        named: str | None = None,
        labels: tuple[str, ...] = (),
        discounts: Mapping[str, float] | None = None,
        min_quality: float | None = None,
        patient: bool = False,
    ) -> tuple[list[Decision], Future[None]]:
        """Choose arms for queries, and log the decisions.

        Args:
            queries: n queries.
            arms: names of the arms that may be chosen; None for all.
            cost_weight: p for these queries alone.
            named: the arm that the caller asked for: no choice, but logged and learned from.
            labels: the labels that are asked about.
            discounts: by arm, the part of the cost that it bills less for these queries than for
                others alike, 0 to 1.
            min_quality: the least acceptable quality of a single query's answer, 0 to 1: arms that
                are believed below it are no choice, unless all are. None for none.
            patient: whether the log may hold the decisions back for some milliseconds, so that
                what follows is written with them.

        Returns:
            The decisions, and a future that resolves once they are durable.
        """
        began = self._begun()
        decisions, durable = self._chooser.decide(
            queries,
            arms=arms,
            cost_weight=cost_weight,
            named=named,
            labels=labels,
            discounts=discounts,
            min_quality=min_quality,
            patient=patient,
        )
        self._tell(began, *decisions)
        return decisions, durable

    def decide_step(self, step: Step) -> tuple[Decision, Mapping[str, float], Future[None]]:
        """Choose what to do next about a classification, and log the choice.

        Args:
            step: where it stands.

        Returns:
            The decision, whose arm is one to ask, or one of our own (`core.classes.OWN_ARMS`) where
            the query is to be answered now; how likely each label is by then; and a future that
            resolves once the decision is durable.

        Raises:
            ConfigurationError: this router learns no tasks.
            MetaLLMError: as `decide_queries`.
        """
        began = self._begun()
        decision, likely, durable = self._chooser.decide_step(step)
        self._tell(began, decision)
        return decision, likely, durable

    def audit_step(self, step: Step, arm: str, chance: float) -> tuple[Decision, Future[None]]:
        """Log that a classification, answered already, is sent to the reference as well.

        Args:
            step: after the answer.
            arm: the reference.
            chance: with which it was drawn; otherwise the answer would have been left as it is.

        Returns:
            The decision, and a future that resolves once it is durable.
        """
        began = self._begun()
        decision, durable = self._chooser.audit_step(step, arm, chance)
        self._tell(began, decision)
        return decision, durable

    def _begun(self) -> float:
        return 0.0 if self.on_decided is None else self._clock()

    def _tell(self, began: float, *decisions: Decision) -> None:
        if self.on_decided is not None:
            took_s = max(self._clock() - began, 0.0)
            for decision in decisions:
                self.on_decided(decision, took_s)

    def drawn(self, decision: Decision) -> float:
        """A query's own number in [0, 1), apart from the one that its arm was drawn by."""
        return self._chooser.drawn(decision)

    def likeliest(self, step: Step) -> Mapping[str, float]:
        """How likely each label is by text and answers so far; as the router believes right now.

        Args:
            step: of a classification whose first decision is made.
        """
        return self._chooser.likeliest(step)

    def feedback(
        self,
        decision_id: str,
        *,
        quality: float | None = None,
        label: str | Sequence[str] | None = None,
        cost_usd: float | None = None,
        latency_s: float | None = None,
        replace: bool = False,
        weight: float = 1.0,
        judge: str | None = None,
    ) -> Outcome:
        """Judge a decision. Returns once the judgement is durable and learned.

        The same judgement again changes nothing and is no error.

        Args:
            decision_id: which decision.
            quality: 0 to 1.
            label: the true label, in place of a quality: it is held against the arm's answer. Of a
                task of kind "multi" the labels.
            cost_usd: USD, where the caller made the call itself.
            latency_s: seconds, where the caller made the call itself.
            replace: take an earlier, different judgement back.
            weight: what the judgement counts, above 0 to 1.
            judge: who judged, where that is somebody who errs, such as an LLM. What is learned is
                corrected by how often the judge was right where the truth came too, and the truth
                (a judgement without a judge) takes its place.

        Raises:
            UnknownDecisionError: no such decision.
            FeedbackConflictError: judged differently before, and `replace` is False.
            UnknownLabelError: the label is not among those that were asked about.
            InputError: a value out of range, or nothing to learn from.
            StoreError: it could not be written; nothing was learned.
        """
        judgement = Judgement(
            decision_id, quality, label, cost_usd, latency_s, replace, weight, judge
        )
        return self.feedback_many([judgement])[0]

    def feedback_many(self, judgements: Iterable[Judgement]) -> list[Outcome]:
        """Judge many decisions; returns once all are durable and learned. Raises as `feedback`."""
        submitted = [self.submit_feedback(judgement) for judgement in judgements]
        for _, done in submitted:
            done.result()
        return [outcome for outcome, _ in submitted]

    def submit_feedback(self, judgement: Judgement) -> tuple[Outcome, Future[None]]:
        """As `feedback`, without waiting: the future resolves once it is durable and learned."""
        return self._feedback.submit(judgement)

    def steps(self, first: Decision) -> list[tuple[Decision, Sequence[Outcome]]]:
        """A query's decisions, in order, each with its durable outcomes.

        Args:
            first: the decision that the query began with.
        """
        return self._log.steps(first)

    def judges(self) -> Mapping[str, JudgeRecord]:
        """How often each judge is right, by its name."""
        with self._log.lock:
            return self.knowledge.judges.records()

    def learn(
        self,
        texts: Sequence[str],
        *,
        arms: Sequence[str],
        quality: FloatArray,
        cost_usd: FloatArray,
        output_tokens: FloatArray,
        tasks: Sequence[str] = (),
        labels: Sequence[str | None] = (),
        weight: FloatArray | None = None,
        classes: Mapping[str, Sequence[str]] | None = None,
        answers: Sequence[Sequence[str | None]] = (),
    ) -> None:
        """Learn recorded outcomes. The same rows once more change nothing.

        Args:
            texts: n texts that are embedded.
            arms: K names.
            quality: shape (n, K), 0 to 1, NaN where unknown.
            cost_usd: shape (n, K), USD, NaN where unknown.
            output_tokens: shape (n, K); NaN where unknown.
            tasks: n names, or none.
            labels: n true labels, None where unknown; or none.
            weight: shape (n, K), how much each outcome counts, above 0; None counts each once.
            classes: all labels of each task that students are to learn from the texts, by its name.
            answers: n rows of K labels that the arms answered, "" where an answer named none, None
                where unknown; or none.
        """
        self._teacher.learn(
            texts,
            arms=arms,
            quality=quality,
            cost_usd=cost_usd,
            output_tokens=output_tokens,
            tasks=tasks,
            labels=labels,
            weight=weight,
            classes=classes,
            answers=answers,
        )

    def teach(
        self,
        texts: Sequence[str],
        truth: Sequence[str],
        *,
        labels: Sequence[str] | None = None,
        task: str | None = None,
        messages: Callable[[str], Sequence[Message]] | None = None,
    ) -> None:
        """Learn true labels of texts that no arm was asked about.

        They teach the task's student. The same texts and labels once more change nothing. Returns
        once they are durable and learned.

        Args:
            texts: n texts.
            truth: their n labels.
            labels: all labels of the task, as they will be asked about; None for those in `truth`.
            task: its name.
            messages: how a text will be asked about, where that takes several messages, such as
                examples: the shape of a conversation is part of what a query is known by.

        Raises:
            ConfigurationError: this router learns no tasks.
            UnknownLabelError: a true label that is not among the labels.
            InputError: an empty text, not as many labels as texts, or labels that cannot be told
                apart.
        """
        self._teacher.teach(texts, truth, labels=labels, task=task, messages=messages)

    def record(self, outcomes: Sequence[Outcome]) -> Future[None]:
        """Log outcomes of calls; the future resolves once they are durable and learned."""
        return self._log.append(outcomes)

    def record_with(self, waiting: Future[None], outcomes: Sequence[Outcome]) -> bool:
        """Log outcomes together with a decision that the log still holds back.

        Args:
            waiting: the decision's future; then that of the outcomes too.
            outcomes: of calls.

        Returns:
            False, with nothing done, where the decision no longer waits.
        """
        return self._log.join(waiting, outcomes)

    def decision(self, decision_id: str) -> Decision:
        """A decision by its id.

        Raises:
            UnknownDecisionError: no such decision.
        """
        return self._log.decision(decision_id)

    def outcomes(self, decision_id: str) -> Sequence[Outcome]:
        """What became of a decision so far, oldest first."""
        return self._log.outcomes(decision_id)

    def recent(self, limit: int) -> Sequence[tuple[Decision, Sequence[Outcome]]]:
        """The newest decisions with their outcomes, newest first."""
        return self._log.recent(limit)

    def entries(self) -> Iterator[Entry]:
        """All that is in the log, in order: what was learned can be rebuilt from it."""
        return self._log.entries()

    def list_usd(self, arm: str, input_tokens: int) -> float | None:
        """USD of a standard answer of an arm at its list price; None where that is unknown."""
        price = self.arms[arm].list_price if arm in self.arms else None
        return None if price is None else list_cost_usd(price, input_tokens)

    def spent_nano(self, by: Literal["key", "alias"], name: str, since: float) -> int:
        """What a key or an alias came to since a moment, nano-USD, by the log."""
        return self._log.spent_nano(by, name, since)

    def keep_bill(self, bill: Bill) -> None:
        """Keep what a key's call came to that is no decision; durable on return.

        Raises:
            StoreError: it could not be written.
        """
        self._log.keep_bill(bill)

    def now(self) -> float:
        """POSIX seconds, by the router's clock."""
        return self._clock()

    def close(self) -> None:
        """Keep a snapshot and let go of the log. Calling it twice is fine, from any thread."""
        self._log.close(self._feedback.wait)
