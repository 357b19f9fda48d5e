"""All that was learned, as a fold over the log.

The same `fold` runs while the router lives, when it starts again, and when `metallm verify`
rebuilds from nothing; so what a restart knows is what the log says.
"""

from __future__ import annotations

import io
from hashlib import blake2b
from typing import TYPE_CHECKING, Any

import numpy as np

from metallm.core.classes import OWN_ARMS
from metallm.core.decision import Decision
from metallm.core.outcome import Outcome, Recorded
from metallm.core.price import list_cost_usd
from metallm.errors import StoreError
from metallm.router.cases import case_of
from metallm.router.judges import Judges
from metallm.router.latencies import Latencies
from metallm.router.recorded import digest_of, teach

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from numpy.typing import NDArray

    from metallm.core.arm import Arm
    from metallm.core.arrays import Context, FloatArray
    from metallm.core.log import Entry
    from metallm.core.outcome import Taught
    from metallm.core.protocols import ClassLearner, CostLearner, Learner

STANDARD_INPUT_TOKENS = 100.0
"""Length of a query before any was seen; only the scale of costs depends on it."""


class Knowledge:
    """What is known of arms, and of how the log stands.

    Args:
        learner: of quality.
        costs: of cost.
        arms: the arms by name; prices are taken from them.
        context_dim: length of a context.
        classes: of tasks' labels; None where no task is learned.
        reference: the arm whose answers stand in for labels; None for none.

    Attributes:
        seq: place of the last entry that was folded.
        decisions: how many decisions there were.
        arms: the configured arms by name.
        outcomes: how many qualities were learned from, recorded ones included.
        judges: how often each judge is right.
        latencies: how long each arm takes.
        context_dim: length of a context.
    """

    def __init__(
        self,
        learner: Learner,
        costs: CostLearner,
        arms: Mapping[str, Arm],
        context_dim: int,
        classes: ClassLearner | None = None,
        reference: str | None = None,
    ) -> None:
        self.learner = learner
        self.costs = costs
        self.classes = classes
        self.seq = 0
        self.decisions = 0
        self.outcomes = 0
        self.judges = Judges(reference)
        self.latencies = Latencies()
        self.arms = arms
        self.context_dim = context_dim
        self._token_sum = 0.0
        self._token_count = 0
        self._digests: dict[str, None] = {}
        # kept until a bill is learned
        self._means: FloatArray | None = None
        self._scale: float | None = None
        self._standard: dict[str, float] = {}
        self._per_token: dict[str, float] = {}
        # of the arms that were last asked about, nearly always the same ones
        self._prices: dict[tuple[str, ...], tuple[FloatArray, FloatArray]] = {}
        for name, arm in arms.items():
            price = arm.list_price
            if price is not None:
                self._standard[name] = list_cost_usd(price, 0.0)
                self._per_token[name] = price.input / 1e6

    def list_usd(self, arms: Sequence[str], input_tokens: FloatArray) -> FloatArray:
        """List cost of a standard answer in USD, shape (n, K); NaN where the price is unknown."""
        names = tuple(arms)
        prices = self._prices.get(names)
        if prices is None:
            prices = (
                np.array([self._standard.get(name, np.nan) for name in names]),
                np.array([self._per_token.get(name, np.nan) for name in names]),
            )
            self._prices = {names: prices}
        listed: FloatArray = input_tokens[:, None] * prices[1] + prices[0]
        return listed

    def cost_usd(
        self, contexts: Context, input_tokens: FloatArray, arms: Sequence[str]
    ) -> FloatArray:
        """Expected cost in USD, shape (n, K); NaN where nothing tells it."""
        return self.costs.estimate(contexts, input_tokens, arms, self.list_usd(arms, input_tokens))

    def mean_costs_usd(self) -> FloatArray:
        """Mean cost of each configured arm over the queries so far, shape (K,)."""
        if self._means is None:
            self._scale = None
            names = list(self.arms)
            tokens = self._token_sum / self._token_count if self._token_count else 0.0
            standard = np.array([tokens or STANDARD_INPUT_TOKENS])
            self._means = self.costs.mean_usd(names, self.list_usd(names, standard)[0])
        return self._means

    def cost_scale(self) -> float:
        """USD that count as 1: the dearest configured arm's mean cost; 0 where all are free."""
        known = self.mean_costs_usd()
        if self._scale is None:
            known = known[~np.isnan(known)]
            self._scale = float(known.max()) if len(known) else 0.0
        return self._scale

    def fold(self, entry: Entry, decision_of: Callable[[str], Decision | None]) -> None:
        """Learn one entry of the log.

        Raises:
            StoreError: the entry does not fit: a context of another length, say.
        """
        record = entry.record
        if isinstance(record, Decision):
            self.decisions = max(self.decisions, record.index + 1)
        elif isinstance(record, Recorded):
            self._fold_recorded(record)
        else:
            self._fold_outcome(record, decision_of(record.decision_id))
        self.seq = entry.seq

    def dump(self) -> bytes:
        """Everything learned, as bytes for a snapshot."""
        arrays: dict[str, NDArray[Any]] = {
            "counters": np.array([self.seq, self.decisions, self.outcomes, self._token_count]),
            "token_sum": np.array(self._token_sum),
            "digests": np.array(list(self._digests), dtype=np.str_),
            **{f"quality.{key}": value for key, value in self.learner.state().items()},
            **{f"cost.{key}": value for key, value in self.costs.state().items()},
            **{f"judges.{key}": value for key, value in self.judges.state().items()},
            **{f"latencies.{key}": value for key, value in self.latencies.state().items()},
        }
        if self.classes is not None:
            arrays |= {f"classes.{key}": value for key, value in self.classes.state().items()}
        buffer = io.BytesIO()
        np.savez(buffer, allow_pickle=False, **arrays)
        return buffer.getvalue()

    def load(self, data: bytes) -> bool:
        """Go on from a snapshot.

        Returns:
            False, with nothing learned, where whoever kept it learned no tasks' labels and this
            router does: then the whole log has to be folded.

        Raises:
            StoreError: the bytes are no snapshot of this kind of router.
        """
        try:
            with np.load(io.BytesIO(data), allow_pickle=False) as saved:
                arrays = dict(saved)
            if self.classes is not None and not _part(arrays, "classes."):
                return False
            self.learner.load(_part(arrays, "quality."))
            self.costs.load(_part(arrays, "cost."))
            # snapshots of before judges and latencies were kept have none
            self.judges.load(_part(arrays, "judges."))
            self.latencies.load(_part(arrays, "latencies."))
            if self.classes is not None:
                self.classes.load(_part(arrays, "classes."))
            counters = [int(count) for count in arrays["counters"]]
        except (ValueError, KeyError, OSError) as error:
            raise StoreError(
                "the snapshot in the log does not fit this router's policy and embedder: "
                "use the ones it was written with, or another log"
            ) from error
        self.seq, self.decisions, self.outcomes, self._token_count = counters
        self._token_sum = float(arrays["token_sum"])
        self._digests = dict.fromkeys(str(digest) for digest in arrays["digests"])
        self._means = None
        return True

    def _fold_outcome(self, outcome: Outcome, decision: Decision | None) -> None:
        if decision is None:
            raise StoreError(f"the log has an outcome of decision {outcome.decision_id}, not it")
        self._check(decision.context)
        own = outcome.arm in OWN_ARMS
        whole = outcome.kind in {"completion", "feedback"} and not own
        if outcome.cost_usd is not None and whole:
            self.costs.update(
                decision.context,
                float(decision.input_tokens),
                outcome.arm,
                outcome.cost_usd,
                outcome.list_usd,
            )
            self._token_sum += decision.input_tokens
            self._token_count += 1
            self._means = None
        if outcome.latency_s is not None and whole:
            self.latencies.update(outcome.arm, outcome.latency_s)
        elif outcome.latency_s is not None and outcome.kind == "overtaken":
            self.latencies.at_least(outcome.arm, outcome.latency_s)
        if outcome.kind == "feedback" and outcome.quality is not None:
            self._learn(decision, outcome)

    def _learn(self, decision: Decision, outcome: Outcome) -> None:
        for taught, sign in ((outcome.taken_back, -1), (outcome.taught, 1)):
            if taught is not None:
                # how good our own answers are is learned with the classes
                if outcome.arm not in OWN_ARMS:
                    self._teach(decision, outcome.arm, taught, sign)
                self._teach_classes(decision, taught, sign)
        for lesson in outcome.lessons:
            self.judges.learn(lesson)

    def _teach(self, decision: Decision, arm: str, taught: Taught, sign: int) -> None:
        """Have an arm learn (sign 1) or give back (sign −1) what a judgement teaches."""
        scaled = 0.0
        if self.learner.learns_reward and arm in self.arms:
            scaled = float(self._scaled_costs([arm])[0])
        self.learner.update(
            decision.context,
            arm,
            taught.quality,
            weight=sign * taught.weight,
            scaled_cost=scaled,
            task=decision.task or "",
            label=taught.label,
        )
        self.outcomes += sign

    def _teach_classes(self, decision: Decision, taught: Taught, sign: int) -> None:
        """Have a task's labels be learned, or given back, once a query: with its first decision."""
        if self.classes is None or taught.label is None or decision.parent is not None:
            return
        if taught.label not in decision.labels:
            return
        act = self.classes.learn if sign > 0 else self.classes.take_back
        case = case_of(decision, taught.answers, taught.likely)
        act(case, taught.answers, taught.label, taught.weight)

    def _fold_recorded(self, recorded: Recorded) -> None:
        self._check(recorded.contexts)
        digest = blake2b(
            recorded.contexts.tobytes()
            + recorded.quality.tobytes()
            + (b"" if recorded.weight is None else recorded.weight.tobytes()),
            digest_size=16,
        ).hexdigest()
        if recorded.arms and self._is_new(digest):
            self._fit(recorded)
        if recorded.classes and self.classes is not None:
            digest = digest_of(recorded)
            if self._is_new(digest):
                teach(self.classes, recorded, digest)

    def _is_new(self, digest: str) -> bool:
        """False for the same table once more, such as at every start of a script."""
        if digest in self._digests:
            return False
        self._digests[digest] = None
        return True

    def _fit(self, recorded: Recorded) -> None:
        """Learn recorded outcomes of arms."""
        self.costs.fit(
            recorded.contexts,
            recorded.input_tokens,
            recorded.arms,
            recorded.cost_usd,
            recorded.list_usd,
        )
        self._token_sum += float(recorded.input_tokens.sum())
        self._token_count += len(recorded.input_tokens)
        self._means = None
        self.learner.fit(recorded, self._scaled_costs(recorded.arms))
        self.outcomes += int(np.count_nonzero(~np.isnan(recorded.quality)))

    def _scaled_costs(self, arms: Sequence[str]) -> FloatArray:
        """Mean costs of arms over the dearest's, shape (K,); an arm not configured counts as 1."""
        scale = self.cost_scale()
        by_name = dict(zip(self.arms, self.mean_costs_usd(), strict=True))
        if scale <= 0.0:
            return np.zeros(len(arms))
        return np.nan_to_num(np.array([by_name.get(arm, scale) for arm in arms]) / scale, nan=1.0)

    def _check(self, contexts: Context) -> None:
        if contexts.shape[-1] != self.context_dim:
            raise StoreError(
                f"the log holds contexts of length {contexts.shape[-1]}, this router's embedder "
                f"gives {self.context_dim}: use the embedder it was written with, or another log"
            )


def _part(arrays: Mapping[str, NDArray[Any]], prefix: str) -> dict[str, NDArray[Any]]:
    return {key[len(prefix) :]: arrays[key] for key in arrays if key.startswith(prefix)}
