from __future__ import annotations

import gc
import weakref

from metallm.gateway.garbage import THRESHOLDS, settle, unsettled_after


def test_what_is_there_is_left_alone_while_it_serves_and_no_longer() -> None:
    before = gc.get_threshold()
    with unsettled_after():
        settle()
        assert gc.get_freeze_count() > 1_000
        assert gc.get_threshold() == THRESHOLDS
    assert gc.get_freeze_count() == 0
    assert gc.get_threshold() == before


def test_cycles_are_still_found() -> None:
    class Node:
        def __init__(self) -> None:
            self.me = self

    gone: list[int] = []
    with unsettled_after():
        settle()
        for number in range(THRESHOLDS[0] * 3):
            node = Node()
            if number == 0:
                weak = weakref.ref(node, lambda _: gone.append(1))
        del node
        assert gone == [1]
        assert weak() is None
