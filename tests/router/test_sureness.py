"""Arms that tell how sure they are: when the router goes on to another, and what its log holds."""

from __future__ import annotations

import sqlite3
from functools import cache
from pathlib import Path

import pytest

import metallm
from doubles import HashEmbedder, counting_ids
from metallm.assembly import Router
from metallm.core.task import Task
from metallm.router.labelling import likely_by, unlabelled
from sureness import ARMS, CHEAP, PETS, QUIZ, WEIGHT, Found, Telling, World, played


def _router(world: World, store: Path | None = None) -> Router:
    return metallm.Router(
        ARMS,
        provider=world.provider(),
        embedder=HashEmbedder(),
        cost_weight=WEIGHT,
        new_id=counting_ids(),
        clock=lambda: 1000.0,
        seed=world.seed,
        store=store,
    )


@cache
def _found(told: Telling, task: Task) -> Found:
    world = World(told, task)
    return played(world, _router(world))


@pytest.mark.parametrize("task", [PETS, QUIZ], ids=lambda task: task.name)
def test_it_goes_on_where_the_first_arm_is_unsure_and_stops_where_it_is_sure(task: Task) -> None:
    found = _found("truth", task)
    assert found.unknown > 0.8
    assert found.known < 0.05
    assert found.reward > _found("nothing", task).reward + 0.02


def test_certainty_that_is_always_the_same_changes_nothing() -> None:
    assert _found("always sure", PETS) == _found("nothing", PETS)


def test_certainty_that_tells_nothing_does_no_harm() -> None:
    assert _found("chance", PETS).reward > _found("nothing", PETS).reward - 0.03


def test_a_call_says_how_likely_its_arm_takes_the_labels_to_be() -> None:
    world = World("truth")
    router = _router(world)
    found = router.classify_sync("text", PETS, arms=[CHEAP.name])
    share = float(world.sure[0])
    (call,) = found.calls
    assert dict(call.likely)[str(call.label)] == pytest.approx(share)
    assert sum(dict(call.likely).values()) == pytest.approx(1.0)
    (completion,) = router.outcomes(found.decision_id)
    assert completion.likely == ((CHEAP.name, call.likely),)
    router.feedback(found.decision_id, label="owl")
    assert router.outcomes(found.decision_id)[-1].likely == ((CHEAP.name, call.likely),)
    router.close()


def test_a_text_that_waits_for_its_label_is_as_likely_labelled_as_it_was_answered() -> None:
    world = World("truth", rows=80)
    router = _router(world)
    for row in range(world.rows):
        world.row = row
        found = router.classify_sync(f"text {row}", PETS, arms=[CHEAP.name])
        if row < world.rows - 1:
            router.feedback(found.decision_id, label=PETS.labels[world.truth[row]])
    (waiting,) = unlabelled(router.recent(200))
    assert waiting.likely == tuple((call.arm, call.likely) for call in found.calls)
    likely = dict(zip(waiting.first.labels, likely_by(router)(waiting), strict=True))
    assert likely == pytest.approx(dict(found.probabilities))
    router.close()


def test_only_labels_are_asked_for_with_log_probabilities_and_only_one_of_them() -> None:
    world = World("truth")
    router = _router(world)
    router.classify_sync("text", PETS)
    router.complete_sync("text")
    router.classify_sync("text", Task("tags", "multi", PETS.labels))
    assert [request.logprobs for request in world.asked] == [True, False, False]
    router.close()


@pytest.mark.parametrize("snapshot", [True, False])
def test_a_restart_knows_what_certainty_is_worth(tmp_path: Path, *, snapshot: bool) -> None:
    world = World("truth", rows=60)
    path = tmp_path / "log.db"
    first = _router(world, path)
    for row in range(world.rows):
        world.row = row
        found = first.classify_sync(f"text {row}", PETS, max_calls=2)
        first.feedback(found.decision_id, label=PETS.labels[world.truth[row]])
    # a label that was wrong is taken back as it was taught
    first.feedback(found.decision_id, label=PETS.labels[world.truth[row] - 1], replace=True)
    known = first.knowledge.dump()
    first.close()
    if not snapshot:
        _forget_snapshots(path)
    again = _router(World("truth"), path)
    assert again.knowledge.dump() == known
    again.close()


def _forget_snapshots(path: Path) -> None:
    with sqlite3.connect(path) as connection:
        connection.execute("DELETE FROM snapshots")
