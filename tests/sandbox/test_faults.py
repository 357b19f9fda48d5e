from __future__ import annotations

import pytest

from metallm.errors import ConfigurationError
from metallm.sandbox.faults import CUT, FAULTS, MALFORMED, Faults, broken, spoiled

FRAMES = [b'data: {"a": 1}\n\n', b'data: {"b": 2}\n\n', b"data: [DONE]\n\n"]


def test_each_fault_comes_as_often_as_it_was_asked_for() -> None:
    faults = Faults(dict.fromkeys(FAULTS, 0.1), seed=3)
    drawn = [faults.of(index) for index in range(4000)]
    for name in FAULTS:
        assert 0.08 < drawn.count(name) / len(drawn) < 0.12
    none = 1.0 - 0.1 * len(FAULTS)
    assert none - 0.04 < drawn.count(None) / len(drawn) < none + 0.04
    again = Faults(dict.fromkeys(FAULTS, 0.1), seed=3)
    assert drawn[:50] == [again.of(index) for index in range(50)]


def test_none_is_drawn_where_none_is_asked_for_and_all_where_all_are() -> None:
    assert {Faults({}, 0).of(index) for index in range(50)} == {None}
    assert {Faults({"cut": 1.0}, 0).of(index) for index in range(50)} == {"cut"}


def test_a_cut_stream_ends_within_a_frame() -> None:
    assert b"".join(spoiled(iter(FRAMES), CUT)) == FRAMES[0] + FRAMES[1][:8]
    assert list(spoiled(iter(FRAMES), None)) == FRAMES


def test_a_malformed_stream_goes_on_after_the_frame_that_is_broken() -> None:
    assert list(spoiled(iter(FRAMES), MALFORMED)) == [
        FRAMES[0],
        b'data: {"b": 2!\n\n',
        FRAMES[2],
    ]
    assert broken(b'{"a": {"b": 1}}') == b'{"a": {"b": 1}!'


@pytest.mark.parametrize(
    ("rates", "told"),
    [
        ({"flood": 0.1}, "no fault is called 'flood'; there are: error, rate_limit, slow"),
        ({"cut": 0.6, "slow": 0.6}, "so does their sum"),
        ({"cut": -0.1}, "shares of faults lie from 0 to 1"),
    ],
)
def test_shares_that_cannot_be_are_refused(rates: dict[str, float], told: str) -> None:
    with pytest.raises(ConfigurationError, match=told):
        Faults(rates, 0)
