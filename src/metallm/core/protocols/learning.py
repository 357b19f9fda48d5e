"""What learns, and what decides by what was learned."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Protocol

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from numpy.typing import NDArray

    from metallm.core.arrays import Context, FloatArray
    from metallm.core.classes import Answers, Case
    from metallm.core.outcome import Recorded


class Embedder(Protocol):
    """Text to context vector.

    Attributes:
        id: names the vector space; stored with what was learned, for spaces are never mixed.
        dim: length d of a context.
    """

    id: str
    dim: int

    def embed(self, texts: Sequence[str]) -> Context:
        """Contexts of n texts, shape (n, d), float32. The same text gives the same bits."""
        ...


class Learner(Protocol):
    """What is known about the quality of each arm. Deterministic: the same calls, the same bits.

    Attributes:
        learns_reward: True where `estimate` gives the reward at one fixed cost weight (the paper's
            way) rather than the quality.
    """

    learns_reward: bool

    def estimate(
        self,
        contexts: Context,
        arms: Sequence[str],
        *,
        tasks: Sequence[str] = (),
        labels: tuple[str, ...] = (),
    ) -> tuple[FloatArray, FloatArray]:
        """Expected quality and its standard error, each of shape (n, K).

        Args:
            contexts: shape (n, d).
            arms: K names; one never seen gets the prior.
            tasks: n names of tasks, "" where unknown; or none.
            labels: the labels that are asked about; none where the answer is free.
        """
        ...

    def update(
        self,
        context: Context,
        arm: str,
        quality: float,
        *,
        weight: float = 1.0,
        scaled_cost: float = 0.0,
        task: str = "",
        label: str | None = None,
    ) -> None:
        """Learn one outcome.

        Args:
            context: shape (d,).
            arm: the arm that answered.
            quality: 0 to 1; an erring judge's, once corrected, may lie outside.
            weight: what it counts, above 0 to 1; the negative of it takes back what the same call
                had taught.
            scaled_cost: the arm's mean cost divided by the dearest arm's; only learners that
                regress the reward itself use it.
            task: the query's, "" where unknown.
            label: the true label, where the judgement named it.
        """
        ...

    def fit(self, recorded: Recorded, scaled_costs: FloatArray) -> None:
        """Learn a batch of recorded outcomes, on top of what is known.

        Args:
            recorded: n rows and K arms.
            scaled_costs: shape (K,), as for `update`.
        """
        ...

    def state(self) -> Mapping[str, NDArray[Any]]:
        """All that is needed to go on from here, as named arrays."""
        ...

    def load(self, state: Mapping[str, NDArray[Any]]) -> None:
        """Go on from a saved state."""
        ...


class ClassLearner(Protocol):
    """What is known of tasks' labels. Deterministic, as `Learner` is."""

    def ready(self, task: str, labels: tuple[str, ...]) -> bool:
        """Whether enough labels of the task are known to answer from the text alone."""
        ...

    def posterior(self, case: Case, answers: Answers) -> FloatArray:
        """P(label | text, answers), shape (L,)."""
        ...

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

        Args:
            case: the query.
            answers: what was answered so far.
            arms: K arms that can be asked.
            quality: shape (K,), the expected quality of each on this query.
            charges: shape (K,), what asking each takes off; None where that is nothing.
            calls: how many arms can still be asked. Who foresees more than one takes what the
                later ones take off from what they are worth.
            gains: shape (L, L), how good each answer (row) is under each truth (column), 0 to 1;
                None where one is right or wrong: then it is the chance of being right.
        """
        ...

    def learn(self, case: Case, answers: Answers, label: str, weight: float = 1.0) -> None:
        """Learn the true label of a query, and what arms had answered to it."""
        ...

    def count(self, case: Case, answers: Answers, label: str) -> None:
        """Learn what arms answer to a text of this true label, and nothing of the text."""
        ...

    def take_back(self, case: Case, answers: Answers, label: str, weight: float = 1.0) -> None:
        """Take back what the same call of `learn` had taught."""
        ...

    def state(self) -> Mapping[str, NDArray[Any]]:
        """All that is needed to go on from here, as named arrays."""
        ...

    def load(self, state: Mapping[str, NDArray[Any]]) -> None:
        """Go on from a saved state."""
        ...


class CostLearner(Protocol):
    """What is known about the cost of each arm. Deterministic, as `Learner` is."""

    def estimate(
        self, contexts: Context, input_tokens: FloatArray, arms: Sequence[str], list_usd: FloatArray
    ) -> FloatArray:
        """Expected USD, shape (n, K); NaN for an arm without a price whose cost was never seen.

        Args:
            contexts: shape (n, d).
            input_tokens: shape (n,).
            arms: K names.
            list_usd: shape (n, K), list price of a standard answer; NaN where unknown.
        """
        ...

    def mean_usd(self, arms: Sequence[str], list_usd: FloatArray) -> FloatArray:
        """Mean USD of each arm, shape (K,); `list_usd`, shape (K,), is for a query of mean size."""
        ...

    def update(
        self,
        context: Context,
        input_tokens: float,
        arm: str,
        cost_usd: float,
        list_usd: float | None,
    ) -> None:
        """Learn one bill."""
        ...

    def fit(
        self,
        contexts: Context,
        input_tokens: FloatArray,
        arms: Sequence[str],
        cost_usd: FloatArray,
        list_usd: FloatArray,
    ) -> None:
        """Learn recorded bills, shapes as in `estimate`; NaN where a bill is unknown."""
        ...

    def state(self) -> Mapping[str, NDArray[Any]]:
        """All that is needed to go on from here, as named arrays."""
        ...

    def load(self, state: Mapping[str, NDArray[Any]]) -> None:
        """Go on from a saved state."""
        ...


@dataclass(frozen=True, slots=True)
class View:
    """What a policy sees of n queries and K arms.

    Args:
        reward: expected rewards, shape (n, K).
        uncertainty: standard errors of the expected qualities, shape (n, K).
        observations: outcomes learned from so far, over all arms.
    """

    reward: FloatArray
    uncertainty: FloatArray
    observations: int


class Policy(Protocol):
    """The rule from estimates to a distribution over arms.

    Attributes:
        name: goes into every decision.
    """

    name: str

    def probabilities(self, view: View, arms: Sequence[str]) -> FloatArray:
        """Probability of each arm, shape (n, K); every row sums to 1."""
        ...
