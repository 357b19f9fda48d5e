"""What can go wrong with an upstream, on demand: drawn from a seed, the same in every run."""

from __future__ import annotations

from typing import TYPE_CHECKING

from metallm.core.chance import uniform
from metallm.errors import ConfigurationError

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

ERROR, RATE_LIMIT, SLOW = "error", "rate_limit", "slow"
CUT, MALFORMED, NO_USAGE = "cut", "malformed", "no_usage"
USAGE_WITH_CHOICES = "usage_with_choices"

FAULTS: Mapping[str, str] = {
    ERROR: "is answered 500",
    RATE_LIMIT: "is answered 429, with a Retry-After",
    SLOW: "waits before its answer or first chunk",
    CUT: "ends within its answer, as if it were whole",
    MALFORMED: "holds JSON that is none",
    NO_USAGE: "tells no usage",
    USAGE_WITH_CHOICES: "tells a stream's usage on the chunk that ends it, and on no other",
}
"""What a request with that fault meets."""


class Faults:
    """Draws the fault of each request.

    Args:
        rates: share of the requests, 0 to 1, by a name in `FAULTS`.
        seed: of the draws.

    Raises:
        ConfigurationError: an unknown name, or shares that are none or come to more than 1.
    """

    def __init__(self, rates: Mapping[str, float], seed: int) -> None:
        unknown = [name for name in rates if name not in FAULTS]
        if unknown:
            raise ConfigurationError(
                f"no fault is called {unknown[0]!r}; there are: {', '.join(FAULTS)}"
            )
        if any(not 0.0 <= rate <= 1.0 for rate in rates.values()) or sum(rates.values()) > 1 + 1e-9:
            told = ", ".join(f"{name} = {rate:g}" for name, rate in rates.items())
            raise ConfigurationError(
                f"shares of faults lie from 0 to 1, and so does their sum, not {told}"
            )
        self._rates = dict(rates)
        self._seed = seed

    def of(self, index: int) -> str | None:
        """The fault of one request, None for most.

        Args:
            index: the request's number.
        """
        u = uniform(self._seed, index)
        for name, rate in self._rates.items():
            if u < rate:
                return name
            u -= rate
        return None


def spoiled(frames: Iterator[bytes], fault: str | None) -> Iterator[bytes]:
    """A stream's frames as a fault leaves them.

    Args:
        frames: each of them whole.
        fault: of the request.
    """
    if fault not in {CUT, MALFORMED}:
        yield from frames
        return
    listed = list(frames)
    middle = len(listed) // 2
    yield from listed[:middle]
    if fault == CUT:
        yield listed[middle][: len(listed[middle]) // 2]
    else:
        yield broken(listed[middle])
        yield from listed[middle + 1 :]


def shortened(told: bytes, fault: str | None) -> bytes:
    """A whole answer as a fault leaves it."""
    if fault == CUT:
        return told[: len(told) // 2]
    return broken(told) if fault == MALFORMED else told


def broken(told: bytes) -> bytes:
    """JSON, or a frame that holds some, without its last brace."""
    head, _, tail = told.rpartition(b"}")
    return head + b"!" + tail
