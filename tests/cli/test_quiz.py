from __future__ import annotations

import asyncio
import csv
import json
import signal
import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pyarrow.parquet as pq
import pytest
from typer.testing import CliRunner

from cli.processes import TIMEOUT_S, started
from metallm.assembly import Router
from metallm.cli.guard import WorkFailedError
from metallm.cli.main import app
from metallm.cli.quiz_door import QuizDoor
from metallm.sandbox.app import create_app
from metallm.sandbox.synthetic import items, synthetic_recordings
from metallm.settings import load_settings
from metallm.tables.recordings import Recordings
from servers import running

Run = Callable[..., Any]


@pytest.fixture(scope="module")
def recordings() -> Recordings:
    return Recordings.read(synthetic_recordings(0, 15))


@pytest.fixture
def data(tmp_path: Path) -> Path:
    path = tmp_path / "recorded.parquet"
    pq.write_table(synthetic_recordings(0, 15), path)
    return path


@pytest.fixture
def upstream(recordings: Recordings, write_toml: Callable[..., Path]) -> Iterator[str]:
    with running(create_app(recordings)) as url:
        write_toml(f"{url}/v1")
        yield url


def quiz(run: Run, data: Path, *more: object) -> Any:
    return run("quiz", "sim/tiny", "--from", data, "--yes", "--json", *more)


def logged(run: Run) -> list[dict[str, Any]]:
    lines = run("log", "--limit", 999, "--json").stdout.splitlines()
    return [json.loads(line) for line in lines]


def test_the_arm_is_asked_as_recorded_and_its_answers_are_learned(
    run: Run, data: Path, upstream: str, recordings: Recordings
) -> None:
    done = quiz(run, data, "--prompts", 20)
    assert done.exit_code == 0, done.output
    told = json.loads(done.stdout)
    assert "20 prompts for sim/tiny, expected to cost $0.000" in done.stderr
    decisions = logged(run)
    assert len(decisions) == told["rows"] == told["prompts"] == 20
    assert {each["arm"] for each in decisions} == {"sim/tiny"}
    assert {each["policy"] for each in decisions} == {"named"}
    assert {each["propensity"] for each in decisions} == {1.0}
    outcomes = [each["outcomes"] for each in decisions]
    assert all([o["kind"] for o in each] == ["completion", "feedback"] for each in outcomes)
    # the sandbox answers as the model did, so the scores are the recorded ones
    scored = sum(each[1]["quality"] for each in outcomes)
    assert told["accuracy"] == pytest.approx(scored / 20)
    assert 0.0 < scored < 20
    assert told["bill_usd"] == pytest.approx(sum(each[0]["cost_usd"] for each in outcomes))
    assert told["bill_usd"] > 0.0
    assert told["accuracy_interval"][0] < told["accuracy"] < told["accuracy_interval"][1]
    router = Router.from_settings(load_settings())
    try:
        assert router.knowledge.outcomes == 20
    finally:
        router.close()


def test_what_was_answered_is_not_asked_again_and_more_prompts_are_the_others(
    run: Run, data: Path, upstream: str
) -> None:
    first = json.loads(quiz(run, data, "--prompts", 6).stdout)
    again = quiz(run, data, "--prompts", 6)
    told = json.loads(again.stdout)
    assert "6 of 6 prompts are answered already" in again.stderr
    assert (told["bill_usd"], told["expected_usd"], told["answered_before"]) == (0.0, 0.0, 6)
    assert told["accuracy"] == first["accuracy"]
    assert told["cost_usd"] == pytest.approx(first["cost_usd"])
    more = json.loads(quiz(run, data, "--prompts", 10).stdout)
    assert (more["answered_before"], more["rows"]) == (6, 10)
    assert len(logged(run)) == 10
    # another arm has answered nothing yet
    other = run("quiz", "sim/large", "--from", data, "--yes", "--json", "--prompts", 3)
    assert json.loads(other.stdout)["answered_before"] == 0


