"""The router that users meet: put together from names, and started warm from tables."""

from __future__ import annotations

import asyncio
import time
from dataclasses import replace
from functools import partial
from typing import TYPE_CHECKING, Any

import numpy as np

from metallm.assembly.choices import (
    chosen_learner,
    chosen_policy,
    chosen_store,
    floored,
    http_provider,
    presumed,
    takes_students,
)
from metallm.assembly.doors import Doors
from metallm.assembly.embedders import chosen_embedder
from metallm.embeddings.grams import grams
from metallm.errors import ConfigurationError, InputError, TableError, UnknownPriceError
from metallm.ids import random_id
from metallm.learners.classes import ClassLearner
from metallm.learners.cost import CostLearner
from metallm.providers.abilities import able
from metallm.providers.prices import priced
from metallm.router.checks import tasks_by_name
from metallm.router.told import DIM as TOLD_DIM
from metallm.tasks.asked import Asked

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Mapping, Sequence
    from os import PathLike

    from metallm.core.arm import Arm
    from metallm.core.arrays import FloatArray
    from metallm.core.audit import Audit
    from metallm.core.hedge import Hedge
    from metallm.core.judge_arm import JudgeArm
    from metallm.core.protocols import Embedder, Learner, Policy, Provider, Store
    from metallm.core.task import Task
    from metallm.router.conversations import Affinity
    from metallm.settings import Settings
    from metallm.tables.recordings import Recordings


