from __future__ import annotations

import random
import threading
from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from metallm.core.ledger import (
    NANO_PER_USD,
    Ledger,
    Reservation,
    as_usd,
    limit_nano_usd,
    nano_usd,
)
from metallm.errors import BudgetExhaustedError, InputError

AMOUNTS = st.integers(0, 1000)


@given(
    limit=AMOUNTS,
    spent=st.integers(0, 300),
    calls=st.lists(st.tuples(st.integers(0, 300), st.floats(0, 1)), max_size=40),
    order=st.randoms(use_true_random=False),
)
def test_calls_that_stay_within_their_bounds_never_pass_the_limit_in_any_order(
    limit: int, spent: int, calls: list[tuple[int, float]], order: random.Random
) -> None:
    ledger = Ledger(limit, min(spent, limit))
    waiting = list(calls)
    flying: list[tuple[Reservation, int]] = []
    booked = ledger.spent
    while waiting or flying:
        if waiting and (not flying or order.random() < 0.6):
            bound, share = waiting.pop()
            before = ledger.left
            try:
                flying.append((ledger.reserve(bound), int(bound * share)))
            except BudgetExhaustedError:
                assert bound > before
        else:
            made, actual = flying.pop(order.randrange(len(flying)))
            if actual:
                ledger.settle(made, actual)
            else:
                ledger.release(made)
            booked += actual
        assert ledger.spent == booked
        assert ledger.reserved == sum(made.amount for made, _ in flying)
        assert ledger.spent + ledger.reserved <= limit
        assert ledger.left == limit - ledger.spent - ledger.reserved
    assert ledger.reserved == 0


def test_threads_together_never_reserve_more_than_there_is() -> None:
    ledger = Ledger(1000)
    got: list[Reservation] = []
    start = threading.Barrier(8)

    def work() -> None:
        start.wait()
        for _ in range(200):
            try:
                got.append(ledger.reserve(7))
            except BudgetExhaustedError:
                return

    threads = [threading.Thread(target=work) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(got) == 1000 // 7
    assert len({made.number for made in got}) == len(got)
    assert ledger.reserved == 7 * len(got)


def test_a_refusal_says_what_is_left_and_what_would_be_needed_and_sets_nothing_aside() -> None:
    ledger = Ledger(limit_nano_usd(0.5), nano_usd(0.3))
    ledger.reserve(nano_usd(0.1))
    with pytest.raises(BudgetExhaustedError, match=r"0\.100000000 USD .* can cost 0\.2") as caught:
        ledger.reserve(nano_usd(0.2))
    assert (caught.value.left_usd, caught.value.needed_usd) == (0.1, 0.2)
    assert (caught.value.limit_usd, caught.value.reserved_usd) == (0.5, 0.1)
    assert ledger.reserved == nano_usd(0.1)


def test_what_was_spent_before_may_lie_above_the_limit() -> None:
    ledger = Ledger(10, 12)
    assert (ledger.left, ledger.spent) == (0, 12)
    with pytest.raises(BudgetExhaustedError):
        ledger.reserve(1)


def test_a_call_that_cost_more_than_its_bound_is_booked_whole() -> None:
    ledger = Ledger(10)
    ledger.settle(ledger.reserve(10), 15)
    assert (ledger.spent, ledger.reserved, ledger.left) == (15, 0, 0)


def test_a_reservation_is_closed_once_and_only_where_it_was_made() -> None:
    ledger, other = Ledger(10), Ledger(10)
    made = ledger.reserve(4)
    other.reserve(4)
    with pytest.raises(InputError, match="not open"):
        other.release(made)
    ledger.release(made)
    with pytest.raises(InputError, match="not open"):
        ledger.release(made)
    with pytest.raises(InputError, match="not open"):
        ledger.settle(made, 1)
    assert (ledger.spent, ledger.reserved, other.reserved) == (0, 0, 4)


@given(st.floats(0, 1e6, allow_nan=False))
def test_amounts_round_up_and_limits_down_by_less_than_a_nano_usd(usd: float) -> None:
    exact = Fraction(repr(usd)) * NANO_PER_USD
    assert 0 <= nano_usd(usd) - exact < 1
    assert 0 <= exact - limit_nano_usd(usd) < 1


def test_a_decimal_amount_is_that_amount() -> None:
    assert nano_usd(0.1) == limit_nano_usd(0.1) == 100_000_000
    assert as_usd(nano_usd(0.3)) == 0.3


@pytest.mark.parametrize("usd", [-1.0, float("nan"), float("inf")])
def test_no_amount_is_negative_or_infinite(usd: float) -> None:
    with pytest.raises(InputError, match="USD"):
        nano_usd(usd)
    with pytest.raises(InputError, match="nano"):
        Ledger(-1)
    with pytest.raises(InputError, match="nano"):
        Ledger(1).reserve(-1)
