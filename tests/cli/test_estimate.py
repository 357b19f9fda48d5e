"""`metallm classify --estimate`: what it would cost, told without asking or writing."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import pyarrow.parquet as pq
import pytest

from cli.upstreams import Said, Upstream
from metallm.core.price import Usage
from metallm.sandbox.synthetic import synthetic_recordings
from metallm.tasks.classification import ClassificationTask

LABELS = ("billing", "delivery")
ROWS = 12
USAGE = Usage(400, 100)
"""Dearer than anybody would guess."""


def _text(number: int) -> str:
    return f"the {number}th {'invoice' if number % 2 else 'parcel'} is lost"


@pytest.fixture
def data(tmp_path: Path) -> Path:
    path = tmp_path / "in.jsonl"
    rows = [{"body": _text(n), "team": LABELS[n % 2]} for n in range(ROWS)]
    path.write_text("".join(json.dumps(row) + "\n" for row in rows))
    return path


def _arguments(data: Path, *more: object) -> tuple[object, ...]:
    return ("classify", data, "--text", "body", "--labels", ",".join(LABELS), *more)


def _tokens(numbers: range) -> int:
    form = ClassificationTask(LABELS)
    return sum(max(1, round(len(form.messages(_text(n))[0]["content"]) / 4)) for n in numbers)


def _billing(body: Mapping[str, Any]) -> Said:
    del body
    return "billing", USAGE


def test_list_prices_bounds_and_the_present_choice_are_told_and_nothing_is_touched(
    run: Callable[..., Any], data: Path, tmp_path: Path, write_toml: Callable[..., Path]
) -> None:
    write_toml()  # nobody listens there
    before = sorted(path.name for path in tmp_path.iterdir())
    done = run(*_arguments(data, "--estimate", "--json"))
    assert done.exit_code == 0, done.output
    assert sorted(path.name for path in tmp_path.iterdir()) == before
    told = json.loads(done.stdout)
    assert (told["rows"], told["to_ask"]) == (ROWS, ROWS)
    assert told["input_tokens"] == _tokens(range(ROWS))
    output = told["output_tokens_per_answer"]
    assert output == 3
    tiny, large = (told["arms"][f"sim/{name}"] for name in ("tiny", "large"))
    listed = (_tokens(range(ROWS)) * 10.0 + ROWS * output * 30.0) / 1e6
    assert large["list_usd"] == pytest.approx(listed)
    assert (large["learned_usd"], large["expected_usd"]) == (None, large["list_usd"])
    assert large["at_most_usd"] > 3 * large["list_usd"]
    assert tiny["share"] + large["share"] == pytest.approx(1.0)
    routing = told["routing"]
    assert (routing["cheapest"], routing["dearest"]) == ("sim/tiny", "sim/large")
    mixed = tiny["share"] * tiny["list_usd"] + large["share"] * large["list_usd"]
    assert routing["expected_usd"] == pytest.approx(mixed, rel=0.05)
    assert any("is an assumption" in each for each in told["assumptions"])


def test_what_was_billed_takes_the_place_of_the_guess_and_answered_rows_are_left_out(
    run: Callable[..., Any], data: Path, tmp_path: Path, write_toml: Callable[..., Path]
) -> None:
    with Upstream(_billing).serving() as url:
        write_toml(url, policy="fixed:sim/large")
        run(*_arguments(data, "--limit", 8))
    answers, log = (tmp_path / "in.labels.jsonl").read_bytes(), (tmp_path / "log.db").read_bytes()
    with (tmp_path / "in.labels.jsonl").open("ab") as file:
        file.write(b'{"row": 9, "dig')  # as a kill would leave it
    told = json.loads(run(*_arguments(data, "--estimate", "--json")).stdout)
    assert (told["rows"], told["to_ask"]) == (ROWS, ROWS - 8)
    large, tiny = told["arms"]["sim/large"], told["arms"]["sim/tiny"]
    billed = (400 * 10.0 + 100 * 30.0) / 1e6
    assert large["learned_usd"] == pytest.approx(4 * billed, rel=0.2)
    assert large["expected_usd"] == large["learned_usd"]
    assert tiny["learned_usd"] is None
    assert told["routing"]["expected_usd"] == pytest.approx(large["learned_usd"])
    assert (tmp_path / "in.labels.jsonl").read_bytes() == answers + b'{"row": 9, "dig'
    assert (tmp_path / "log.db").read_bytes() == log


def test_what_single_models_are_expected_to_cost_is_what_they_then_cost(
    run: Callable[..., Any], data: Path, write_toml: Callable[..., Path]
) -> None:
    def as_guessed(body: Mapping[str, Any]) -> Said:
        return "billing", Usage(round(len(body["messages"][0]["content"]) / 4), 3)

    with Upstream(as_guessed).serving() as url:
        write_toml(url, policy="fixed:sim/large")
        told = json.loads(run(*_arguments(data, "--estimate", "--json")).stdout)
        came = json.loads(run(*_arguments(data, "--budget", 1, "--json")).stdout)
    assert came["cost_usd"] == pytest.approx(told["routing"]["expected_usd"])
    assert came["cost_usd"] == pytest.approx(told["arms"]["sim/large"]["list_usd"])
    assert came["cost_usd"] < told["arms"]["sim/large"]["at_most_usd"]


def test_examples_are_part_of_every_prompt(
    run: Callable[..., Any], data: Path, tmp_path: Path, write_toml: Callable[..., Path]
) -> None:
    write_toml()
    plain, few = (
        json.loads(run(*_arguments(data, "--estimate", "--json", "--truth", "team", *more)).stdout)
        for more in ((), ("--few-shot", 4))
    )
    assert (few["examples"], few["to_ask"]) == (4, ROWS - 4)
    assert few["input_tokens"] > 3 * plain["input_tokens"]
    assert not (tmp_path / "in.labels.jsonl").exists()


def test_recorded_outcomes_count_as_learned(
    run: Callable[..., Any], data: Path, tmp_path: Path, write_toml: Callable[..., Path]
) -> None:
    write_toml()
    recorded = tmp_path / "recorded.parquet"
    pq.write_table(synthetic_recordings(0, 20), recorded)
    told = json.loads(run(*_arguments(data, "--estimate", "--json", "--warm", recorded)).stdout)
    assert all(arm["learned_usd"] > 0 for arm in told["arms"].values())
    assert not (tmp_path / "log.db").exists()


def test_an_unknown_price_is_flagged_and_never_nothing(
    run: Callable[..., Any], data: Path, write_toml: Callable[..., Path]
) -> None:
    path = write_toml(policy="random")
    path.write_text(f'{path.read_text()}[[arms]]\nname = "sim/odd"\nprice = "unknown"\n')
    arguments = _arguments(data, "--estimate")
    told = json.loads(run(*arguments, "--json").stdout)
    odd = told["arms"]["sim/odd"]
    assert [odd[key] for key in ("list_usd", "learned_usd", "expected_usd", "at_most_usd")] == [
        None
    ] * 4
    assert not odd["price_known"]
    assert told["routing"]["unknown_share"] == pytest.approx(1 / 3)
    assert told["routing"]["dearest"] == "sim/large"
    shown = run(*arguments)
    assert "UNKNOWN: 33.3 % of the rows would go to sim/odd" in shown.stderr
    assert "no bound" in shown.stdout
    path.write_text('[[arms]]\nname = "sim/odd"\nprice = "unknown"\n')
    only = run(*arguments)
    assert only.exit_code == 0, only.output
    assert "the cost cannot be told" in only.stderr
    assert json.loads(run(*arguments, "--json").stdout)["routing"]["expected_usd"] is None


def test_it_is_told_in_words_with_what_it_assumes(
    run: Callable[..., Any], data: Path, write_toml: Callable[..., Path]
) -> None:
    write_toml()
    done = run(*_arguments(data, "--estimate", "--max-calls", 3))
    assert done.exit_code == 0, done.output
    assert "12 of 12 rows would be asked; nobody was, and nothing is written" in done.stderr
    for words in ("routed as the router chooses now (squarecb)", "always sim/large",
                  "four characters a token", "an assumption", "under --budget",
                  "up to 2 more may follow"):  # fmt: skip
        assert words in done.stderr
    gateway = run(*_arguments(data, "--estimate", "--gateway", "http://127.0.0.1:9"))
    assert gateway.exit_code == 2
    assert "--estimate needs the arms and their prices" in gateway.stderr


def test_where_nothing_is_left_there_is_nothing_to_estimate(
    run: Callable[..., Any], data: Path, write_toml: Callable[..., Path]
) -> None:
    with Upstream(_billing).serving() as url:
        write_toml(url)
        run(*_arguments(data))
        done = run(*_arguments(data, "--estimate"))
        told = json.loads(run(*_arguments(data, "--estimate", "--json")).stdout)
    assert "0 of 12 rows would be asked" in done.stderr
    assert done.stdout == ""
    assert (told["to_ask"], told["routing"]["expected_usd"]) == (0, 0.0)