def test_prompts_that_fail_are_asked_again_and_no_others(
    run: Run, data: Path, recordings: Recordings, write_toml: Callable[..., Path]
) -> None:
    with running(create_app(recordings, error_rate=0.5, seed=1)) as url:
        write_toml(f"{url}/v1")
        done = quiz(run, data, "--prompts", 20, "--concurrency", 1)
    assert done.exit_code == 1
    failed = json.loads(done.stdout)["failed"]
    assert 0 < failed < 20
    assert f"error: {failed} of 20 prompts failed" in done.stderr
    with running(create_app(recordings)) as url:
        write_toml(f"{url}/v1")
        again = quiz(run, data, "--prompts", 20)
    told = json.loads(again.stdout)
    assert (again.exit_code, told["answered_before"], told["rows"]) == (0, 20 - failed, 20)
    assert len(logged(run)) == 20 + failed


def test_an_answer_without_its_judgement_is_judged_and_not_asked_again(
    run: Run, data: Path, upstream: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def broken(self: QuizDoor, decision_id: str, label: str) -> None:
        raise WorkFailedError("as if it was killed here")

    with monkeypatch.context() as patched:
        patched.setattr(QuizDoor, "judge", broken)
        assert quiz(run, data, "--prompts", 5, "--concurrency", 1).exit_code == 1
    (before,) = logged(run)
    assert [each["kind"] for each in before["outcomes"]] == ["completion"]
    told = json.loads(quiz(run, data, "--prompts", 5).stdout)
    assert (told["answered_before"], told["rows"]) == (1, 5)
    decisions = logged(run)
    assert len(decisions) == 5
    assert all(each["outcomes"][-1]["kind"] == "feedback" for each in decisions)


def test_an_interrupt_says_how_to_go_on(
    run: Run, data: Path, upstream: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    def interrupted(*_: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr("metallm.cli.quiz._Quiz._ask", interrupted)
    done = quiz(run, data, "--prompts", 5)
    assert done.exit_code == 130
    assert "0 of 5 prompts are answered in the log; the same command goes on" in done.stderr


@pytest.mark.parametrize(("answer", "code", "asked"), [("y\n", 0, 3), ("n\n", 2, 0), ("", 2, 0)])
def test_the_cost_is_told_and_confirmed_before_anything_is_asked(
    run: Run, data: Path, upstream: str, answer: str, code: int, asked: int
) -> None:
    arguments = ["quiz", "sim/large", "--from", str(data), "--prompts", "3"]
    done = CliRunner().invoke(app, arguments, input=answer)
    assert done.exit_code == code, done.output
    assert done.stderr.index("expected to cost $0.00") < done.stderr.index("Ask them?")
    assert len(logged(run)) == asked
    if asked:
        assert "sim/large" in done.stdout
        assert "95 % interval of the accuracy" in done.stderr
        assert "bill of this run $0.00" in done.stderr
    else:
        assert "error: nothing was asked" in done.stderr


def test_an_unknown_price_is_told_as_such_and_is_no_bill_of_0(
    run: Run, data: Path, tmp_path: Path, recordings: Recordings
) -> None:
    with running(create_app(recordings)) as url:
        arm = f'[[arms]]\nname = "sim/tiny"\nbase_url = "{url}/v1"\nprice = "unknown"\n'
        (tmp_path / "metallm.toml").write_text(f'[store]\npath = "log.db"\n{arm}')
        told = json.loads(quiz(run, data, "--prompts", 3).stdout)
        done = run("quiz", "sim/tiny", "--from", data, "--yes", "--prompts", 5)
    assert (told["expected_usd"], told["bill_usd"], told["bill_unknown"]) == (None, 0.0, 3)
    assert "2 prompts for sim/tiny, at an unknown cost" in done.stderr
    assert "and 2 answers of unknown cost" in done.stderr


def test_without_a_file_the_logs_own_classifications_are_asked(
    run: Run, tmp_path: Path, upstream: str
) -> None:
    rows = [item for item in items(0, 15) if item.task == "synthetic/topic"]
    table = tmp_path / "in.csv"
    with table.open("w", newline="") as file:
        csv.writer(file).writerows([("body", "team"), *((r.text, r.label) for r in rows)])
    classify = ("classify", table, "--text", "body", "--truth", "team", "--policy",
                "fixed:sim/large", "--labels", "account,billing,delivery,technical")  # fmt: skip
    assert run(*classify, "--limit", 5).exit_code == 0
    empty = run("quiz", "sim/tiny", "--yes")
    assert empty.exit_code == 2
    assert "router.log_prompts = true" in empty.stderr
    kept = run("--set", "router.log_prompts=true", *classify, "--out", tmp_path / "all.jsonl")
    assert kept.exit_code == 0, kept.output
    done = run("quiz", "sim/tiny", "--yes", "--json", "--prompts", 8)
    told = json.loads(done.stdout)
    assert (told["rows"], told["judged"], told["answered_before"]) == (8, 8, 0)
    # large has answered them all in the traffic itself
    large = json.loads(run("quiz", "sim/large", "--yes", "--json", "--prompts", 8).stdout)
    assert (large["answered_before"], large["bill_usd"]) == (8, 0.0)


def test_what_is_left_out_is_told(
    run: Run, tmp_path: Path, write_toml: Callable[..., Path]
) -> None:
    write_toml()
    path = tmp_path / "prompts.csv"
    with path.open("w", newline="") as file:
        rows = [(f"query {i}", "AB"[i % 2], "choice") for i in range(4)]
        rows += [(f"sum {i}", f"{i} apples", "sums") for i in range(3)]
        csv.writer(file).writerows([("query", "reference", "dataset"), *rows, ("open", "", "sums")])
    done = run("quiz", "sim/tiny", "--from", path, "--prompts", 2)
    assert "left out: 1 queries have no reference" in done.stderr
    assert "left out: 3 queries have a reference that is no letter" in done.stderr


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        (("nobody",), "no arm is called 'nobody'"),
        (("sim/tiny", "--from", "none.csv"), "there is no file none.csv"),
        (("sim/tiny", "--store", ""), "what a quiz teaches would be lost"),
    ],
)
def test_what_cannot_work_is_one_line_and_exit_2(
    run: Run, write_toml: Callable[..., Path], arguments: tuple[str, ...], told: str
) -> None:
    write_toml()
    done = run("quiz", *arguments)
    assert done.exit_code == 2, done.output
    assert done.stderr.splitlines()[-1].startswith("error: ")
    assert told in done.stderr


def test_a_log_that_another_process_owns_is_told_before_anything_is_asked(
    run: Run, data: Path, upstream: str
) -> None:
    router = Router.from_settings(load_settings())
    try:
        done = quiz(run, data)
    finally:
        router.close()
    assert done.exit_code == 1
    assert "error: " in done.stderr
    assert "Ask them?" not in done.stderr


class Stuck:
    """Lets some requests through and holds the next until it is released."""

    def __init__(self, through: int) -> None:
        self.left = through
        self.reached = threading.Event()
        self.released = threading.Event()

    async def __call__(self, _: float) -> None:
        self.left -= 1
        if self.left < 0:
            self.reached.set()
            await asyncio.to_thread(self.released.wait, TIMEOUT_S)


@pytest.mark.process
@pytest.mark.parametrize("how", [signal.SIGINT, signal.SIGKILL])
def test_a_quiz_that_ends_early_has_kept_every_answer_that_came(
    run: Run, data: Path, tmp_path: Path, recordings: Recordings,
    write_toml: Callable[..., Path], how: signal.Signals,
) -> None:  # fmt: skip
    stuck = Stuck(through=4)
    arguments = ("quiz", "sim/tiny", "--from", data, "--yes", "--json", "--prompts", 9)
    with running(create_app(recordings, latency_s=1.0, sleep=stuck)) as url:
        write_toml(f"{url}/v1")
        with started(*arguments, "--concurrency", 1, cwd=tmp_path) as process:
            assert stuck.reached.wait(TIMEOUT_S)
            process.send_signal(how)
            _, stderr = process.communicate(timeout=TIMEOUT_S)
        stuck.released.set()
        if how is signal.SIGINT:
            assert process.returncode == 130
            assert "4 of 9 prompts are answered in the log" in stderr
            assert "Traceback" not in stderr
        told = json.loads(run(*arguments).stdout)
    assert (told["answered_before"], told["rows"], told["failed"]) == (4, 9, 0)
    answered = [each for each in logged(run) if each["outcomes"][-1:] and
                each["outcomes"][-1]["kind"] == "feedback"]  # fmt: skip
    assert len(answered) == 9
