"""Whether an arm is fit to be asked: it rests after a 429, and after failures in a row.

After `FAILURES` failures in a row, late calls that were given up among them, an arm rests; then one
call is let through, and tells whether it is well (a circuit breaker, Nygard 2007, Release It!).
Each rest after a failed trial is twice as long. A 429 lets it rest as long as the provider said.
"""

from __future__ import annotations

from dataclasses import dataclass

from metallm.errors import (
    ProviderAuthError,
    ProviderError,
    ProviderRateLimitError,
    ProviderRejectedError,
)

FAILURES = 5
"""In a row, after which an arm rests."""

FIRST_REST_S = 5.0
LONGEST_REST_S = 300.0

USUAL_LIMIT_S = 1.0
"""Rest after a 429 that does not say how long."""

LONGEST_LIMIT_S = 3600.0
"""However long a provider says; the arm is tried again then."""


@dataclass(slots=True)
class Health:
    """One arm's.

    Attributes:
        calls: in flight.
    """

    calls: int = 0
    _failed: int = 0
    _rest_s: float = FIRST_REST_S
    _until: float = 0.0
    _trial: bool = False

    def resting_s(self, now: float) -> float:
        """Seconds that it rests still; 0 where it may be asked.

        While a trial is under way the arm rests for everybody else.
        """
        if now < self._until:
            return self._until - now
        return FIRST_REST_S if self._trial else 0.0

    def begin(self, now: float) -> None:
        """A call is made."""
        self.calls += 1
        if self._failed >= FAILURES and now >= self._until:
            self._trial = True

    def end(self, now: float, error: BaseException | None) -> None:
        """A call has come back: with an answer, or with an error.

        Args:
            now: seconds that only ever grow.
            error: what went wrong; None for an answer. One that is no `ProviderError`, such as a
                caller who went away, tells nothing of the arm.
        """
        self.calls -= 1
        self._trial = False
        if error is None or isinstance(error, ProviderRejectedError):
            # a refusal of this very query is an answer: the arm is well
            self._failed, self._rest_s = 0, FIRST_REST_S
        elif isinstance(error, ProviderRateLimitError):
            self.limit(now, error)
        elif isinstance(error, ProviderError):
            self._fail(now, hopeless=isinstance(error, ProviderAuthError))

    def given_up(self, now: float) -> None:
        """A call that was late was given up, for another arm had answered.

        One says little. Several in a row with no answer between look like an arm that is stuck; it
        may be well and slow, but what it is asked for is paid for and never used.
        """
        self._fail(now, hopeless=False)

    def limit(self, now: float, error: ProviderRateLimitError) -> None:
        """Its host said 429: it rests for as long as that said."""
        said = error.retry_after_s
        limit_s = USUAL_LIMIT_S if said is None else min(max(said, 0.0), LONGEST_LIMIT_S)
        self._until = max(self._until, now + limit_s)

    def _fail(self, now: float, *, hopeless: bool) -> None:
        self._failed = FAILURES if hopeless else self._failed + 1
        if self._failed >= FAILURES:
            self._until = max(self._until, now + self._rest_s)
            self._rest_s = min(2.0 * self._rest_s, LONGEST_REST_S)
