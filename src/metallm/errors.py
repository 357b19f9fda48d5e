"""Every error that MetaLLM raises on purpose.

The tree::

    MetaLLMError
    ├── ConfigurationError          what was set up cannot work
    │   ├── UnknownPriceError       an arm whose price nobody gave and no table knows
    │   └── MissingExtraError       an optional package is needed and absent
    ├── InputError                  what the caller sent cannot be used
    │   ├── UnknownArmError
    │   │   └── UnknownEmbeddingError
    │   ├── UnfitArmError           no arm that may be asked can take this query
    │   ├── UnknownDecisionError
    │   ├── UnknownLabelError
    │   ├── FeedbackConflictError   the decision was already judged otherwise
    │   ├── RepeatMismatchError     an Idempotency-Key was used for something else
    │   ├── TableError              a table lacks a column or holds a wrong value
    │   └── ColumnError             X or y of an estimator; a ValueError too
    ├── BudgetExhaustedError        what is left of a budget does not cover the next call
    ├── AccessError                 a gateway does not let this client do this
    │   ├── KeyRefusedError         no key, or none that is in force
    │   ├── NotAllowedError         the key is not for this
    │   └── RateLimitError          the key's requests or tokens of this minute are used up
    ├── StoreError                  the log cannot be read or written
    │   └── StoreBusyError          another process owns it
    └── ProviderError               an arm did not answer
        ├── ProviderRateLimitError
        ├── ProviderTimeoutError
        ├── ProviderUnavailableError
        ├── ProviderAuthError
        ├── ProviderRejectedError   the provider refuses this very query
        ├── StreamCutError          the answer broke off after it had begun
        └── AllArmsFailedError      every arm that could take the query failed

Messages say what, where and how to mend it. They never hold a key or a query's text.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence


def first_of(names: Sequence[str], most: int = 20) -> str:
    """Names for a message, and where they are many, how many are left out."""
    rest = f" and {len(names) - most} more" if len(names) > most else ""
    return ", ".join(names[:most]) + rest


class MetaLLMError(Exception):
    """The root: catching it catches all that we raise on purpose."""


class ConfigurationError(MetaLLMError):
    """What was set up cannot work: a setting, an arm, a path, a port."""


class UnknownPriceError(ConfigurationError):
    """An arm's price was neither given nor found, and nothing recorded tells its cost."""

    def __init__(self, arm: str) -> None:
        super().__init__(
            f"the price of arm {arm!r} is unknown: give input_price and output_price "
            "(USD per million tokens), or recorded costs to learn from, "
            "or price='unknown' to go on with its costs flagged as unknown"
        )
        self.arm = arm


class MissingExtraError(ConfigurationError):
    """An optional package is needed and not installed."""

    def __init__(self, package: str, extra: str) -> None:
        super().__init__(f"{package} is not installed: pip install 'metallm[{extra}]'")


class InputError(MetaLLMError):
    """What the caller sent cannot be used; nothing was changed."""


class UnknownArmError(InputError):
    """A name that no arm has."""

    def __init__(self, name: str, known: Sequence[str]) -> None:
        super().__init__(f"no arm is called {name!r}; the arms are: {', '.join(known) or 'none'}")
        self.name = name


class UnknownEmbeddingError(UnknownArmError):
    """A name that no embedding model of a gateway has.

    Args:
        name: what was asked for.
        known: those that this client may ask for.
        any_set_up: whether there are any at all.
    """

    def __init__(self, name: str, known: Sequence[str], *, any_set_up: bool) -> None:
        super().__init__(name, known)
        told = f"no embedding model is called {name!r}"
        if known:
            told += f"; there are: {', '.join(known)}"
        elif any_set_up:
            told += "; none is open to this key"
        else:
            told += (
                ", for none is set up: give metallm.toml an [[embeddings]] table with a name, "
                "such as 'openai/text-embedding-3-small'"
            )
        self.args = (told,)


class UnfitArmError(InputError):
    """No arm that may be asked can take the query; `reasons` says why, by the arm's name."""

    def __init__(self, reasons: Mapping[str, str]) -> None:
        told = "; ".join(f"{arm!r}: {reason}" for arm, reason in reasons.items())
        who = "the arm cannot" if len(reasons) == 1 else "none of the arms can"
        super().__init__(f"{who} take this query ({told})")
        self.reasons = dict(reasons)


class UnknownDecisionError(InputError):
    """A decision id that is not in the log."""

    def __init__(self, decision_id: str) -> None:
        super().__init__(
            f"no decision {decision_id!r} in the log: use the id that came with the answer"
        )
        self.decision_id = decision_id


class UnknownLabelError(InputError):
    """A label outside the set that was asked about."""

    def __init__(self, label: str, labels: Sequence[str]) -> None:
        super().__init__(f"{label[:200]!r} is not one of the labels: {first_of(labels)}")
        self.label = label


