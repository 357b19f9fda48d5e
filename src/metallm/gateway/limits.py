"""How many requests and tokens a key may use in a minute, and the headers that tell of it.

The buckets are in memory: a gateway that starts anew begins with full ones. Money is not (budgets).
"""

from __future__ import annotations

import math
import time
from typing import TYPE_CHECKING

from metallm.core.bucket import Bucket
from metallm.errors import RateLimitError

if TYPE_CHECKING:
    from collections.abc import Callable

    from metallm.core.key import Key

Header = tuple[bytes, bytes]


class KeyLimits:
    """The buckets of one key.

    Args:
        key: with its limits.
        clock: seconds that only grow.
    """

    def __init__(self, key: Key, clock: Callable[[], float]) -> None:
        self.rates = rates(key)
        self._clock = clock
        requests, tokens = self.rates
        self._requests = None if requests is None else Bucket(requests, clock())
        self._tokens = None if tokens is None else Bucket(tokens, clock())

    @property
    def counts_tokens(self) -> bool:
        """Whether tokens are limited."""
        return self._tokens is not None

    def take_request(self) -> None:
        """Count one request.

        Raises:
            RateLimitError: there is no room for it now.
        """
        _take("requests", self._requests, 1.0, self._clock())

    def take_tokens(self, amount: float) -> None:
        """Count tokens that a request may use.

        Raises:
            RateLimitError: there is no room for them now.
        """
        _take("tokens", self._tokens, amount, self._clock())

    def give_tokens(self, amount: float) -> None:
        """Give back what was not used; below 0 counts what was used beyond."""
        if self._tokens is not None:
            self._tokens.give(amount, self._clock())

    def headers(self) -> list[Header]:
        """The headers that OpenAI's clients know, of what is limited."""
        now, told = self._clock(), list[Header]()
        for what, bucket in ((b"requests", self._requests), (b"tokens", self._tokens)):
            if bucket is not None:
                left = max(math.floor(bucket.level(now)), 0)
                told += [
                    (b"x-ratelimit-limit-" + what, b"%d" % bucket.per_minute),
                    (b"x-ratelimit-remaining-" + what, b"%d" % left),
                    (b"x-ratelimit-reset-" + what, duration(bucket.full_in_s(now)).encode()),
                ]
        return told


class Limits:
    """The buckets of all keys that have limits.

    Args:
        clock: seconds that only grow.
    """

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._of: dict[str, KeyLimits] = {}

    def of(self, key: Key) -> KeyLimits | None:
        """A key's buckets; None where it has no limits. A limit that changed begins anew."""
        if key.requests_per_minute is None and key.tokens_per_minute is None:
            return None
        known = self._of.get(key.id)
        if known is None or known.rates != rates(key):
            known = self._of[key.id] = KeyLimits(key, self._clock)
        return known


def rates(key: Key) -> tuple[float | None, float | None]:
    """Requests and tokens per minute."""
    return key.requests_per_minute, key.tokens_per_minute


def duration(seconds: float) -> str:
    """A time as OpenAI's headers have it: 17ms, 1.5s, 6m0s."""
    if seconds < 1.0:
        return f"{math.ceil(seconds * 1000.0)}ms"
    if seconds < 60.0:
        return f"{math.ceil(seconds * 1000.0) / 1000.0:g}s"
    return f"{int(seconds // 60)}m{math.ceil(seconds % 60)}s"


def _take(what: str, bucket: Bucket | None, amount: float, now: float) -> None:
    if bucket is not None and (wait_s := bucket.take(amount, now)):
        raise RateLimitError(what, bucket.per_minute, wait_s)
