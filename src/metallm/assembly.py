"""Builds a Router from names and settings; the only file that names concrete parts."""

from __future__ import annotations

import asyncio
import time
import uuid
from functools import cache, partial
from os import PathLike, fspath
from typing import TYPE_CHECKING, Any

import numpy as np

from metallm.core.query import Query
from metallm.embeddings.features import FeatureEmbedder
from metallm.embeddings.form import FormEmbedder
from metallm.embeddings.joined import JoinedEmbedder
from metallm.embeddings.ngrams import NgramEmbedder
from metallm.embeddings.sentence import SentenceEmbedder
from metallm.embeddings.static import StaticEmbedder
from metallm.errors import ConfigurationError, InputError, TableError, UnknownPriceError
from metallm.learners.blend import BlendLearner
from metallm.learners.cost import CostLearner
from metallm.learners.paper import PaperLearner
from metallm.policies.floor import FlooredPolicy
from metallm.policies.linucb import LinUCBPolicy
from metallm.policies.simple import FixedPolicy, GreedyPolicy, RandomPolicy
from metallm.policies.squarecb import SquareCBPolicy
from metallm.policies.thompson import ThompsonPolicy
from metallm.providers.prices import priced
from metallm.router.answers import Classified
from metallm.router.caller import Caller
from metallm.router.engine import Engine
from metallm.router.told import DIM as TOLD_DIM
from metallm.store.memory import MemoryStore

if TYPE_CHECKING:
    from collections.abc import Callable, Coroutine, Mapping, Sequence
    from typing import TypeVar

    from metallm.core.arm import Arm
    from metallm.core.arrays import FloatArray
    from metallm.core.protocols import Embedder, Learner, Policy, Provider, Store
    from metallm.core.query import Message
    from metallm.router.answers import Answer
    from metallm.settings import ProviderSettings, Settings
    from metallm.tables.recordings import Recordings

    _T = TypeVar("_T")

POLICIES = ("squarecb", "thompson", "linucb", "greedy", "paper", "random", "fixed:NAME")
EMBEDDERS = ("static", "sentence")
SENTENCE_SCALE = 0.7
"""Of table and encoder, side by side: together they have about length 1, as each has alone."""

PAPER_ALPHA = 0.25
"""α of the paper's policy; the paper does not give it, and its published code has 0."""


