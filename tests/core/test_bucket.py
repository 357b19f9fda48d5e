from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from metallm.core.bucket import Bucket

steps = st.lists(
    st.tuples(st.floats(0, 100), st.floats(0.01, 200), st.floats(-1, 1)), min_size=1, max_size=30
)


@given(per_minute=st.floats(1, 1000), steps=steps)
def test_no_span_of_time_takes_more_than_a_minutes_worth_and_what_the_span_brings(
    per_minute: float, steps: list[tuple[float, float, float]]
) -> None:
    """What is given back after a take, or used beyond it, moves only what is left."""
    now, bucket = 1000.0, Bucket(per_minute, 1000.0)
    taken: list[tuple[float, float]] = []
    for wait_s, amount, share in steps:
        now += wait_s
        if bucket.take(amount, now) == 0.0:
            used = amount * (1.0 - share)
            bucket.give(amount - used, now)
            taken.append((now, used))
        total = 0.0
        for number, (at, _) in enumerate(taken):
            total = sum(used for _, used in taken[number:])
            last = taken[-1][1]
            # the last one may be larger than a bucket: it is paid off afterwards
            assert total - last <= per_minute + (now - at) * per_minute / 60.0 + 1e-6 * total
        assert bucket.level(now) <= per_minute


@given(per_minute=st.floats(1, 1000), amount=st.floats(0.5, 2000), spent=st.floats(0, 1))
def test_after_the_wait_that_it_names_the_amount_can_be_taken(
    per_minute: float, amount: float, spent: float
) -> None:
    bucket = Bucket(per_minute, 0.0)
    bucket.take(per_minute * spent, 0.0)
    wait_s = bucket.take(amount, 0.0)
    assert bucket.take(amount, wait_s + 1e-6) == 0.0 or wait_s == 0.0


def test_it_begins_full_and_fills_evenly() -> None:
    bucket = Bucket(60.0, 5.0)
    assert [bucket.take(1.0, 5.0) for _ in range(60)] == [0.0] * 60
    assert bucket.take(1.0, 5.0) == pytest.approx(1.0)
    assert bucket.take(1.0, 5.5) == pytest.approx(0.5)
    assert bucket.take(1.0, 6.0) == 0.0
    assert bucket.full_in_s(6.0) == pytest.approx(60.0)
    assert bucket.level(1e6) == 60.0


def test_more_than_a_minutes_worth_takes_a_full_bucket_and_is_paid_off() -> None:
    bucket = Bucket(60.0, 0.0)
    assert bucket.take(100.0, 0.0) == 0.0
    assert bucket.level(0.0) == -40.0
    assert bucket.take(100.0, 0.0) == pytest.approx(100.0)
    assert bucket.take(1.0, 41.1) == 0.0


def test_a_clock_that_stands_still_or_goes_back_brings_nothing() -> None:
    bucket = Bucket(60.0, 10.0)
    bucket.take(60.0, 10.0)
    assert bucket.level(10.0) == bucket.level(3.0) == 0.0
