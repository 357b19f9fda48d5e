from __future__ import annotations

import numpy as np

from metallm.learners.memory import Memory
from metallm.learners.sets import CHUNK, RowSet, row_sets


def _memory(quality: np.ndarray) -> Memory:
    memory = Memory(1)
    contexts = np.arange(len(quality), dtype=np.float32)[:, None]
    memory.extend(contexts, np.arange(quality.shape[1]), quality)
    return memory


def test_arms_that_answered_the_same_rows_are_one_set() -> None:
    quality = np.array([[1.0, 0.0, 1.0], [0.5, 0.25, np.nan], [0.0, 1.0, 0.0]])
    full, holed = row_sets(_memory(quality), 3)
    assert (full.arms, full.rows.tolist(), full.weight) == ((0, 1), [0, 1, 2], None)
    assert full.y.tolist() == quality[:, :2].tolist()
    assert (holed.arms, holed.rows.tolist()) == ((2,), [0, 2])
    assert holed.y[:, 0].tolist() == [1.0, 0.0]


def test_rows_of_another_weight_are_another_set() -> None:
    memory = _memory(np.array([[1.0, 1.0]]))
    memory.append(np.array([5.0], dtype=np.float32), 0, 1.0)
    memory.append(np.array([5.0], dtype=np.float32), 1, 1.0, 0.5)
    assert [rows.arms for rows in row_sets(memory, 2)] == [(0,), (1,)]
    weights = [rows.weight for rows in row_sets(memory, 2)]
    assert weights[0] is None
    assert weights[1] is not None
    assert weights[1].tolist() == [1.0, 0.5]


def test_an_arm_without_outcomes_is_in_no_set() -> None:
    assert row_sets(Memory(1), 2) == []
    assert [rows.arms for rows in row_sets(_memory(np.array([[1.0]])), 3)] == [(0,)]


def test_chunks_are_the_whole_in_order_and_samples_are_spread_evenly() -> None:
    count = CHUNK + 10
    weight = np.linspace(1.0, 2.0, count)
    rows = RowSet((0,), np.arange(count), np.arange(count)[:, None] / count, weight)
    parts = list(rows.chunks())
    assert [len(part) for part in parts] == [CHUNK, 10]
    assert np.concatenate([part.rows for part in parts]).tolist() == list(range(count))
    joined = np.concatenate([part.weight for part in parts if part.weight is not None])
    assert joined.tolist() == weight.tolist()
    assert rows.sample(3).tolist() == [0, (count - 1) // 2, count - 1]
    assert len(rows.sample(10 * count)) == count