class Router(Engine):
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
        learner: makes the learner of quality from the length of a context; None for the policy's
            own.
        clock: POSIX seconds; None for the system's.
        new_id: makes a decision's id; None for random ones.

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
        learner: Callable[[int], Learner] | None = None,
        clock: Callable[[], float] | None = None,
        new_id: Callable[[], str] | None = None,
    ) -> None:
        chosen, features = _embedder(policy, embedder or "static", sentence_model)
        # the paper's context is the text's embedding and nothing else
        described = TOLD_DIM if policy != "paper" else 0
        make = learner or partial(_learner, policy, cost_weight, seed, arms)
        super().__init__(
            [priced(arm) for arm in arms],
            embedder=chosen,
            learner=make(chosen.dim + described),
            costs=CostLearner(features + described),
            policy=_floored(_policy(policy, arms), floor, arms),
            store=_store(store),
            cost_weight=cost_weight,
            seed=seed,
            log_prompts=log_prompts,
            describe=described > 0,
            clock=clock or time.time,
            new_id=new_id or _random_id,
        )
        self._provider_given = provider
        self._caller: Caller | None = None
        self._runner: asyncio.Runner | None = None

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
            provider=provider or _http_provider(settings.providers),
        )
        for arm in router.arms.values():
            if arm.list_price is None and arm.price != "unknown":
                router.close()
                raise UnknownPriceError(arm.name)
        return router

    @property
    def caller(self) -> Caller:
        """What calls the arms; made when it is first needed."""
        if self._caller is None:
            self._caller = Caller(self, self._provider_given or _http_provider())
        return self._caller

    def fit(self, table: Any, *, weight: float = 1.0) -> None:
        """Start warm from recorded outcomes, one row per query and model.

        The same table once more changes nothing. Models that are no arms of this router are
        passed over.

        Args:
            table: a pyarrow Table, a pandas DataFrame, or the path of a .parquet, .csv or .jsonl
                file. Columns: query, model, score (0 to 1); where known, question (then that is
                embedded), query_id, dataset, reference, output_tokens, cost_usd; and, where the
                rows are a log of choices rather than answers of all models, propensity.
            weight: how much a recorded outcome counts beside a live one, above 0 and at most 1;
                less than 1 where the recorded queries are not quite those that will come.

        Raises:
            TableError: a missing column, a value out of range, or no row of any arm.
            InputError: a weight out of range.
        """
        if not 0.0 < weight <= 1.0:
            raise InputError(f"the weight of a table is above 0 and at most 1, not {weight!r}")
        from metallm.tables.recordings import Recordings  # noqa: PLC0415 - needs pyarrow

        recordings = table if isinstance(table, Recordings) else Recordings.read(table)
        common = [name for name in self.arms if name in recordings.models]
        if not common:
            raise TableError(
                "the table has no row of any arm; its models are: "
                + ", ".join(recordings.models[:20])
            )
        kept = recordings.with_arms(common)
        self.learn(
            kept.texts,
            arms=common,
            quality=kept.score,
            cost_usd=kept.cost_usd,
            output_tokens=kept.output_tokens,
            tasks=kept.datasets,
            labels=kept.labels(),
            weight=_weights(kept, weight),
        )

    async def complete(
        self,
        source: str | Sequence[Message],
        *,
        task: str | None = None,
        arms: Sequence[str] | None = None,
        cost_weight: float | None = None,
        **options: Any,
    ) -> Answer:
        """Decide, call the arm, log.

        Args:
            source: a text or chat messages.
            task: name of the task, where known.
            arms: names of the arms that may be chosen; None for all.
            cost_weight: p for this query alone.
            options: further fields of the request, such as max_tokens.

        Raises:
            ProviderError: no arm answered, or the query was refused.
            InputError: the query or an option cannot be used.
        """
        query = Query.of(source, task=task)
        body = {**options, "messages": list(query.messages)}
        return await self.caller.answer(query, body, arms=arms, cost_weight=cost_weight)

    async def classify(
        self,
        text: str,
        labels: Sequence[str],
        *,
        task: str | None = None,
        arms: Sequence[str] | None = None,
        cost_weight: float | None = None,
    ) -> Classified:
        """Ask which of the labels fits a text. Arguments and errors as for `complete`."""
        from metallm.tasks.classification import ClassificationTask  # noqa: PLC0415

        kind = ClassificationTask(tuple(labels))
        query = Query.of(kind.messages(text), task=task, text=text)
        answer = await self.caller.answer(
            query,
            {"messages": list(query.messages)},
            arms=arms,
            cost_weight=cost_weight,
            labels=kind.labels,
            read=kind.read,
        )
        label = kind.read(answer.text)
        return Classified(label, answer.arm, answer.cost_usd, answer.decision_id, answer.text)

    def complete_sync(self, source: str | Sequence[Message], **options: Any) -> Answer:
        """`complete` for code without an event loop."""
        return self._run(self.complete(source, **options))

    def classify_sync(self, text: str, labels: Sequence[str], **options: Any) -> Classified:
        """`classify` for code without an event loop."""
        return self._run(self.classify(text, labels, **options))

    async def aclose(self) -> None:
        """Let go of connections and of the log."""
        if self._caller is not None:
            await self._caller.close()
        super().close()

    def close(self) -> None:
        """Let go of the log, and of the connections of the synchronous doors."""
        if self._runner is not None:
            if self._caller is not None:
                self._runner.run(self._caller.close())
            self._runner.close()
            self._runner = None
        super().close()

    def _run(self, work: Coroutine[Any, Any, _T]) -> _T:
        try:
            asyncio.get_running_loop()
        except RuntimeError:
            if self._runner is None:
                self._runner = asyncio.Runner()
            return self._runner.run(work)
        work.close()
        raise ConfigurationError(
            "the ..._sync methods cannot run inside an event loop: await the others"
        )


def _weights(recordings: Recordings, weight: float) -> FloatArray | None:
    known = recordings.weights()
    if known is None:
        return None if weight == 1.0 else np.full(recordings.score.shape, weight)
    return weight * known


