"""The seams: what the router asks of the parts it is given.

Every part has a public double, and contract tests that all its implementations pass.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal, Protocol, runtime_checkable

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable, Iterator, Mapping, Sequence
    from concurrent.futures import Future

    from numpy.typing import NDArray

    from metallm.core.arm import Arm
    from metallm.core.arrays import Context, FloatArray
    from metallm.core.bill import Bill
    from metallm.core.classes import Answers, Case, Likely
    from metallm.core.completion import ChatRequest, Completion, StreamEvent, Token
    from metallm.core.decision import Decision
    from metallm.core.ledger import Reservation
    from metallm.core.log import Entry, Record
    from metallm.core.outcome import Outcome, Recorded
    from metallm.core.price import Usage
    from metallm.core.query import Message
    from metallm.core.task import Task


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


class Store(Protocol):
    """The log, and the snapshots of what was folded from it.

    Attributes:
        durable: False where the log ends with the process, so that snapshots are of no use.
    """

    durable: bool

    def subscribe(self, fold: Callable[[Sequence[Entry]], None]) -> None:
        """Have `fold` called with entries in the log's order, once they are durable.

        It is called before the futures of `append` resolve, never twice for an entry, and never
        from two threads at once.
        """
        ...

    def append(self, records: Sequence[Record]) -> Future[None]:
        """Append records, all or none. The future resolves once they are durable and folded.

        Raises:
            StoreError: (through the future) they could not be written; nothing was folded.
        """
        ...

    def decision(self, decision_id: str) -> Decision | None:
        """A decision by its id, from the moment `append` was called."""
        ...

    def outcomes(self, decision_id: str) -> Sequence[Outcome]:
        """The outcomes of a decision that are durable, oldest first."""
        ...

    def read(self, after: int = 0) -> Iterator[Entry]:
        """Entries with a place above `after`, in order."""
        ...

    def recent(self, limit: int) -> Sequence[tuple[Decision, Sequence[Outcome]]]:
        """The newest durable decisions with their outcomes, newest first."""
        ...

    def spent_nano(self, by: Literal["key", "alias"], name: str, since: float) -> int:
        """What a client came to, by its durable decisions and bills.

        A decision counts as `core.spending.charged_nano` has it. Bills are of keys alone.

        Args:
            by: whether `name` is a key's id or an alias.
            name: which one.
            since: POSIX seconds; what began before does not count.

        Returns:
            Nano-USD; of each decision at most one more than it came to, and never less.
        """
        ...

    def keep_bill(self, bill: Bill) -> None:
        """Keep what a call came to that is no decision; durable on return.

        Raises:
            StoreError: it could not be written.
        """
        ...

    def meta(self, key: str) -> str | None:
        """What was noted about this log under `key`, such as its embedder's id, or None."""
        ...

    def set_meta(self, key: str, value: str) -> None:
        """Note something about this log; durable on return.

        Raises:
            StoreError: it could not be written.
        """
        ...

    def save_snapshot(self, seq: int, state: bytes) -> None:
        """Keep what was folded from the entries up to `seq`."""
        ...

    def snapshot(self) -> tuple[int, bytes] | None:
        """The newest snapshot and the place it covers, or None."""
        ...

    def close(self) -> None:
        """Write what is waiting, then let go of the log. Calling it twice is fine."""
        ...


@runtime_checkable
class Gathers(Protocol):
    """A store that can hold records back for a moment, so that others are written with them."""

    def append_patiently(self, records: Sequence[Record]) -> Future[None]:
        """As `Store.append`, in no hurry: for some milliseconds others may join them."""
        ...

    def join(self, waiting: Future[None], records: Sequence[Record]) -> bool:
        """Have records written with what still waits, all or none.

        Args:
            waiting: what `append_patiently` gave; from now on it is that of these records too.
            records: no decisions.

        Returns:
            False, with nothing done, where it no longer waits: then they are to be appended.
        """
        ...


