"""A token bucket: so much a minute, and as much at once where it was not used before."""

from __future__ import annotations


class Bucket:
    """Fills evenly with time up to a minute's worth; what is taken has to be there.

    The law: what was taken in any span, less what was given back, is at most a minute's worth and
    what the span brings. Not for several threads.

    Args:
        per_minute: above 0.
        now: seconds of a clock that only grows.
    """

    def __init__(self, per_minute: float, now: float) -> None:
        self.per_minute = per_minute
        self._level = per_minute
        self._at = now

    def level(self, now: float) -> float:
        """What can be taken now; below 0 where more was used than was taken for it."""
        if now > self._at:
            gained = (now - self._at) * self.per_minute / 60.0
            self._level = min(self._level + gained, self.per_minute)
            self._at = now
        return self._level

    def take(self, amount: float, now: float) -> float:
        """Take an amount, all or nothing.

        Args:
            amount: what is more than a minute's worth waits for a full bucket.
            now: seconds.

        Returns:
            0.0 where it was taken; else the seconds until it can be.
        """
        level = self.level(now)
        missing = min(amount, self.per_minute) - level
        if missing > 0.0:
            return missing * 60.0 / self.per_minute
        self._level = level - amount
        return 0.0

    def give(self, amount: float, now: float) -> None:
        """Give back what was taken and not used; below 0 takes what was used beyond."""
        self._level = min(self.level(now) + amount, self.per_minute)

    def full_in_s(self, now: float) -> float:
        """Seconds until it is full."""
        return (self.per_minute - self.level(now)) * 60.0 / self.per_minute
