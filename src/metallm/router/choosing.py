"""Choices: which arm is asked next, with what probability, logged before it is acted on."""

from __future__ import annotations

from dataclasses import dataclass
from dataclasses import replace as changed
from typing import TYPE_CHECKING, Any

import numpy as np

from metallm.core.chance import draw, uniform
from metallm.core.classes import EVIDENCE, words_out
from metallm.core.decision import Decision
from metallm.core.protocols import View
from metallm.errors import ConfigurationError, InputError
from metallm.router.acceptable import acceptable
from metallm.router.beliefs import believe
from metallm.router.cases import case_of, step_id
from metallm.router.checks import cost_weight_of, eligible_arms, min_quality_of
from metallm.router.steps import believe_step

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence
    from concurrent.futures import Future

    from metallm.core.arm import Arm
    from metallm.core.arrays import Context, FloatArray
    from metallm.core.classes import Case
    from metallm.core.estimates import ArmEstimates
    from metallm.core.protocols import Policy
    from metallm.core.query import Query
    from metallm.router.beliefs import Beliefs
    from metallm.router.folded import FoldedLog
    from metallm.router.reading import Reader
    from metallm.router.scoring import Scoring
    from metallm.router.steps import Step

NO_TASKS = (
    "this router learns no tasks: switch `student` on, and take a policy other than 'paper' or "
    "'fixed:NAME'"
)

APART = 2**62
"""From the numbers of decisions, which count from 0."""


@dataclass(frozen=True, slots=True)
class Terms:
    """By what it is chosen, beside what is known.

    Args:
        cost_weight: p in reward = quality − p · cost.
        latency_weight: reward that a second of waiting for an arm takes off.
        seed: of every draw.
        log_prompts: keep the text of queries in the log.
        clock: POSIX seconds.
        new_id: makes a decision's id; no two alike.
    """

    cost_weight: float
    latency_weight: float
    seed: int
    log_prompts: bool
    clock: Callable[[], float]
    new_id: Callable[[], str]


class Chooser:
    """Decides. Safe to use from several threads.

    Args:
        log: takes decisions, and tells what is known.
        reader: of queries.
        policy: from estimates to probabilities.
        arms: by name.
        scoring: how good a label is as an answer.
        terms: by what it is chosen.
    """

    def __init__(
        self,
        log: FoldedLog,
        reader: Reader,
        policy: Policy,
        arms: Mapping[str, Arm],
        scoring: Scoring,
        terms: Terms,
    ) -> None:
        self._log = log
        self._reader = reader
        self._policy = policy
        self._arms = arms
        self._scoring = scoring
        self._terms = terms

    def decide(
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
        """Choose arms for queries, and log the decisions: `Engine.decide_queries`, as there."""
        names = eligible_arms(arms if named is None else [named], self._arms)
        weight, least = self._weight(cost_weight), min_quality_of(min_quality)
        contexts = self._reader.contexts(queries, labels)
        tokens = np.array([query.input_tokens for query in queries], dtype=np.float64)
        with self._log.lock:
            believed = believe(
                self._log.knowledge,
                contexts,
                tokens,
                names,
                weight,
                tasks=[query.task or "" for query in queries],
                labels=labels,
                latency_weight=self._terms.latency_weight,
                discounts=discounts,
            )
            if least > 0.0 and named is None:
                kept = acceptable(believed.quality[0], believed.uncertainty[0], least)
                believed = believed.only(kept)
            view = View(believed.reward, believed.uncertainty, self._log.knowledge.outcomes)
            chances = (
                self._policy.probabilities(view, believed.names)
                if named is None
                else np.ones((len(queries), 1))
            )
            first = self._log.knowledge.decisions
            self._log.knowledge.decisions += len(queries)
            estimates = believed.estimates()
            decisions = [
                self._decision(
                    first + row, query, believed, estimates[row], contexts[row], chances[row]
                )
                for row, query in enumerate(queries)
            ]
        if named is not None or labels:
            policy = self._policy.name if named is None else "named"
            decisions = [changed(each, policy=policy, labels=labels) for each in decisions]
        append = self._log.append_patiently if patient else self._log.append
        return decisions, append(decisions)

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
        if self._log.knowledge.classes is None:
            raise ConfigurationError(NO_TASKS)
        eligible = eligible_arms(step.arms, self._arms)
        asked = {arm for arm, _ in step.answers}
        names = tuple(arm for arm in eligible if arm not in asked) if step.can_ask else ()
        weight = self._weight(step.cost_weight)
        case = self._case(step)
        with self._log.lock:
            believed, likely = believe_step(
                self._log.knowledge,
                self._log.knowledge.classes,
                step,
                case,
                names,
                weight,
                self._scoring,
                self._terms.latency_weight,
            )
            view = View(believed.reward, believed.uncertainty, self._log.knowledge.outcomes)
            chances = (
                self._policy.probabilities(view, believed.names)
                if len(believed.names) > 1
                else np.ones((1, 1))
            )
            index = self._log.knowledge.decisions
            self._log.knowledge.decisions += 1
            estimates = believed.estimates()[0]
            decision = self._decision(
                index, step.query, believed, estimates, case.context, chances[0]
            )
        decision = changed(decision, labels=step.labels, **_place(step, case))
        return decision, _by_label(step, case, likely), self._log.append([decision])

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
        with self._log.lock:
            believed = believe(
                self._log.knowledge,
                first.context[None],
                tokens,
                (arm,),
                first.cost_weight,
                tasks=[step.query.task or ""],
                labels=step.labels,
                latency_weight=self._terms.latency_weight,
            )
            index = self._log.knowledge.decisions
            self._log.knowledge.decisions += 1
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
        return decision, self._log.append([decision])

    def drawn(self, decision: Decision) -> float:
        """A query's own number in [0, 1), apart from the one that its arm was drawn by."""
        return uniform(self._terms.seed, APART + decision.index)

    def likeliest(self, step: Step) -> Mapping[str, float]:
        """How likely each label is by text and answers so far; as the router believes right now.

        Args:
            step: of a classification whose first decision is made.
        """
        if self._log.knowledge.classes is None or step.first is None:
            return {}
        with self._log.lock:
            case = self._case(step)
            chances = self._log.knowledge.classes.posterior(case, step.answers)
        return _by_label(step, case, chances)

    def _case(self, step: Step) -> Case:
        if step.first is None:
            return self._reader.case(step)
        return case_of(step.first, step.answers, step.likely)

    def _weight(self, cost_weight: float | None) -> float:
        if cost_weight is None or cost_weight == self._terms.cost_weight:
            return self._terms.cost_weight
        if self._log.knowledge.learner.learns_reward:
            raise InputError(
                f"policy {self._policy.name!r} learns the reward at cost_weight "
                f"{self._terms.cost_weight:g} and cannot change it per query"
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
        picked = draw(chances, uniform(self._terms.seed, index))
        return Decision(
            id=self._terms.new_id(),
            index=index,
            arm=believed.names[picked],
            propensity=float(chances[picked]),
            propensities=dict(zip(believed.names, chances.tolist(), strict=True)),
            estimates=estimates,
            policy=self._policy.name,
            version=self._log.knowledge.outcomes,
            cost_weight=believed.cost_weight,
            cost_scale=believed.cost_scale,
            context=context,
            input_tokens=query.input_tokens,
            task=query.task,
            text=query.text if self._terms.log_prompts else None,
            client=query.client,
            at=self._terms.clock(),
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