class FeedbackConflictError(InputError):
    """The decision was already judged, and differently."""

    def __init__(self, decision_id: str, known: str, given: str) -> None:
        super().__init__(
            f"decision {decision_id} already has feedback ({known}), and this one differs "
            f"({given}): send replace=true to correct it"
        )
        self.decision_id = decision_id


class RepeatMismatchError(InputError):
    """An Idempotency-Key that was used for another request, whose answer is still known."""

    def __init__(self) -> None:
        super().__init__(
            "this Idempotency-Key was sent with another request: give every request a new one, "
            "and a repeat the same body"
        )


class TableError(InputError):
    """A table lacks a column or holds a value that cannot be used."""


class ColumnError(InputError, ValueError):
    """X or y of an estimator cannot be used; scikit-learn expects a ValueError there."""


class BudgetExhaustedError(MetaLLMError):
    """What is left of a budget does not cover the most that the next call can cost.

    Args:
        needed_usd: the most that the call can cost.
        left_usd: what is neither spent nor set aside.
        limit_usd: the budget.
        reserved_usd: set aside for calls in flight, whose rest comes back once they are answered.
    """

    def __init__(
        self, *, needed_usd: float, left_usd: float, limit_usd: float, reserved_usd: float = 0.0
    ) -> None:
        super().__init__(
            f"{left_usd:.9f} USD of the budget of {limit_usd:.9f} USD are left, and the next call "
            f"can cost {needed_usd:.9f} USD: raise the budget to go on"
        )
        self.needed_usd = needed_usd
        self.left_usd = left_usd
        self.limit_usd = limit_usd
        self.reserved_usd = reserved_usd


class AccessError(MetaLLMError):
    """A gateway does not let this client do this; nothing was done.

    Args:
        reason: in one word, for counting.
        message: what to do.
    """

    def __init__(self, reason: str, message: str) -> None:
        super().__init__(message)
        self.reason = reason


class KeyRefusedError(AccessError):
    """The client presented no key, or none that is in force."""


class NotAllowedError(AccessError):
    """The client's key is not for this."""


class RateLimitError(AccessError):
    """The client has used up what its key may use in a minute.

    Args:
        what: "requests" or "tokens".
        limit: per minute.
        retry_after_s: seconds until it may go on.
    """

    def __init__(self, what: str, limit: float, retry_after_s: float) -> None:
        super().__init__(
            what,
            f"this key may use {limit:g} {what} per minute, and they are used up: "
            f"go on in {retry_after_s:.3f} s",
        )
        self.limit = limit
        self.retry_after_s = retry_after_s


class StoreError(MetaLLMError):
    """The log cannot be read or written."""


class StoreBusyError(StoreError):
    """Another process owns the log."""


class ProviderError(MetaLLMError):
    """An arm did not answer.

    Args:
        arm: name of the arm.
        message: what happened and what to do.
        status: HTTP status of the provider, if it answered at all.
    """

    retryable = False

    def __init__(self, arm: str, message: str, *, status: int | None = None) -> None:
        super().__init__(f"arm {arm!r}: {message}")
        self.arm = arm
        self.status = status


class ProviderRateLimitError(ProviderError):
    """The provider said 429.

    Args:
        arm: name of the arm.
        message: what happened.
        status: HTTP status.
        retry_after_s: seconds to wait, if the provider said so.
    """

    retryable = True

    def __init__(
        self,
        arm: str,
        message: str,
        *,
        status: int | None = 429,
        retry_after_s: float | None = None,
    ) -> None:
        super().__init__(arm, message, status=status)
        self.retry_after_s = retry_after_s


class ProviderTimeoutError(ProviderError):
    """No answer in time."""

    retryable = True


class ProviderUnavailableError(ProviderError):
    """The provider cannot be reached or answered 408 or 5xx, or with something unreadable."""

    retryable = True


class ProviderAuthError(ProviderError):
    """The provider refuses our key, or there is none."""


class ProviderRejectedError(ProviderError):
    """The provider refuses this very query (400, 404, 413, 422).

    Args:
        arm: name of the arm.
        message: what happened.
        status: HTTP status.
        body: the provider's answer, handed to the caller as it came where both speak one wire.
        wire: the wire of the body, a name of `core.wires`.
    """

    def __init__(
        self,
        arm: str,
        message: str,
        *,
        status: int | None = None,
        body: bytes = b"",
        wire: str = "openai",
    ) -> None:
        super().__init__(arm, message, status=status)
        self.body = body
        self.wire = wire


class StreamCutError(ProviderError):
    """A streamed answer broke off after it had begun."""


class AllArmsFailedError(ProviderError):
    """Every arm that could take the query failed; `failures` holds one error an arm."""

    def __init__(self, failures: Sequence[ProviderError]) -> None:
        last = failures[-1]
        told = "; ".join(str(failure) for failure in failures)
        super().__init__(last.arm, f"no arm answered ({told})", status=last.status)
        self.failures = tuple(failures)
