"""The same arm again after a failure: how often, and after how long."""

from __future__ import annotations

from contextvars import ContextVar
from dataclasses import dataclass
from email.utils import parsedate_to_datetime
from typing import TYPE_CHECKING, TypeVar

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Mapping

    from metallm.core.completion import BeforeAgain
    from metallm.errors import ProviderError

T = TypeVar("T")

RETRIED: ContextVar[Callable[[ProviderError, float], None] | None] = ContextVar(
    "RETRIED", default=None
)
"""Told, within a context, of each failure that is tried again, and the seconds until then."""


class AttemptError(Exception):
    """One attempt failed. It never leaves this package: `Retry.run` raises what it carries.

    Args:
        error: what to raise if no further attempt is made.
        again: whether a further attempt makes sense.
        retry_after_s: seconds that the provider asked us to wait.
    """

    def __init__(
        self, error: ProviderError, *, again: bool, retry_after_s: float | None = None
    ) -> None:
        super().__init__(str(error))
        self.error = error
        self.again = again
        self.retry_after_s = retry_after_s


@dataclass(frozen=True, slots=True)
class Retry:
    """Exponential backoff with jitter, under what the provider asks for.

    Args:
        sleep: waits for some seconds.
        jitter: gives numbers in [0, 1), which spread the waits over their upper half.
        max_retries: attempts after the first.
        base_s: seconds before the first retry; doubled for each further one.
        cap_s: most seconds that the doubling leads to.
        patience_s: most seconds to wait because the provider asked so; where it asks for more,
            the attempt's error is raised at once, for another arm can answer sooner.
        failed: is told of every attempt that fails; None for nobody.
    """

    sleep: Callable[[float], Awaitable[object]]
    jitter: Callable[[], float]
    max_retries: int = 2
    base_s: float = 0.5
    cap_s: float = 8.0
    patience_s: float = 30.0
    failed: Callable[[ProviderError], None] | None = None

    async def run(
        self, attempt: Callable[[], Awaitable[T]], before_again: BeforeAgain | None = None
    ) -> T:
        """Make attempts until one succeeds or none makes sense.

        Args:
            attempt: makes one.
            before_again: awaited with an attempt's error before the next one is made.

        Raises:
            ProviderError: the last attempt's.
        """
        retries = 0
        while True:
            try:
                return await attempt()
            except AttemptError as failed:
                if self.failed is not None:
                    self.failed(failed.error)
                wait_s = self.wait_s(retries, failed.retry_after_s)
                if not failed.again or retries >= self.max_retries or wait_s is None:
                    raise failed.error from failed.__cause__
                if (tell := RETRIED.get()) is not None:
                    tell(failed.error, wait_s)
                error = failed.error
            retries += 1
            await self.sleep(wait_s)
            if before_again is not None:
                await before_again(error)

    def wait_s(self, retries: int, retry_after_s: float | None) -> float | None:
        """Seconds before the next attempt; None where the provider asks for too many.

        Args:
            retries: retries made so far.
            retry_after_s: seconds that the provider asks for.
        """
        own = min(self.base_s * 2.0**retries, self.cap_s) * (0.5 + 0.5 * self.jitter())
        if retry_after_s is None:
            return own
        return None if retry_after_s > self.patience_s else max(own, retry_after_s)


def read_retry_after_s(headers: Mapping[str, str], now: float) -> float | None:
    """Seconds that a provider asks us to wait, 0 and up; None where it says nothing readable.

    Args:
        headers: of its answer, looked up without regard to case.
        now: POSIX seconds, for providers that name a moment.
    """
    seconds = _number(headers.get("retry-after-ms"), 1e-3)
    if seconds is not None:
        return seconds
    told = headers.get("retry-after")
    seconds = _number(told, 1.0)
    if seconds is not None or told is None:
        return seconds
    try:
        return max(0.0, parsedate_to_datetime(told).timestamp() - now)
    except ValueError:
        return None


def _number(text: str | None, unit: float) -> float | None:
    try:
        value = float(text or "") * unit
    except ValueError:
        return None
    return value if 0.0 <= value < float("inf") else None