@cache
def default_embedder() -> JoinedEmbedder:
    """The static table, a text's words, its form and the cheap features; read once a process."""
    table = _static_embedder()
    return JoinedEmbedder(
        [table, NgramEmbedder(table.tokenizer), FormEmbedder(), FeatureEmbedder()]
    )


@cache
def sentence_embedder(model: str | None = None) -> JoinedEmbedder:
    """The static table, a sentence encoder and the cheap features, read once a process.

    Args:
        model: where it lies, see `SentenceEmbedder`; None for the one that the extra installs.

    Raises:
        ConfigurationError: the extra is not installed, or the model cannot be read.
    """
    return beside_static(_bare_sentence_embedder(model))


def beside_static(encoder: Embedder) -> JoinedEmbedder:
    """The static table, an encoder whose contexts have length 1, and what else is cheap."""
    table = _static_embedder()
    words: list[Embedder] = [NgramEmbedder(table.tokenizer), FormEmbedder(), FeatureEmbedder()]
    return JoinedEmbedder(
        [table, encoder, *words], scales=(SENTENCE_SCALE, SENTENCE_SCALE, 1.0, 1.0, 1.0)
    )


def _embedder(
    policy: str | Policy, given: str | Embedder, model: str | PathLike[str] | None
) -> tuple[Embedder, int]:
    """The embedder, and how many of its last entries are cheap features."""
    if not isinstance(given, str):
        return given, 0
    if given not in EMBEDDERS:
        raise ConfigurationError(
            f"no embedder is called {given!r}; there are: {', '.join(EMBEDDERS)}"
        )
    place = None if model is None else fspath(model)
    if policy == "paper":
        # the paper's context is the bare sentence embedding
        return _static_embedder() if given == "static" else _bare_sentence_embedder(place), 0
    joined = default_embedder() if given == "static" else sentence_embedder(place)
    return joined, FeatureEmbedder.dim


@cache
def _static_embedder() -> StaticEmbedder:
    return StaticEmbedder()


@cache
def _bare_sentence_embedder(model: str | None) -> SentenceEmbedder:
    return SentenceEmbedder(model)


def _learner(
    policy: str | Policy, cost_weight: float, seed: int, arms: Sequence[Arm], dim: int
) -> Learner:
    if policy == "paper":
        return PaperLearner(dim, cost_weight=cost_weight)
    priors = {arm.name: arm.prior_quality for arm in arms if arm.prior_quality is not None}
    return BlendLearner(dim, seed=seed, priors=priors)


def _policy(name: str | Policy, arms: Sequence[Arm]) -> Policy:
    if not isinstance(name, str):
        return name
    kinds: dict[str, Callable[[], Policy]] = {
        "squarecb": SquareCBPolicy,
        "thompson": ThompsonPolicy,
        "linucb": LinUCBPolicy,
        "greedy": GreedyPolicy,
        "paper": lambda: LinUCBPolicy(PAPER_ALPHA, name="paper"),
        "random": RandomPolicy,
    }
    if name in kinds:
        return kinds[name]()
    kind, colon, arm = name.partition(":")
    if kind == "fixed" and colon:
        if arm not in {each.name for each in arms}:
            raise ConfigurationError(f"policy {name!r}: no arm is called {arm!r}")
        return FixedPolicy(arm)
    raise ConfigurationError(f"no policy is called {name!r}; there are: {', '.join(POLICIES)}")


def _floored(policy: Policy, floor: float | Mapping[str, float], arms: Sequence[Arm]) -> Policy:
    return policy if floor == 0.0 else FlooredPolicy(policy, floor, [arm.name for arm in arms])


def _store(store: str | PathLike[str] | Store | None) -> Store:
    if store is None:
        return MemoryStore()
    if isinstance(store, str | PathLike):
        from metallm.store.sqlite import SqliteStore  # noqa: PLC0415 - only where it is used

        return SqliteStore(store)
    return store


def _http_provider(settings: ProviderSettings | None = None) -> Provider:
    from metallm.providers.http import HttpProvider  # noqa: PLC0415 - aiohttp takes .1 s

    return HttpProvider(**(settings.model_dump() if settings is not None else {}))


def _random_id() -> str:
    return f"dec_{uuid.uuid4().hex}"
