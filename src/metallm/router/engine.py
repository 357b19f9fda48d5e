"""Decide and learn: the router's heart, without any call to an arm.

Decisions and outcomes go into the log; what was learned changes only when the log says so, in the
log's order, whether live or after a restart.
"""

from __future__ import annotations

import threading
from dataclasses import replace as changed
from typing import TYPE_CHECKING, Any, Literal

import numpy as np

from metallm.core.chance import draw, uniform
from metallm.core.classes import EVIDENCE, Case, words_out
from metallm.core.decision import Decision
from metallm.core.labels import checked_labels
from metallm.core.outcome import Outcome, Recorded
from metallm.core.price import list_cost_usd
from metallm.core.protocols import View
from metallm.core.query import Query
from metallm.errors import ConfigurationError, InputError, StoreError, UnknownDecisionError
from metallm.router.answers import Judgement
from metallm.router.auditor import Auditor
from metallm.router.beliefs import believe
from metallm.router.cases import answers_in, case_of, further_steps, step_id
from metallm.router.checks import (
    arms_by_name,
    audited,
    cost_weight_of,
    eligible_arms,
    latency_weight_of,
    share_of,
)
from metallm.router.judging import judged
from metallm.router.knowledge import Knowledge
from metallm.router.recorded import ROWS_AT_ONCE, checked_truth, labelled, mixed
from metallm.router.scoring import Scoring, canonical
from metallm.router.standing import Standing
from metallm.router.steps import believe_step, no_words
from metallm.router.told import DIM as TOLD_DIM
from metallm.router.told import tell
from metallm.router.turns import Turns
from metallm.router.verdicts import together, verdicts
from metallm.router.wanted import Wanted

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping, Sequence
    from concurrent.futures import Future

    from numpy.typing import NDArray

    from metallm.core.arm import Arm
    from metallm.core.arrays import Context, FloatArray
    from metallm.core.audit import Audit
    from metallm.core.classes import Answers
    from metallm.core.estimates import ArmEstimates
    from metallm.core.log import Entry
    from metallm.core.protocols import ClassLearner, CostLearner, Embedder, Learner, Policy, Store
    from metallm.core.query import Message
    from metallm.core.task import Task
    from metallm.router.beliefs import Beliefs
    from metallm.router.judges import JudgeRecord
    from metallm.router.steps import Step
    from metallm.router.turns import Turn

SNAPSHOT_EVERY = 1000
"""Entries between snapshots at the least; with more entries they get rarer, not dearer."""


NO_TASKS = (
    "this router learns no tasks: switch `student` on, and take a policy other than 'paper' or "
    "'fixed:NAME'"
)

