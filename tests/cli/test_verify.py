from __future__ import annotations

import io
import json
from collections.abc import Callable
from contextlib import closing
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pytest

from metallm.assembly import Router
from metallm.cli.verify import difference
from metallm.providers.scripted import ScriptedProvider
from metallm.settings import load_settings
from metallm.store.sqlite import SqliteStore


def _live(config: Path, queries: int) -> None:
    provider = ScriptedProvider({"sim/tiny": "a", "sim/large": "a"})
    router = Router.from_settings(load_settings(config), provider=provider)
    for number in range(queries):
        answer = router.complete_sync(f"what is {number}?")
        router.feedback(answer.decision_id, quality=number % 2)
    router.close()


def test_a_snapshot_and_the_log_since_follow_from_the_log(
    run: Callable[..., Any], write_toml: Callable[..., Path]
) -> None:
    config = write_toml()
    _live(config, 5)
    _live(config, 3)
    done = run("verify", "--json", "--config", config)
    told = json.loads(done.stdout)
    assert done.exit_code == 0, done.output
    assert told["same"]
    assert (told["entries"], told["snapshot_at"]) == (24, 24)
    assert "24 entries in the log, snapshot at 24" in run("verify", "--config", config).stdout


def test_labels_of_tables_and_of_taught_texts_follow_from_the_log(
    run: Callable[..., Any], write_toml: Callable[..., Path]
) -> None:
    config = write_toml()
    texts = [f"{word} number {n}" for n in range(20) for word in ("a delight", "a bore")]
    rows = [
        {"query": text, "model": "sim/tiny", "score": 1.0, "dataset": "films", "reference": label}
        for text, label in zip(texts, ["good", "bad"] * 20, strict=True)
    ]
    with closing(Router.from_settings(load_settings(config))) as router:
        router.fit(pa.Table.from_pylist(rows))
        router.teach(texts, ["good", "bad"] * 20, task="other films")
        assert router.knowledge.classes is not None
        assert router.knowledge.classes.ready("films", ("bad", "good"))
    done = run("verify", "--config", config)
    assert done.exit_code == 0, done.output
    assert "2 entries in the log, snapshot at 2" in done.stdout
    assert "to the bit" in done.stdout


def test_it_reads_beside_a_router_that_writes(
    run: Callable[..., Any], write_toml: Callable[..., Path]
) -> None:
    config = write_toml()
    with closing(Router.from_settings(load_settings(config))) as router:
        router.feedback(router.decide("a").id, quality=1)
        done = run("verify", "--config", config)
    assert done.exit_code == 0, done.output
    assert "to the bit" in done.stdout


def test_a_snapshot_that_does_not_follow_from_the_log_is_a_mismatch(
    run: Callable[..., Any], write_toml: Callable[..., Path]
) -> None:
    config = write_toml()
    _live(config, 4)
    with closing(SqliteStore("log.db")) as store:
        found = store.snapshot()
        assert found is not None
        with np.load(io.BytesIO(found[1])) as saved:
            arrays = dict(saved)
        arrays["token_sum"] = arrays["token_sum"] + 1
        buffer = io.BytesIO()
        np.savez(buffer, **arrays)
        store.save_snapshot(found[0], buffer.getvalue())
    done = run("verify", "--config", config)
    assert done.exit_code == 1
    assert "MISMATCH" in done.stdout
    assert "token_sum" in done.stdout


@pytest.mark.parametrize(
    ("other", "where", "largest", "exact"),
    [
        ({"a": np.array([1.0, 2.0])}, None, 0.0, True),
        ({"a": np.array([1.0, 3.0])}, "a", 1 / 3, False),
        ({"a": np.array([1.0, np.nan])}, "a", np.inf, False),
        ({"a": np.array([1.0])}, "a", np.inf, False),
        ({"a": np.array([1, 2])}, "a", np.inf, False),
        ({}, "a", np.inf, False),
    ],
)
def test_differences_are_named_and_measured(
    other: dict[str, Any], where: str | None, largest: float, exact: bool
) -> None:
    assert difference({"a": np.array([1.0, 2.0])}, other) == (where, largest, exact)