class Router(Doors):
    """Learns which LLM to ask, and asks it.

    Args:
        arms: the LLMs to choose from. One without prices gets those of the price table, where the
            table knows it.
        cost_weight: p in reward = quality − p · cost; costs are scaled so that the dearest arm's
            mean cost is 1.
        policy: "squarecb", "thompson", "linucb", "greedy", "paper", "random", "fixed:NAME", or a
            policy of one's own.
        floor: least probability of each arm, one number (below 1 / K) or numbers by arms' names;
            0 for none. With it, estimates from the log never rest on a tiny propensity.
        store: path of an SQLite file, a store, or None to keep all in memory.
        seed: of every draw.
        log_prompts: keep the text of queries in the log.
        provider: calls the arms; None for HTTP.
        embedder: text to context: "static" (the default: a static table) or "sentence" (the table
            and an encoder, of the extra `sentence`), both with cheap features, or an embedder.
        sentence_model: where the embedder "sentence" finds its encoder, see `SentenceEmbedder`;
            None for the one that the extra installs.
        student: learn tasks' labels from feedback, so that classifications can be answered without
            any arm. Policies "paper" and "fixed:NAME" ask arms alone in any case.
        audit: an arm whose answers stand in for true labels, and to how many queries more; None
            learns from feedback alone. That arm is presumed to be the best where nothing else is
            known: `prior_quality` of arms says otherwise.
        label_share: of how many classifications the true label is asked for, 0 to 1: the answers
            that are doubted most come with `wants_label`.
        latency_weight: reward that a second of waiting for an arm takes off, by how long it has
            taken so far.
        affinity: within a conversation, "price" lets the arm that has read it cost the less by what
            its provider's prompt cache saves, "sticky" stays with it, "off" chooses anew.
        judge: an arm that grades a share of the answers to open questions, after they were given;
            None for nobody.
        hedge: when an arm that is slow gets another beside it, the first to answer winning; None
            for never.
        tasks: declared ones, which `classify` finds by name. Answers to them are scored as they
            say, also where feedback comes after a restart.
        learner: makes the learner of quality from the length of a context; None for the policy's
            own.
        clock: POSIX seconds; None for the system's.
        new_id: makes a decision's id; None for random ones.
        sleep: waits for some seconds before a hedge.

    Raises:
        ConfigurationError: arms or options that cannot work.
        StoreError: the log cannot be opened, or belongs to another kind of router.
    """

    def __init__(
        self,
        arms: Sequence[Arm],
        *,
        cost_weight: float = 0.2,
        policy: str | Policy = "squarecb",
        floor: float | Mapping[str, float] = 0.0,
        store: str | PathLike[str] | Store | None = None,
        seed: int = 0,
        log_prompts: bool = False,
        provider: Provider | None = None,
        embedder: str | Embedder | None = None,
        sentence_model: str | PathLike[str] | None = None,
        student: bool = True,
        audit: Audit | None = None,
        label_share: float = 0.0,
        latency_weight: float = 0.0,
        affinity: Affinity = "price",
        judge: JudgeArm | None = None,
        hedge: Hedge | None = None,
        tasks: Sequence[Task] = (),
        learner: Callable[[int], Learner] | None = None,
        clock: Callable[[], float] | None = None,
        new_id: Callable[[], str] | None = None,
        sleep: Callable[[float], Awaitable[object]] = asyncio.sleep,
    ) -> None:
        chosen, features = chosen_embedder(policy, embedder or "static", sentence_model)
        # the paper's context is the text's embedding and nothing else
        described = TOLD_DIM if policy != "paper" else 0
        arms = presumed(arms, audit)
        make = learner or partial(chosen_learner, policy, cost_weight, seed, arms)
        learns = student and takes_students(policy)
        dim = chosen.dim + described
        declared = tasks_by_name(tasks)
        asked = Asked(declared)
        super().__init__(
            [able(priced(arm)) for arm in arms],
            embedder=chosen,
            learner=make(dim),
            costs=CostLearner(features + described),
            policy=floored(chosen_policy(policy, arms), floor, arms),
            store=chosen_store(store),
            cost_weight=cost_weight,
            seed=seed,
            log_prompts=log_prompts,
            describe=described > 0,
            classes=ClassLearner(dim, seed=seed, declared=declared) if learns else None,
            words=grams,
            audit=audit,
            label_share=label_share,
            latency_weight=latency_weight,
            tasks=declared,
            clock=clock or time.time,
            new_id=new_id or _random_id,
            asked=asked,
            provider=provider,
            judge=judge,
            affinity=affinity,
            hedge=hedge,
            sleep=sleep,
        )

    @classmethod
    def from_settings(cls, settings: Settings, *, provider: Provider | None = None) -> Router:
        """A router as the settings describe it.

        Raises:
            ConfigurationError: no arms, or settings that cannot work.
            UnknownPriceError: an arm without a price that is not flagged with price = "unknown".
        """
        if not settings.arms:
            raise ConfigurationError(
                "no arms are set up: add [[arms]] to metallm.toml, or write one with 'metallm init'"
            )
        from metallm.settings import tasks_of  # noqa: PLC0415 - needs pydantic, as settings do

        router = cls(
            [each.arm() for each in settings.arms],
            cost_weight=settings.router.cost_weight,
            policy=settings.router.policy,
            floor=settings.router.floor,
            store=settings.store.path or None,
            seed=settings.router.seed,
            log_prompts=settings.router.log_prompts,
            embedder=settings.router.embedder,
            sentence_model=settings.router.sentence_model or None,
            student=settings.router.student,
            audit=settings.audit.audit(),
            label_share=settings.router.label_share,
            latency_weight=settings.router.latency_weight,
            affinity=settings.router.affinity,
            judge=settings.judge.judge(),
            hedge=settings.hedge.hedge(),
            tasks=tuple(tasks_of(settings).values()),
            provider=provider or http_provider(settings.providers),
        )
        for arm in router.arms.values():
            if arm.list_price is None and arm.price != "unknown":
                router.close()
                raise UnknownPriceError(arm.name)
        return router

    def fit(self, table: Any, *, weight: float = 1.0, task: str | None = None) -> None:
        """Start warm from recorded outcomes, one row per query and model.

        The same table once more changes nothing. Models that are no arms of this router are
        passed over. Where a data set's references are labels that many of its texts share, the
        student of the task that is called as the data set learns them, and what each arm had
        answered (`response`) tells how far its answers can be trusted.

        Args:
            table: a pyarrow Table, a pandas DataFrame, or the path of a .parquet, .csv or .jsonl
                file. Columns: query, model, score (0 to 1); where known, question (then that is
                embedded), query_id, dataset, reference, output_tokens, cost_usd; and, where the
                rows are a log of choices rather than answers of all models, propensity.
            weight: how much a recorded outcome counts beside a live one, above 0 and at most 1;
                less than 1 where the recorded queries are not quite those that will come. Labels
                count in full: they are true.
            task: names the task of rows without a dataset.

        Raises:
            TableError: a missing column, a value out of range, or no row of any arm.
            InputError: a weight out of range.
        """
        if not 0.0 < weight <= 1.0:
            raise InputError(f"the weight of a table is above 0 and at most 1, not {weight!r}")
        # these need pyarrow, or readers of answers
        from metallm.assembly.recorded_answers import recorded_answers  # noqa: PLC0415
        from metallm.tables.label_sets import label_sets  # noqa: PLC0415
        from metallm.tables.recordings import Recordings  # noqa: PLC0415

        recordings = table if isinstance(table, Recordings) else Recordings.read(table)
        common = [name for name in self.arms if name in recordings.models]
        if not common:
            raise TableError(
                "the table has no row of any arm; its models are: "
                + ", ".join(recordings.models[:20])
            )
        kept = recordings.with_arms(common)
        if task is not None:
            kept = replace(kept, datasets=tuple(name or task for name in kept.datasets))
        classes = {} if self.knowledge.classes is None else dict(label_sets(kept))
        # without a name nobody can ask about it
        classes.pop("", None)
        self.learn(
            kept.texts,
            arms=common,
            quality=kept.score,
            cost_usd=kept.cost_usd,
            output_tokens=kept.output_tokens,
            tasks=kept.datasets,
            labels=kept.labels(),
            weight=_weights(kept, weight),
            classes=classes,
            answers=recorded_answers(kept, classes),
        )


def _weights(recordings: Recordings, weight: float) -> FloatArray | None:
    known = recordings.weights()
    if known is None:
        return None if weight == 1.0 else np.full(recordings.score.shape, weight)
    return weight * known


def _random_id() -> str:
    return f"dec_{random_id()}"
