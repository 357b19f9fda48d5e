from __future__ import annotations

import math
from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from metallm.core.budget import WINDOWS, Budget, Window
from metallm.errors import ConfigurationError


def at(text: str) -> float:
    return datetime.fromisoformat(text).replace(tzinfo=UTC).timestamp()


@pytest.mark.parametrize(
    ("window", "now", "since", "until"),
    [
        ("day", "2026-02-28T23:59:59", "2026-02-28", "2026-03-01"),
        ("day", "2026-03-01", "2026-03-01", "2026-03-02"),
        ("month", "2026-12-31T12:00:00", "2026-12-01", "2027-01-01"),
        ("month", "2028-02-29", "2028-02-01", "2028-03-01"),
    ],
)
def test_a_window_begins_and_ends_at_midnight_utc(
    window: Window, now: str, since: str, until: str
) -> None:
    budget = Budget(1.0, window)
    assert (budget.since(at(now)), budget.until(at(now))) == (at(since), at(until))


def test_a_budget_in_total_never_begins_anew() -> None:
    assert (Budget(1.0).since(5e9), Budget(1.0).until(5e9)) == (0.0, math.inf)


@given(window=st.sampled_from(WINDOWS), now=st.floats(0, 4e9))
def test_every_moment_lies_in_its_window_and_the_end_begins_the_next(
    window: Window, now: float
) -> None:
    budget = Budget(1.0, window)
    since, until = budget.since(now), budget.until(now)
    assert since <= now + 1e-6  # moments are told by the microsecond
    assert now < until
    if until < math.inf:
        assert budget.since(until) == until
        assert budget.since(until - 1e-3) == since


@pytest.mark.parametrize("usd", [-1.0, math.nan, math.inf])
def test_no_amount_is_no_budget(usd: float) -> None:
    with pytest.raises(ConfigurationError, match="USD, 0 or more"):
        Budget(usd)


def test_an_unknown_window_is_refused() -> None:
    with pytest.raises(ConfigurationError, match="day, a month or in total"):
        Budget(1.0, "week")  # type: ignore[arg-type]
