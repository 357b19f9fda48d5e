from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

from metallm.assembly import Router
from metallm.providers.scripted import ScriptedProvider
from metallm.settings import load_settings


def _router(config: Path) -> Router:
    return Router.from_settings(
        load_settings(config), provider=ScriptedProvider({"sim/tiny": "a", "sim/large": "a"})
    )


def test_the_newest_decisions_are_shown_while_a_router_writes(
    run: Callable[..., Any], write_toml: Callable[..., Path]
) -> None:
    config = write_toml()
    router = _router(config)
    try:
        router.complete_sync("old")
        answer = router.complete_sync("new")
        router.feedback(answer.decision_id, quality=0.25)
        done = run("log", "--limit", 1, "--json", "--config", config)
        (line,) = done.stdout.splitlines()
        told = json.loads(line)
        assert told["id"] == answer.decision_id
        assert told["propensity"] == answer.decision.propensity
        assert [each["kind"] for each in told["outcomes"]] == ["completion", "feedback"]
        assert "context" not in told

        table = run("log", "--config", config).stdout
        assert answer.decision_id in table
        assert "0.25" in table
        assert answer.arm in table
    finally:
        router.close()


def test_a_judge_s_word_is_shown_with_its_name_until_the_truth_comes(
    run: Callable[..., Any], write_toml: Callable[..., Path]
) -> None:
    config = write_toml()
    router = _router(config)
    answer = router.complete_sync("a text")
    router.feedback(answer.decision_id, quality=0.75, judge="j")
    assert "0.75 by j" in run("log", "--config", config).stdout
    router.feedback(answer.decision_id, quality=0.125)
    router.feedback(answer.decision_id, quality=0.75, judge="late")
    router.close()
    table = run("log", "--config", config).stdout
    assert "0.125" in table
    assert "0.75" not in table


def test_one_decision_is_found_by_its_id(
    run: Callable[..., Any], write_toml: Callable[..., Path]
) -> None:
    config = write_toml()
    router = _router(config)
    first = router.complete_sync("one")
    router.complete_sync("two")
    router.close()
    done = run("log", "--decision", first.decision_id, "--config", config)
    assert json.loads(done.stdout)["id"] == first.decision_id
    missing = run("log", "--decision", "dec_none", "--config", config)
    assert missing.exit_code == 2
    assert "no decision 'dec_none'" in missing.stderr


def test_no_log_yet_is_told_with_its_place(
    run: Callable[..., Any], write_toml: Callable[..., Path]
) -> None:
    done = run("log", "--config", write_toml())
    assert done.exit_code == 1
    assert "there is no log at" in done.stderr
    empty = run("log", "--config", write_toml(store=""))
    assert empty.exit_code == 2
    assert "store.path is empty" in empty.stderr
