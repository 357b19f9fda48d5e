"""A hedge: when an arm that is slow gets company, and whose."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal, get_args

from metallm.errors import ConfigurationError

HedgeTo = Literal["next", "same"]


@dataclass(frozen=True, slots=True)
class Hedge:
    """When a call gets a second one beside it; the first to answer wins, the other is cancelled.

    Args:
        after_s: seconds without an answer, or without a stream's first event, after which the
            other call is made: one number, or numbers by arms' names, of which those that are not
            named are never hedged. None to go by `quantile`.
        quantile: in place of seconds, the share of the arm's own newest times that a call has to
            have passed, such as 0.95: then about one call in twenty is made twice.
        to: whom the other call goes to: "next", the next arm by expected reward, or "same".

    Raises:
        ConfigurationError: both or neither of seconds and quantile, or one out of range.
    """

    after_s: float | Mapping[str, float] | None = None
    quantile: float | None = None
    to: HedgeTo = "next"

    def __post_init__(self) -> None:
        if (self.after_s is None) == (self.quantile is None):
            raise ConfigurationError(
                "a hedge needs after_s (seconds) or quantile (0.95, say), one of the two"
            )
        seconds = self.after_s.values() if isinstance(self.after_s, Mapping) else [self.after_s]
        for each in seconds:
            if each is not None and not (math.isfinite(each) and each > 0.0):
                raise ConfigurationError(
                    f"a hedge's after_s is a number of seconds above 0, such as 2.0, not {each!r}"
                )
        if self.quantile is not None and not 0.0 < self.quantile < 1.0:
            raise ConfigurationError(
                f"a hedge's quantile lies between 0 and 1, such as 0.95, not {self.quantile!r}"
            )
        if self.to not in get_args(HedgeTo):
            raise ConfigurationError(f"a hedge goes to 'next' or to 'same', not to {self.to!r}")

    def seconds(self, arm: str) -> float | None:
        """Seconds after which a call of an arm is hedged, where they are fixed; None for never."""
        if isinstance(self.after_s, Mapping):
            return self.after_s.get(arm)
        return self.after_s