class Provider(Protocol):
    """Sends a request to an arm."""

    def obstacles(
        self, arms: Sequence[Arm], request: ChatRequest, *, stream: bool, input_tokens: int
    ) -> Mapping[str, str]:
        """Why arms cannot take a request, by their names; those that can are left out.

        It is asked before every decision, and has to be quick.

        Args:
            arms: those that may be asked.
            request: what the caller sent.
            stream: whether it wants a stream.
            input_tokens: a guess of the query's length.
        """
        ...

    async def complete(self, arm: Arm, request: ChatRequest) -> Completion:
        """One whole answer.

        Raises:
            ProviderError: whatever went wrong, after the retries that make sense.
        """
        ...

    def stream(self, arm: Arm, request: ChatRequest) -> AsyncIterator[StreamEvent]:
        """The events of one streamed answer.

        Raises:
            ProviderError: before the first event, after the retries that make sense.
            StreamCutError: after the first event.
        """
        ...

    async def close(self) -> None:
        """Let go of connections."""
        ...


class Books(Protocol):
    """What `core.ledger.Ledger` is; or one that keeps itself on disk as well."""

    def reserve(self, amount: int, note: str = "") -> Reservation:
        """Set nano-USD aside.

        Raises:
            BudgetExhaustedError: less is left.
        """
        ...

    def settle(self, reservation: Reservation, actual: int) -> None:
        """Book what it came to, and free the rest."""
        ...

    def release(self, reservation: Reservation) -> None:
        """Free all of it."""
        ...


class Payer(Books, Protocol):
    """Who pays for the calls of one request, one after the other."""

    @property
    def budgeted(self) -> bool:
        """Whether a budget is held; without one, nothing has to be reserved."""
        ...

    @property
    def spent(self) -> int:
        """Nano-USD so far; a call whose bill nobody knows counts with the most it can be."""
        ...

    @property
    def hold(self) -> int:
        """Nano-USD that are set aside for what may be asked next."""
        ...

    def used(self, usage: Usage | None) -> None:
        """Count the tokens of an answer; None where the provider sent none."""
        ...


@runtime_checkable
class PaysBeside(Payer, Protocol):
    """A payer who has set aside what two calls can cost that are made at the same time."""

    def beside(self, input_tokens: int) -> Payer | None:
        """Who pays for the second call; None where it is not covered, or was made already.

        What it comes to is in this payer's `spent` and `hold` too.

        Args:
            input_tokens: that the call sends, by a guess; they count even if it is cancelled.
        """
        ...

    def alone(self) -> None:
        """No second call will be made: free what was set aside for it."""
        ...


@runtime_checkable
class CountsTokens(Protocol):
    """A provider that can ask an arm how long a request is, without having it answered."""

    async def count_tokens(self, arm: Arm, request: ChatRequest) -> int | None:
        """Tokens by the arm's own count; None where it has none.

        Raises:
            ProviderError: whatever went wrong, after the retries that make sense.
        """
        ...


@runtime_checkable
class Rests(Protocol):
    """A provider that knows how its arms do."""

    def away(self, arm: Arm) -> str | None:
        """Why an arm had better not be asked right now; None where it may be."""
        ...

    def given_up(self, arm: str) -> None:
        """Learn that a late call of an arm was given up, for another had answered.

        Args:
            arm: its name.
        """
        ...


class Form(Protocol):
    """How a task is asked, and how its answers are read.

    Attributes:
        task: what is asked.
        name: goes into decisions.
        labels: the answers that are possible.
        answer_format: a `response_format` that holds an answer to the labels; None for none.
    """

    task: Task
    name: str
    labels: tuple[str, ...]
    answer_format: Mapping[str, Any] | None

    def messages(self, text: str) -> Sequence[Message]:
        """The chat messages that ask about `text`."""
        ...

    def read(self, answer: str) -> str | None:
        """The label that an arm's answer names; None where it names none or several."""
        ...

    def likely(self, tokens: Sequence[Token], label: str) -> Likely:
        """How likely the arm takes labels to be true, by its answer's tokens; empty for unknown."""
        ...
