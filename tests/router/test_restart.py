"""What was learned is a fold over the log: a restart goes on as if nothing had happened."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import Any

import pytest

import metallm
from doubles import CHEAP, DEAR, HashEmbedder, counting_ids
from metallm.assembly import Router
from metallm.core.decision import Decision
from metallm.errors import StoreError
from metallm.router import folded
from metallm.store.memory import MemoryStore
from metallm.store.sqlite import SqliteStore


def _router(store: Any, policy: str = "squarecb", **options: Any) -> Router:
    return metallm.Router(
        arms=[CHEAP, DEAR],
        embedder=HashEmbedder(),
        policy=policy,
        store=store,
        clock=lambda: 0.0,
        seed=5,
        **options,
    )


def _live(router: Router, first: int, last: int) -> list[tuple[Any, ...]]:
    """Decide and judge; what each decision said."""
    seen = []
    for number in range(first, last):
        hard = number % 3 == 0
        decision = router.decide(f"{'hard' if hard else 'easy'} {number}")
        right = not hard or decision.arm == "sim/dear"
        router.feedback(decision.id, quality=float(right), cost_usd=1e-4 * (1 + number % 5))
        if number % 10 == 7:
            router.feedback(decision.id, quality=0.5, replace=True)
        seen.append(_told(decision))
    return seen


def _told(decision: Decision) -> tuple[Any, ...]:
    return decision.index, decision.arm, decision.propensity, decision.estimates, decision.version


@pytest.mark.parametrize("policy", ["squarecb", "linucb", "paper"])
@pytest.mark.parametrize("snapshot_every", [1000, 7])
def test_a_restarted_router_decides_as_an_undisturbed_one(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, policy: str, snapshot_every: int
) -> None:
    monkeypatch.setattr(folded, "SNAPSHOT_EVERY", snapshot_every)
    undisturbed = _router(None, policy)
    expected = _live(undisturbed, 0, 160)
    path = tmp_path / "log.db"
    seen = []
    for first in range(0, 160, 40):
        router = _router(path, policy)
        seen += _live(router, first, first + 40)
        router.close()
    assert seen == expected


def test_what_is_rebuilt_from_the_log_alone_is_what_was_learned(tmp_path: Path) -> None:
    path = tmp_path / "log.db"
    first = _router(path)
    _live(first, 0, 60)
    first.close()
    restored = _router(path)
    # the same log without its snapshots
    bare = MemoryStore()
    copied = [entry.record for entry in restored.entries()]
    bare.append(copied).result()
    rebuilt = _router(bare)
    assert rebuilt.knowledge.dump() == restored.knowledge.dump()
    restored.close()


class Busy(SqliteStore):
    """A log that takes one more decision just after the snapshot of a router that closes."""

    router: Router | None = None

    def save_snapshot(self, seq: int, state: bytes) -> None:
        super().save_snapshot(seq, state)
        if self.router is not None:
            self.router.decide("one more")


def test_closing_again_is_fine_whatever_was_logged_while_it_closed(tmp_path: Path) -> None:
    path = tmp_path / "log.db"
    store = Busy(path)
    router = _router(store)
    _live(router, 0, 3)
    store.router = router
    asyncio.run(router.aclose())
    router.close()
    asyncio.run(router.aclose())
    restored = _router(path)
    assert restored.knowledge.decisions == 4
    restored.close()


def test_a_router_whose_log_was_closed_by_its_owner_closes_too(tmp_path: Path) -> None:
    store = SqliteStore(tmp_path / "log.db")
    router = _router(store)
    _live(router, 0, 3)
    store.close()
    router.close()


def test_a_snapshot_that_cannot_be_kept_does_not_keep_the_log_open(tmp_path: Path) -> None:
    class Full(SqliteStore):
        def save_snapshot(self, seq: int, state: bytes) -> None:
            raise StoreError(f"no room for {len(state)} bytes at {seq}")

    router = _router(Full(tmp_path / "log.db"))
    _live(router, 0, 3)
    with pytest.raises(StoreError, match="no room"):
        router.close()
    router.close()
    # the file's lock is free again, and what was learned is in the log
    again = _router(tmp_path / "log.db")
    assert again.knowledge.decisions == 3
    again.close()


def test_a_log_of_another_embedder_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "log.db"
    router = _router(path)
    _live(router, 0, 3)
    router.close()
    with pytest.raises(StoreError, match="embedder"):
        metallm.Router(arms=[CHEAP, DEAR], store=path)


def test_an_arm_may_join_and_another_leave_over_a_restart(tmp_path: Path) -> None:
    path = tmp_path / "log.db"
    router = _router(path)
    _live(router, 0, 30)
    router.close()
    other = metallm.Arm("sim/new", 1.0, 2.0)
    router = metallm.Router(arms=[CHEAP, other], embedder=HashEmbedder(), store=path)
    decision = router.decide("easy one")
    assert set(decision.estimates) == {"sim/cheap", "sim/new"}
    assert decision.index == 30
    router.close()


def test_ids_keep_counting_apart_from_randomness(tmp_path: Path) -> None:
    first = _router(None, new_id=counting_ids())
    second = _router(None)
    assert [first.decide(f"t {n}").arm for n in range(30)] == [
        second.decide(f"t {n}").arm for n in range(30)
    ]
