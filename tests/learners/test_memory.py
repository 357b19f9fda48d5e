from __future__ import annotations

import numpy as np

from metallm.learners.memory import Memory


def _context(value: float) -> np.ndarray:
    return np.array([value, -value], dtype=np.float32)


def test_what_is_kept_is_what_was_given() -> None:
    memory = Memory(2)
    for place in range(40):
        memory.append(_context(place), place % 3, place / 40)
    assert len(memory) == 40
    assert memory.contexts[7].tolist() == [7.0, -7.0]
    assert memory.arm.tolist() == [place % 3 for place in range(40)]
    assert memory.row.tolist() == list(range(40))


def test_a_matrix_keeps_each_context_once_and_leaves_holes_out() -> None:
    memory = Memory(2)
    contexts = np.stack([_context(1), _context(2)])
    memory.extend(contexts, np.array([4, 5]), np.array([[1.0, np.nan], [0.0, 0.5]]))
    assert len(memory) == 2
    assert memory.row.tolist() == [0, 1, 1]
    assert memory.arm.tolist() == [4, 4, 5]
    assert memory.y.tolist() == [1.0, 0.0, 0.5]


def test_removing_takes_the_newest_that_is_alike_and_its_context() -> None:
    memory = Memory(2)
    for value in (1, 2, 1, 3):
        memory.append(_context(value), 0, 1.0)
    assert memory.remove(_context(1), 0, 1.0)
    assert memory.contexts[:, 0].tolist() == [1.0, 2.0, 3.0]
    assert memory.row.tolist() == [0, 1, 2]
    assert not memory.remove(_context(1), 1, 1.0)
    assert not memory.remove(_context(9), 0, 1.0)


def test_removing_one_outcome_keeps_a_context_that_others_need() -> None:
    memory = Memory(2)
    memory.extend(_context(1)[None], np.array([0, 1]), np.array([[1.0, 0.0]]))
    assert memory.remove(_context(1), 1, 0.0)
    assert len(memory) == 1
    assert memory.arm.tolist() == [0]


def test_of_two_that_differ_in_weight_alone_the_right_one_is_forgotten() -> None:
    memory = Memory(2)
    for weight in (1.0, 0.3):
        memory.append(_context(1), 0, 1.0, weight)
    assert memory.remove(_context(1), 0, 1.0, 1.0)
    assert memory.weight.tolist() == [0.3]
    assert not memory.remove(_context(1), 0, 1.0, 1.0)


def test_beyond_the_capacity_the_oldest_go() -> None:
    memory = Memory(2, capacity=100)
    for place in range(101):
        memory.append(_context(place), 0, 1.0)
    memory.trim()
    assert len(memory) == 75
    assert memory.contexts[0, 0] == 26.0
    assert memory.row.tolist() == list(range(75))
    assert memory.contexts[memory.row[-1], 0] == 100.0


def test_a_saved_memory_goes_on() -> None:
    memory, other = Memory(2), Memory(2)
    memory.append(_context(1), 0, 1.0)
    other.load(memory.state())
    other.append(_context(2), 1, 0.0)
    assert other.contexts.tolist() == [[1.0, -1.0], [2.0, -2.0]]
    assert len(memory) == 1
