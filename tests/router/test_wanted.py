"""Whose labels are asked for: what is doubted most, and never more than the share."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from doubles import CHEAP, DEAR
from metallm import Router
from metallm.errors import ConfigurationError
from metallm.router.wanted import Wanted


@given(st.floats(0.0, 1.0), st.lists(st.one_of(st.none(), st.floats(0.0, 1.0)), max_size=300))
def test_labels_are_never_asked_for_more_often_than_their_share(
    share: float, confidences: list[float | None]
) -> None:
    wanted, asked = Wanted(share), 0
    for seen, confidence in enumerate(confidences, start=1):
        asked += wanted.asks(confidence)
        assert asked <= share * seen


def test_the_share_is_spent_and_on_what_is_doubted() -> None:
    rng, wanted = np.random.default_rng(0), Wanted(0.05)
    sure = rng.beta(4, 1, size=4_000)
    asked = np.array([wanted.asks(each) for each in sure.tolist()])
    assert asked.mean() == pytest.approx(0.05, abs=0.002)
    assert np.quantile(sure[asked], 0.9) < np.quantile(sure, 0.15)


def test_it_is_spent_while_answers_get_surer_and_surer() -> None:
    wanted = Wanted(0.05)
    rising = np.linspace(0.3, 1.0, 2_000) + np.random.default_rng(1).normal(0, 0.02, 2_000)
    asked = [wanted.asks(each) for each in rising.tolist()]
    assert sum(asked[1_000:]) >= 40


def test_where_every_label_is_wanted_every_one_is_asked_for() -> None:
    wanted = Wanted(1.0)
    assert all(wanted.asks(each) for each in (0.9, 0.1, 0.5, None, 1.0))


def test_without_a_share_none_is() -> None:
    assert not any(Wanted(0.0).asks(0.0) for _ in range(10))


def test_a_share_out_of_range_is_refused() -> None:
    with pytest.raises(ConfigurationError, match="label_share"):
        Router([CHEAP, DEAR], label_share=1.5)
