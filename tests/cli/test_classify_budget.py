"""`metallm classify --budget`: never a cent more, over all runs."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import pytest

from cli.processes import started
from cli.upstreams import Said, Upstream
from metallm.core.ledger import as_usd, nano_usd
from metallm.core.price import Price, Usage

PRICES = {"tiny": Price(0.1, 0.3), "large": Price(10.0, 30.0)}
ROWS = 40
USAGE = Usage(120, 9)


def _price(model: str) -> Price:
    return PRICES[model.partition("/")[2] or model]


class _Billing:
    """An upstream that bills, and keeps the sum, failures included."""

    def __init__(self, fail_every: int = 0) -> None:
        self.billed = 0
        self.count = 0
        self._fail_every = fail_every

    def __call__(self, body: Mapping[str, Any]) -> Said:
        self.count += 1
        self.billed += nano_usd(_price(body["model"]).cost_usd(USAGE))
        if self._fail_every and self.count % self._fail_every == 0:
            return 500
        return ("billing", USAGE)


@pytest.fixture
def data(tmp_path: Path) -> Path:
    path = tmp_path / "in.jsonl"
    texts = [f"the {n}th invoice was charged twice" for n in range(ROWS)]
    path.write_text("".join(json.dumps({"body": text}) + "\n" for text in texts))
    return path


def _arguments(data: Path, *more: object) -> tuple[object, ...]:
    return ("classify", data, "--text", "body", "--labels", "billing,delivery", *more)


def _lines(path: Path) -> list[dict[str, Any]]:
    return [json.loads(line) for line in path.read_text().splitlines()]


@pytest.mark.parametrize("fail_every", [0, 3])
def test_runs_with_larger_and_larger_budgets_answer_all_rows_and_never_overspend(
    run: Callable[..., Any], data: Path, tmp_path: Path, write_toml: Callable[..., Path],
    fail_every: int,
) -> None:  # fmt: skip
    says = _Billing(fail_every)
    budget, left = 0.02, ROWS
    with Upstream(says).serving() as url:
        write_toml(url, policy="fixed:sim/large")
        for _ in range(20):
            done = run(*_arguments(data, "--budget", budget, "--json", "--concurrency", 5))
            told = json.loads(done.stdout)
            spent = told["budget"]
            assert as_usd(says.billed) <= spent["spent_usd"] <= budget
            assert told["cost_usd"] <= spent["spent_usd"] + 1e-9
            assert told["rows"] + told["failed"] + told["left"] == ROWS
            if done.exit_code == 0:
                break
            assert done.exit_code == 1
            if told["left"]:
                assert "with a larger --budget to go on" in done.stderr
                assert f"{told['left']} of 40 rows are not answered" in done.stderr
            assert told["left"] <= left
            left, budget = told["left"], budget * 1.5
        assert done.exit_code == 0, done.output
        assert budget > 0.04  # it took several
        asked = says.count
        assert told["rows"] == ROWS
        again = run(*_arguments(data, "--budget", budget, "--json"))
    assert says.count == asked
    assert json.loads(again.stdout)["budget"]["spent_usd"] == spent["spent_usd"]
    if not fail_every:  # every answer told its bill
        assert spent["spent_usd"] == pytest.approx(as_usd(says.billed), abs=1e-6)


def test_a_budget_sends_a_limit_of_output_and_nothing_else(
    run: Callable[..., Any], data: Path, write_toml: Callable[..., Path]
) -> None:
    upstream = Upstream(_Billing())
    with upstream.serving() as url:
        write_toml(url)
        run(*_arguments(data, "--limit", 3, "--out", "plain.jsonl"))
        run(*_arguments(data, "--limit", 3, "--budget", 1))
    plain, held = upstream.asked[:3], upstream.asked[3:]
    assert all("max_tokens" not in body for body in plain)
    assert [body["max_tokens"] for body in held] == [64] * 3
    assert {*held[0]} - {"max_tokens"} == {*plain[0]}


def test_nothing_is_asked_where_nothing_is_covered(
    run: Callable[..., Any], data: Path, tmp_path: Path, write_toml: Callable[..., Path]
) -> None:
    upstream = Upstream(_Billing())
    with upstream.serving() as url:
        write_toml(url)
        done = run(*_arguments(data, "--budget", 0))
    assert done.exit_code == 1
    assert "40 of 40 rows are not answered: $0.00 of the budget of $0.00" in done.stderr
    assert upstream.asked == []


def test_what_runs_without_a_budget_spent_counts(
    run: Callable[..., Any], data: Path, tmp_path: Path, write_toml: Callable[..., Path]
) -> None:
    with Upstream(_Billing()).serving() as url:
        write_toml(url)
        first = json.loads(run(*_arguments(data, "--limit", 10, "--json")).stdout)
        second = run(*_arguments(data, "--limit", 20, "--budget", 1, "--json"))
        told = json.loads(second.stdout)["budget"]
        assert told["spent_before_usd"] == pytest.approx(first["cost_usd"], abs=1e-7)
        assert "were spent by earlier runs" in second.stderr
        third = json.loads(run(*_arguments(data, "--limit", 30, "--json")).stdout)
        assert third["budget"] is None
        last = json.loads(run(*_arguments(data, "--budget", 1, "--json")).stdout)
    assert last["budget"]["spent_before_usd"] == pytest.approx(third["cost_usd"], abs=1e-7)
    assert last["budget"]["spent_usd"] == pytest.approx(last["cost_usd"], abs=1e-7)


def test_an_answer_without_usage_counts_with_the_most_it_can_have_cost(
    run: Callable[..., Any], data: Path, write_toml: Callable[..., Path]
) -> None:
    with Upstream(lambda _: ("billing", None)).serving() as url:
        write_toml(url)
        done = run(*_arguments(data, "--limit", 5, "--budget", 1, "--json"))
        told = json.loads(done.stdout)
        shown = run(*_arguments(data, "--limit", 6, "--budget", 1))
    assert told["budget"]["counted_in_full_usd"] == told["budget"]["spent_usd"] > told["cost_usd"]
    assert "calls whose bill is not known" in shown.stderr


def test_a_bill_above_its_bound_is_told(
    run: Callable[..., Any], data: Path, write_toml: Callable[..., Path]
) -> None:
    with Upstream(lambda _: ("billing", Usage(5000, 1))).serving() as url:
        write_toml(url)
        done = run(*_arguments(data, "--limit", 3, "--budget", 1, "--concurrency", 1))
    assert done.exit_code == 0, done.output
    assert "billed 5000 input and 1 output tokens" in done.stderr
    assert done.stderr.count("billed 5000") <= 2  # once an arm


def test_a_finished_table_keeps_what_was_spent_on_it(
    run: Callable[..., Any], data: Path, tmp_path: Path, write_toml: Callable[..., Path]
) -> None:
    with Upstream(_Billing()).serving() as url:
        write_toml(url, policy="fixed:sim/large")
        run(*_arguments(data, "--budget", 0.01, "--out", "out.csv"))  # covers no call
        assert [path.name for path in tmp_path.glob("out.csv*")] == ["out.csv.spent"]
        run(*_arguments(data, "--budget", 0.04, "--out", "out.csv"))
        assert len((tmp_path / "out.csv").read_text().splitlines()) > 1
        done = run(*_arguments(data, "--budget", 9, "--out", "out.csv", "--json"))
        assert done.exit_code == 0, done.output
        spent = json.loads(done.stdout)["budget"]["spent_usd"]
        again = run(*_arguments(data, "--budget", 9, "--out", "out.csv", "--json"))
    assert sorted(path.name for path in tmp_path.glob("out.csv*")) == ["out.csv", "out.csv.spent"]
    assert json.loads(again.stdout)["budget"]["spent_before_usd"] == spent


@pytest.mark.parametrize(
    ("line", "arguments", "told"),
    [
        ('price = "unknown"', (), "cannot be held to a budget: its price is unknown"),
        ("", (), "the price of arm 'sim/odd' is unknown"),
        (
            "input_price = 1\noutput_price = 1\noptions = { plugins = [1] }",
            (),
            "its options hold plugins",
        ),
        ('price = "unknown"', ("--gateway", "http://127.0.0.1:9"), "--budget is for a router in"),
    ],
)
def test_what_has_no_bound_is_refused_before_anything_is_asked(
    run: Callable[..., Any], data: Path, tmp_path: Path, write_toml: Callable[..., Path],
    line: str, arguments: tuple[str, ...], told: str,
) -> None:  # fmt: skip
    upstream = Upstream(_Billing())
    with upstream.serving() as url:
        path = write_toml(url)
        path.write_text(
            f'{path.read_text()}[[arms]]\nname = "sim/odd"\nbase_url = "{url}"\n{line}\n'
        )
        done = run(*_arguments(data, "--budget", 1, *arguments))
    assert done.exit_code == 2, done.output
    assert told in done.stderr
    assert upstream.asked == []
    assert not list(tmp_path.glob("*.spent"))


@pytest.mark.process
def test_a_kill_forgets_no_call(
    run: Callable[..., Any], data: Path, tmp_path: Path, write_toml: Callable[..., Path]
) -> None:
    says = _Billing()
    out = tmp_path / "in.labels.jsonl"
    with Upstream(says).serving() as url:
        write_toml(url)
        arguments = _arguments(data, "--budget", 0.2, "--concurrency", 3)
        with started(*arguments, cwd=tmp_path) as process:
            while process.poll() is None and not (out.exists() and out.stat().st_size):
                pass
            assert process.poll() is None, process.communicate()
            process.kill()
            process.wait()
        done = run(*_arguments(data, "--budget", 0.2, "--json"))
        spent = json.loads(done.stdout)["budget"]
    assert as_usd(says.billed) <= spent["spent_usd"] <= 0.2
    assert spent["spent_before_usd"] > 0
    assert {line["row"] for line in _lines(out)} <= set(range(1, ROWS + 1))
