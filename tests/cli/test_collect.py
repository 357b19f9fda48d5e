"""`metallm collect`: every arm, every query, once; and a table that routers learn from."""

from __future__ import annotations

import csv
import json
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from metallm.assembly import Router
from metallm.core.arm import Arm
from metallm.core.completion import ChatRequest
from metallm.sandbox.app import create_app
from metallm.sandbox.synthetic import LABELS, synthetic_recordings
from metallm.settings import load_settings
from metallm.tables.recordings import Recordings
from servers import running

Run = Callable[..., Any]
TASK = "synthetic/topic"
ARMS = ("sim/tiny", "sim/large")


@pytest.fixture(scope="module")
def recordings() -> Recordings:
    whole = Recordings.read(synthetic_recordings(0, 20))
    rows = [place for place, name in enumerate(whole.datasets) if name == TASK]
    return whole.subset(rows)


@pytest.fixture
def queries(tmp_path: Path, recordings: Recordings) -> Path:
    path = tmp_path / "queries.csv"
    with path.open("w", newline="", encoding="utf-8") as file:
        writer = csv.writer(file)
        writer.writerow(["ticket", "topic"])
        writer.writerows(zip(recordings.texts, recordings.references, strict=True))
    return path


@pytest.fixture
def upstream(
    recordings: Recordings,
    write_toml: Callable[..., Path],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> Iterator[str]:
    monkeypatch.chdir(tmp_path)
    with running(create_app(recordings)) as url:
        write_toml(f"{url}/v1")
        yield url


def collect(run: Run, queries: Path, *more: object) -> Any:
    labels = ",".join(LABELS[TASK])
    return run(
        "collect", queries, "--text", "ticket", "--reference", "topic", "--labels", labels,
        "--task", TASK, *more,
    )  # fmt: skip


def test_what_is_collected_is_what_the_arms_answer_and_bill(
    run: Run, queries: Path, upstream: str, recordings: Recordings, tmp_path: Path
) -> None:
    done = collect(run, queries, "--json")
    assert done.exit_code == 0, done.output
    told = json.loads(done.stdout)
    table = Recordings.read(tmp_path / "queries.outcomes.parquet")
    assert told["rows"] == len(recordings) * len(ARMS)
    assert sorted(table.models) == sorted(ARMS)
    assert (table.texts, table.references) == (recordings.texts, recordings.references)
    assert set(table.datasets) == {TASK}
    # the sandbox answers as the model did
    recorded = recordings.with_arms(list(table.models))
    assert table.score.tolist() == recorded.score.tolist()
    prices = {"sim/tiny": (0.1, 0.3), "sim/large": (10.0, 30.0)}
    for column, name in enumerate(table.models):
        into, out = prices[name]
        bills = (table.input_tokens[:, column] * into + table.output_tokens[:, column] * out) / 1e6
        assert table.cost_usd[:, column] == pytest.approx(bills)
        each = told["arms"][name]
        assert each["quality"] == pytest.approx(table.score[:, column].mean())
        assert each["cost_usd"] == pytest.approx(bills.sum())
    assert not (tmp_path / "queries.outcomes.parquet.partial.jsonl").exists()


def test_a_router_and_a_replay_learn_from_the_table(
    run: Run, queries: Path, upstream: str, tmp_path: Path
) -> None:
    assert collect(run, queries).exit_code == 0
    table = tmp_path / "queries.outcomes.parquet"
    router = Router.from_settings(load_settings())
    router.fit(table)
    assert router.knowledge.outcomes == 2 * len(Recordings.read(table))
    router.close()
    done = run("replay", table, "--mode", "offline", "--json", tmp_path / "figures.json")
    assert done.exit_code == 0, done.output


def test_a_budget_is_never_passed_and_a_larger_one_goes_on(
    run: Run, queries: Path, upstream: str, recordings: Recordings, tmp_path: Path
) -> None:
    whole = len(recordings) * len(ARMS)
    short = collect(run, queries, "--budget", 0.01, "--json")
    assert short.exit_code == 1
    assert "larger --budget" in short.stderr
    told = json.loads(short.stdout)
    assert 0 < told["rows"] < whole
    assert told["spent"]["spent_usd"] <= 0.01
    rows = json.loads(collect(run, queries, "--budget", 5, "--json").stdout)
    assert rows["rows"] == whole
    bills = [each["cost_usd"] for each in rows["arms"].values()]
    assert rows["spent"]["spent_usd"] == pytest.approx(sum(bills))


def test_an_answer_that_is_there_is_not_asked_for_again(
    run: Run, queries: Path, upstream: str, tmp_path: Path
) -> None:
    out = tmp_path / "out.jsonl"
    assert collect(run, queries, "--limit", 3, "--out", out).exit_code == 0
    lines = [json.loads(line) for line in out.read_text().splitlines()]
    # as after a kill: two answers are there, and half a third
    partial = tmp_path / "out.jsonl.partial.jsonl"
    marked = [{**line, "response": "kept"} for line in lines[:2]]
    text = "".join(json.dumps(line) + "\n" for line in marked)
    partial.write_text(text + json.dumps(lines[2])[:40])
    done = collect(run, queries, "--limit", 3, "--out", out)
    assert done.exit_code == 0, done.output
    assert "2 of 6 answers are there already" in done.stderr
    again = [json.loads(line) for line in out.read_text().splitlines()]
    assert [line["response"] == "kept" for line in again] == [True, True] + 4 * [False]
    assert again[2:] == [{**line, "latency_s": other["latency_s"]} for line, other in
                         zip(lines[2:], again[2:], strict=True)]  # fmt: skip


def test_an_estimate_asks_nobody_and_writes_nothing(
    run: Run, queries: Path, write_toml: Callable[..., Path], tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:  # fmt: skip
    monkeypatch.chdir(tmp_path)
    write_toml()  # nobody listens there
    before = sorted(tmp_path.iterdir())
    done = collect(run, queries, "--estimate", "--json")
    assert done.exit_code == 0, done.output
    told = json.loads(done.stdout)
    assert told["calls"] == 2 * told["queries"]
    assert told["expected_usd"] == pytest.approx(sum(told["arms"].values()))
    assert told["arms"]["sim/large"] > 50 * told["arms"]["sim/tiny"]
    assert sorted(tmp_path.iterdir()) == before


def test_failures_are_told_and_asked_again(
    run: Run, queries: Path, write_toml: Callable[..., Path], recordings: Recordings,
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch,
) -> None:  # fmt: skip
    monkeypatch.chdir(tmp_path)
    write_toml()
    broken = collect(run, queries, "--limit", 4)
    assert broken.exit_code == 1
    assert "8 of 8 answers failed" in broken.stderr
    assert not (tmp_path / "queries.outcomes.parquet").exists()
    with running(create_app(recordings)) as url:
        write_toml(f"{url}/v1")
        assert collect(run, queries, "--limit", 4).exit_code == 0
    assert len(Recordings.read(tmp_path / "queries.outcomes.parquet")) == 4


@pytest.mark.parametrize(
    ("more", "told"),
    [
        (("--arms", "sim/none"), "sim/none"),
        (("--labels", "one,two"), "row 1"),
        (("--text", "nothing"), "nothing"),
        (("--out", "out.xlsx"), "must end in"),
    ],
)
def test_what_is_wrong_is_said_before_anybody_is_asked(
    run: Run, queries: Path, upstream: str, more: tuple[str, ...], told: str
) -> None:
    done = run(
        "collect", queries, "--text", "ticket", "--reference", "topic", "--labels",
        ",".join(LABELS[TASK]), *more,
    )  # fmt: skip
    assert done.exit_code == 2
    assert told in done.stderr


def test_without_a_reference_or_a_judge_nothing_tells_how_good_answers_are(
    run: Run, queries: Path, upstream: str
) -> None:
    done = run("collect", queries, "--text", "ticket")
    assert done.exit_code == 2
    assert "--judge" in done.stderr


def test_open_answers_are_scored_by_their_words_or_by_a_judge() -> None:
    import asyncio

    from metallm.cli.collect_scores import ByJudge, ByWords
    from metallm.cli.collecting import Collector, Prompt
    from metallm.providers.scripted import ScriptedProvider

    messages = ({"role": "user", "content": "capital of Peru?"},)
    prompt = Prompt("q", "capital of Peru?", messages, "Lima")
    said = {"a": " lima. ", "b": "Quito"}
    seen: list[str] = []

    async def ask(told: str) -> str:
        seen.append(told)
        return "9" if "lima" in told.split("<answer>")[1] else "not a number"

    def answer(arm: Arm, request: ChatRequest) -> str:
        del request
        return said[arm.name]

    def scores(scorer: Any) -> list[Any]:
        rows: list[dict[str, Any]] = []
        collector = Collector(
            ScriptedProvider(answer), scorer, body={}, answer_format=None, dataset="",
            keep=rows.append,
        )  # fmt: skip
        asyncio.run(collector.run([(prompt, Arm(name, 1.0, 1.0)) for name in said], 1))
        return [row["score"] for row in rows]

    assert scores(ByWords()) == [1.0, 0.0]
    assert scores(ByJudge(ask, "Names a city.")) == [0.9, None]
    assert all("Names a city." in each and "reference: Lima" in each for each in seen)


def test_an_answer_that_nobody_could_score_is_kept_without_a_score(tmp_path: Path) -> None:
    from metallm.cli.collected import Collected

    row = {
        "query_id": "q", "query": "?", "question": "?", "model": "a", "response": "!",
        "score": None, "cost_usd": None, "input_tokens": 3, "output_tokens": 1, "latency_s": 0.1,
    }  # fmt: skip
    for suffix in ("parquet", "csv", "jsonl"):
        out = tmp_path / f"out.{suffix}"
        with Collected(out) as collected:
            collected.add(row)
            collected.add({**row, "query_id": "r", "score": 1.0})
            order = [("q", "a"), ("r", "a"), ("s", "a")]
            assert collected.finish(order, complete=True) == 2
        table = Recordings.read(out)
        assert np.isnan(table.score[:, 0]).tolist() == [True, False]