APART = 2**62
"""From the numbers of decisions, which count from 0."""


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
        scoring: what a true label makes of an answer.

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
        self.latency_weight = latency_weight_of(latency_weight)
        self.knowledge = Knowledge(
            learner,
            costs,
            self.arms,
            embedder.dim + (TOLD_DIM if describe else 0),
            classes,
            None if audit is None else audit.arm,
        )
        self._words = words or no_words
        self._describe = describe
        self._embedder = embedder
        self._store = store
        self._clock = clock
        self._new_id = new_id
        self._seed = seed
        self._log_prompts = log_prompts
        self._lock = threading.RLock()
        self._turns = Turns(store.append, self._lock)
        self._closing, self._closed = threading.Lock(), False
        self._snapshot_at = 0
        self._restore()

    def decide(
        self,
        source: str | Sequence[Message],
        *,
        task: str | None = None,
        arms: Sequence[str] | None = None,
        cost_weight: float | None = None,
    ) -> Decision:
        """Choose an arm for one query.

        Args:
            source: a text or chat messages.
            task: name of the task, where known.
            arms: names of the arms that may be chosen; None for all.
            cost_weight: p for this query alone.

        Raises:
            InputError: the query or an option cannot be used.
            UnknownPriceError: an arm's cost is known from nowhere.
        """
        query = Query.of(source, task=task)
        return self.decide_queries([query], arms=arms, cost_weight=cost_weight)[0][0]

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

        Returns:
            The decisions, and a future that resolves once they are durable.
        """
        names = eligible_arms(arms if named is None else [named], self.arms)
        weight = self._weight(cost_weight)
        contexts = self._contexts(queries, labels)
        tokens = np.array([query.input_tokens for query in queries], dtype=np.float64)
        with self._lock:
            believed = believe(
                self.knowledge,
                contexts,
                tokens,
                names,
                weight,
                tasks=[query.task or "" for query in queries],
                labels=labels,
                latency_weight=self.latency_weight,
                discounts=discounts,
            )
            view = View(believed.reward, believed.uncertainty, self.knowledge.outcomes)
            chances = (
                self.policy.probabilities(view, names)
                if named is None
                else np.ones((len(queries), 1))
            )
            first = self.knowledge.decisions
            self.knowledge.decisions += len(queries)
            estimates = believed.estimates()
            decisions = [
                self._decision(
                    first + row, query, believed, estimates[row], contexts[row], chances[row]
                )
                for row, query in enumerate(queries)
            ]
        if named is not None or labels:
            policy = self.policy.name if named is None else "named"
            decisions = [changed(each, policy=policy, labels=labels) for each in decisions]
        return decisions, self._store.append(decisions)

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
        if self.knowledge.classes is None:
            raise ConfigurationError(NO_TASKS)
        eligible = eligible_arms(step.arms, self.arms)
        asked = {arm for arm, _ in step.answers}
        names = tuple(arm for arm in eligible if arm not in asked) if step.can_ask else ()
        weight = self._weight(step.cost_weight)
        case = self._case(step) if step.first is None else case_of(step.first, step.answers)
        with self._lock:
            believed, likely = believe_step(
                self.knowledge,
                self.knowledge.classes,
                step,
                case,
                names,
                weight,
                self.scoring,
                self.latency_weight,
            )
            view = View(believed.reward, believed.uncertainty, self.knowledge.outcomes)
            chances = (
                self.policy.probabilities(view, believed.names)
                if len(believed.names) > 1
                else np.ones((1, 1))
            )
            index = self.knowledge.decisions
            self.knowledge.decisions += 1
            estimates = believed.estimates()[0]
            decision = self._decision(
                index, step.query, believed, estimates, case.context, chances[0]
            )
        decision = changed(decision, labels=step.labels, **_place(step, case))
        return decision, _by_label(step, case, likely), self._store.append([decision])

    def audit_step(self, step: Step, arm: str, chance: float) -> tuple[Decision, Future[None]]:
        """Log that a classification, answered already, is sent to the reference as well.

        Args:
            step: after the answer.
            arm: the reference.
            chance: with which it was drawn; otherwise the answer would have been left as it is.

        Returns:
            The decision, and a future that resolves once it is durable.
        """
        first = step.first
        if first is None:
            raise InputError("only a classification that was answered can be audited")
        tokens = np.array([step.query.input_tokens], dtype=np.float64)
        with self._lock:
            believed = believe(
                self.knowledge,
                first.context[None],
                tokens,
                (arm,),
                first.cost_weight,
                tasks=[step.query.task or ""],
                labels=step.labels,
                latency_weight=self.latency_weight,
            )
            index = self.knowledge.decisions
            self.knowledge.decisions += 1
            decision = self._decision(
                index, step.query, believed, believed.estimates()[0], first.context, np.ones(1)
            )
        decision = changed(
            decision,
            id=step_id(first.id, step.number),
            parent=first.id,
            text=None,
            labels=step.labels,
            policy="audit",
            propensity=chance,
            propensities={arm: chance, EVIDENCE: 1.0 - chance},
        )
        return decision, self._store.append([decision])

    def drawn(self, decision: Decision) -> float:
        """A query's own number in [0, 1), apart from the one that its arm was drawn by."""
        return uniform(self._seed, APART + decision.index)

    def likeliest(self, step: Step) -> Mapping[str, float]:
        """How likely each label is by text and answers so far; as the router believes right now.

        Args:
            step: of a classification whose first decision is made.
        """
        if self.knowledge.classes is None or step.first is None:
            return {}
        with self._lock:
            case = case_of(step.first, step.answers)
            chances = self.knowledge.classes.posterior(case, step.answers)
        return _by_label(step, case, chances)

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
        first = self.decision(judgement.decision_id)
        if first.parent is not None:
            first = self.decision(first.parent)
        if not first.labels:
            return self._submitted(judgement, first, ())
        task = self.scoring.task_of(first.task, first.labels)
        if judgement.label is not None:
            judgement = changed(judgement, label=canonical(task, first.labels, judgement.label))
        steps = self.steps(first)
        # of several labels a text nothing is learned but how good arms are at them
        learns = self.knowledge.classes is not None and (task is None or task.kind != "multi")
        answers = answers_in(steps) if learns else ()
        if judgement.judge is not None:
            # a reference's word tells nothing of what its own answers are worth
            answers = tuple(each for each in answers if each[0] != judgement.judge)
        told = [
            self._submitted(each, decision, answers if decision is first else ())
            for decision, each in verdicts(judgement, steps)
        ]
        outcome = changed(told[-1][0], decision_id=first.id)
        return outcome, together([done for _, done in told])

    def steps(self, first: Decision) -> list[tuple[Decision, Sequence[Outcome]]]:
        """A query's decisions, in order, each with its durable outcomes.

        Args:
            first: the decision that the query began with.
        """
        further = further_steps(first.id, self._store.decision)
        return [(each, self._store.outcomes(each.id)) for each in (first, *further)]

    def judges(self) -> Mapping[str, JudgeRecord]:
        """How often each judge is right, by its name."""
        with self._lock:
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
        # guessed as for live queries, whatever was recorded: a prefix that was sent along then
        # would make live queries look short, and so cheap
        named = [task or None for task in tasks] or [None] * len(texts)
        queries = [Query.of(text, task=task) for text, task in zip(texts, named, strict=True)]
        tokens = np.array([query.input_tokens for query in queries], dtype=np.float64)
        known = {task: tuple(sorted(each)) for task, each in (classes or {}).items()}
        recorded = Recorded(
            self._contexts(queries),
            tuple(arms),
            quality,
            cost_usd,
            tokens,
            output_tokens,
            self.knowledge.list_usd(arms, tokens),
            tuple(tasks),
            tuple(labels),
            weight,
            words=tuple(self._packed(query, query.task in known) for query in queries)
            if known
            else (),
            answers=tuple(map(tuple, answers)),
            classes=known,
            at=self._clock(),
        )
        self._store.append([recorded]).result()

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
        if self.knowledge.classes is None:
            raise ConfigurationError(NO_TASKS)
        asked = checked_labels(sorted(set(truth)) if labels is None else labels)
        checked_truth(texts, truth, asked)
        asked_so = messages or (lambda text: ({"role": "user", "content": text},))
        queries = [Query.of(asked_so(text), task=task, text=text) for text in texts]
        order = mixed(len(queries))
        for start in range(0, len(order), ROWS_AT_ONCE):
            rows = order[start : start + ROWS_AT_ONCE]
            chosen = [queries[row] for row in rows]
            record = labelled(
                self._contexts(chosen, asked),
                np.array([query.input_tokens for query in chosen], dtype=np.float64),
                [self._packed(query) for query in chosen],
                [truth[row] for row in rows],
                asked,
                task or "",
                self._clock(),
            )
            self._store.append([record]).result()

    def record(self, outcomes: Sequence[Outcome]) -> Future[None]:
        """Log outcomes of calls; the future resolves once they are durable and learned."""
        return self._store.append(outcomes)

    def decision(self, decision_id: str) -> Decision:
        """A decision by its id.

        Raises:
            UnknownDecisionError: no such decision.
        """
        decision = self._store.decision(decision_id)
        if decision is None:
            raise UnknownDecisionError(decision_id)
        return decision

    def outcomes(self, decision_id: str) -> Sequence[Outcome]:
        """What became of a decision so far, oldest first."""
        return self._store.outcomes(decision_id)

    def recent(self, limit: int) -> Sequence[tuple[Decision, Sequence[Outcome]]]:
        """The newest decisions with their outcomes, newest first."""
        return self._store.recent(limit)

    def list_usd(self, arm: str, input_tokens: int) -> float | None:
        """USD of a standard answer of an arm at its list price; None where that is unknown."""
        price = self.arms[arm].list_price if arm in self.arms else None
        return None if price is None else list_cost_usd(price, input_tokens)

    def spent_nano(self, by: Literal["key", "alias"], name: str, since: float) -> int:
        """What a key's or an alias's decisions came to since a moment, nano-USD, by the log."""
        return self._store.spent_nano(by, name, since)

    def now(self) -> float:
        """POSIX seconds, by the router's clock."""
        return self._clock()

    def close(self) -> None:
        """Keep a snapshot and let go of the log. Calling it twice is fine, from any thread."""
        with self._closing:
            if self._closed:
                return
            self._closed = True
            try:
                self._turns.wait()
                # once all that waits is folded; a log that its owner closed before takes no more
                if self._store.append([]).exception() is None:
                    self._keep_snapshot()
            finally:
                self._store.close()

    def _keep_snapshot(self) -> None:
        """Keep what is known now, where the log holds more than the last snapshot covers."""
        with self._lock:
            seq, state = self.knowledge.seq, self.knowledge.dump()
            stale = self._store.durable and seq > self._snapshot_at
            self._snapshot_at = seq
        if stale:
            self._store.save_snapshot(seq, state)

    def _restore(self) -> None:
        self._check_embedder()
        snapshot = self._store.snapshot()
        if snapshot is not None:
            self.knowledge.load(snapshot[1])
        for entry in self._store.read(self.knowledge.seq):
            self.knowledge.fold(entry, self._store.decision)
        self._snapshot_at = self.knowledge.seq
        self._store.subscribe(self._fold)

    def _check_embedder(self) -> None:
        """Vector spaces are never mixed: a log belongs to the embedder that it began with."""
        known, ours = self._store.meta("embedder"), self._embedder.id
        if self._describe:
            ours += f"+told-{TOLD_DIM}"
        if known is None:
            self._store.set_meta("embedder", ours)
        elif known != ours:
            raise StoreError(
                f"the log was written with the embedder {known!r}, this router has "
                f"{ours!r}: use the embedder and policy it began with, or another log"
            )

    def _fold(self, entries: Sequence[Entry]) -> None:
        with self._lock:
            for entry in entries:
                self.knowledge.fold(entry, self._store.decision)
            seq = self.knowledge.seq
            if not self._store.durable or seq < self._snapshot_at + max(
                SNAPSHOT_EVERY, self._snapshot_at // 4
            ):
                return
            self._snapshot_at, state = seq, self.knowledge.dump()
        self._store.save_snapshot(seq, state)

    def _submitted(
        self, judgement: Judgement, decision: Decision, answers: Answers
    ) -> tuple[Outcome, Future[None]]:
        """One decision judged, and the future of that."""
        while True:
            failures = self._turns.failures
            # read before our lock is taken: a store may want it, to fold, while it holds its own
            earlier = self._store.outcomes(decision.id)
            with self._lock:
                if failures == self._turns.failures:
                    outcome, turn = self._judged(judgement, decision, earlier, answers)
                    break
        return outcome, self._turns.go(turn)

    def _judged(
        self,
        judgement: Judgement,
        decision: Decision,
        earlier: Sequence[Outcome],
        answers: Answers,
    ) -> tuple[Outcome, Turn]:
        """What a judgement makes of what stands now, and its turn to be logged."""
        known = self._turns.standing(decision.id) or Standing.of(earlier)
        outcome, fresh = judged(
            judgement, decision, earlier, known, self.knowledge.judges, self.scoring
        )
        if fresh is not None and answers:
            fresh = changed(fresh, answers=tuple(answers))
        listed, now = self.list_usd(outcome.arm, decision.input_tokens), self._clock()
        dated = changed(outcome, list_usd=listed, at=now)
        if fresh is None:
            return dated, self._turns.take(decision.id, (), known)
        # nearly always all of it is new
        kept = dated if fresh is outcome else changed(fresh, list_usd=listed, at=now)
        return dated, self._turns.take(decision.id, (kept,), known.after(kept))

    def _contexts(self, queries: Sequence[Query], labels: tuple[str, ...] = ()) -> Context:
        """Contexts of n queries, shape (n, d)."""
        embedded = self._embedder.embed([query.text for query in queries])
        if not self._describe:
            return embedded
        contexts = np.zeros((len(queries), self.knowledge.context_dim), dtype=np.float32)
        contexts[:, :-TOLD_DIM] = embedded
        tell(queries, labels, contexts[:, -TOLD_DIM:])
        return contexts

    def _case(self, step: Step) -> Case:
        query = step.query
        context = self._contexts([query], step.labels)[0]
        words = self._words(query.text) if step.reads_text else no_words(query.text)
        return Case("", query.task or "", tuple(sorted(step.labels)), words, context)

    def _packed(self, query: Query, wanted: bool = True) -> bytes:
        """A text's words, as the log holds them; none where nothing is to be learned from them."""
        return words_out(self._words(query.text)) if wanted else b""

    def _weight(self, cost_weight: float | None) -> float:
        if cost_weight is None or cost_weight == self.cost_weight:
            return self.cost_weight
        if self.knowledge.learner.learns_reward:
            raise InputError(
                f"policy {self.policy.name!r} learns the reward at cost_weight "
                f"{self.cost_weight:g} and cannot change it per query"
            )
        return cost_weight_of(cost_weight, InputError)

    def _decision(
        self,
        index: int,
        query: Query,
        believed: Beliefs,
        estimates: ArmEstimates,
        context: Context,
        chances: FloatArray,
    ) -> Decision:
        picked = draw(chances, uniform(self._seed, index))
        return Decision(
            id=self._new_id(),
            index=index,
            arm=believed.names[picked],
            propensity=float(chances[picked]),
            propensities=dict(zip(believed.names, chances.tolist(), strict=True)),
            estimates=estimates,
            policy=self.policy.name,
            version=self.knowledge.outcomes,
            cost_weight=believed.cost_weight,
            cost_scale=believed.cost_scale,
            context=context,
            input_tokens=query.input_tokens,
            task=query.task,
            text=query.text if self._log_prompts else None,
            client=query.client,
            at=self._clock(),
        )


def _by_label(step: Step, case: Case, chances: FloatArray) -> dict[str, float]:
    """Chances by label, in the caller's order."""
    likely = dict(zip(case.labels, chances.tolist(), strict=True))
    return {label: likely[label] for label in step.labels}


def _place(step: Step, case: Case) -> dict[str, Any]:
    """What ties a step's decision to its query."""
    if step.first is None:
        return {"words": words_out(case.words)}
    return {"id": step_id(step.first.id, step.number), "parent": step.first.id, "text": None}
