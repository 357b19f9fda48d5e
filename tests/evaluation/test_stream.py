from __future__ import annotations

import numpy as np
import pytest

from metallm.errors import UnknownArmError
from metallm.evaluation.panel import panel_of
from metallm.evaluation.rule import RuleRouter
from metallm.evaluation.stream import Stream, without_feedback


def stream_of(n: int, tasks: tuple[str | None, ...]) -> Stream:
    quality = np.ones((n, 2))
    quality[::5, 1] = np.nan
    texts = tuple(f"text {number}" for number in range(n))
    return Stream(panel_of(("a", "b"), quality, np.ones((n, 2))), texts, tasks)


def test_groups_hold_every_row_once_and_only_rows_alike() -> None:
    stream = stream_of(30, ("x", "y", None) * 10)
    groups = list(stream.groups())
    assert sorted(row for rows in groups for row in rows) == list(range(30))
    for rows in groups:
        assert len({stream.tasks[row] for row in rows}) == 1
        assert len({stream.arms(row) for row in rows}) == 1


def test_long_streams_are_decided_in_batches() -> None:
    stream = stream_of(2000, (None,) * 2000)
    assert [len(rows) for rows in stream.groups()] == [400, 1024, 576]
    counted: list[int] = []
    router = RuleRouter(lambda text, p: "b")
    chosen = without_feedback(router, stream, 0.0, counted.append)
    assert counted == [400, 1024, 576]
    # b wherever b is on record, each choice in its own row
    np.testing.assert_array_equal(chosen, np.arange(2000) % 5 > 0)


def test_an_arm_that_is_not_on_record_is_refused_by_name() -> None:
    with pytest.raises(UnknownArmError, match="'c'"):
        stream_of(5, (None,) * 5).column("c")
