from __future__ import annotations

import csv
import json
import os
import subprocess
import sys
import time
from collections.abc import Callable
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

from metallm.assembly import Router
from metallm.cli.main import app
from metallm.gateway.app import create_app
from metallm.providers.scripted import ScriptedProvider
from metallm.settings import load_settings
from servers import running

LABELS = ("billing", "delivery")
TEXTS = [
    "the invoice was charged twice",
    "my parcel never came \x1b[2J",
    "refund the second payment please",
    "the courier left it in the rain",
    "card declined at the checkout",
    "tracking has said tomorrow for a week",
]


def _router(config: Path, **settings: Any) -> Router:
    provider = ScriptedProvider({"sim/tiny": "billing", "sim/large": "delivery"})
    return Router.from_settings(load_settings(config, **settings), provider=provider)


@pytest.fixture
def config(write_toml: Callable[..., Path]) -> Path:
    return write_toml()


@pytest.fixture
def ids(config: Path) -> list[str]:
    """Classifications without labels, in a log with their texts."""
    with closing(_router(config, router={"log_prompts": True})) as router:
        found = [router.classify_sync(text, LABELS, task="tickets") for text in TEXTS]
    return [each.decision_id for each in found]


def _label(config: Path, *arguments: object, keys: str = "") -> Any:
    words = ["label", "--config", config, *arguments]
    return CliRunner().invoke(app, [str(word) for word in words], input=keys)


def _labels(config: Path) -> dict[str, list[str]]:
    """Every label in the log, by decision, oldest first."""
    done = CliRunner().invoke(app, ["log", "--json", "--limit", "99", "--config", str(config)])
    told = [json.loads(line) for line in done.stdout.splitlines()]
    return {
        each["id"]: [one["label"] for one in each["outcomes"] if one["kind"] == "feedback"]
        for each in told
    }


def test_labels_that_are_typed_are_in_the_log_and_agreement_is_told(
    config: Path, ids: list[str]
) -> None:
    done = _label(config, "-n", 4, keys="1\ndel\ns\n2\n")
    assert done.exit_code == 0, done.output
    assert "[1 of 4] · tickets" in done.stderr
    assert "3 labels told" in done.stderr
    told = [labels for labels in _labels(config).values() if labels]
    assert sorted(told) == [["billing"], ["delivery"], ["delivery"]]
    agreed = [line.split() for line in done.stdout.splitlines() if "sim/" in line]
    assert sum(int(row[3]) for row in agreed) == 3
    assert "\x1b" not in done.output


def test_a_labelled_query_is_not_asked_about_again(config: Path, ids: list[str]) -> None:
    _label(config, keys="1\n1\n")
    done = _label(config, keys="q\n")
    assert "[1 of 4]" in done.stderr
    _label(config, keys="1\n" * 4)
    nothing = _label(config)
    assert nothing.exit_code == 2
    assert "nothing to label" in nothing.stderr


def test_going_back_corrects_the_last_label(config: Path, ids: list[str]) -> None:
    done = _label(config, keys="1\nb\n2\nq\n")
    assert done.exit_code == 0, done.output
    assert "· labelled billing" in done.stderr
    assert [labels for labels in _labels(config).values() if labels] == [["billing", "delivery"]]
    assert "1 label told" in done.stderr


def test_going_back_from_the_first_stays_there_and_other_keys_are_explained(
    config: Path, ids: list[str]
) -> None:
    done = _label(config, keys="b\n7\n1\n")
    assert "that is none of the labels" in done.stderr
    assert done.stderr.count("[1 of 6]") == 2
    assert sum(map(len, _labels(config).values())) == 1


def test_answers_are_shown_after_the_choice_unless_asked_for(config: Path, ids: list[str]) -> None:
    hidden = _label(config, keys="q\n")
    assert "sim/" not in hidden.stderr
    shown = _label(config, "--show-answers", keys="q\n")
    assert "answered: sim/" in shown.stderr
    after = _label(config, keys="1\n")
    assert "· answered: sim/" in after.stderr


def test_only_the_named_task_is_asked_about(config: Path, ids: list[str]) -> None:
    assert "[1 of 6] · tickets" in _label(config, "--task", "tickets", keys="q\n").stderr
    other = _label(config, "--task", "letters")
    assert other.exit_code == 2
    assert "there are some of: tickets" in other.stderr


def test_texts_that_were_not_logged_are_said_to_be_missing(config: Path) -> None:
    with closing(_router(config)) as router:
        name = router.classify_sync(TEXTS[0], LABELS).decision_id
    none = _label(config)
    assert none.exit_code == 2
    assert "none of 1 queries has its text" in none.stderr
    assert "router.log_prompts = true" in none.stderr
    with closing(_router(config, router={"log_prompts": True})) as router:
        router.classify_sync(TEXTS[1], LABELS)
    some = _label(config, keys="q\n")
    assert "1 of 2 queries have no text" in some.stderr
    assert "[1 of 1]" in some.stderr
    table = config.parent / "queue.csv"
    done = _label(config, "--export", table)
    assert "1 of 2 have no text" in done.stderr
    assert name in table.read_text()


def test_an_exported_queue_comes_back_with_labels_and_bad_rows_are_named(
    config: Path, ids: list[str]
) -> None:
    table = config.parent / "queue.csv"
    done = _label(config, "--export", table, "-n", 5)
    assert done.exit_code == 0, done.output
    with table.open(newline="") as file:
        rows = list(csv.DictReader(file))
    assert list(rows[0]) == ["decision_id", "text", "task", "labels", "label"]
    assert {row["decision_id"] for row in rows} <= set(ids)
    assert {row["labels"] for row in rows} == {"billing | delivery"}
    for row, label in zip(rows, ["billing", "postage", "", "delivery", "billing"], strict=True):
        row["label"] = label
    rows[3]["decision_id"] = "dec_nowhere"
    with table.open("w", newline="") as file:
        writer = csv.DictWriter(file, list(rows[0]))
        writer.writeheader()
        writer.writerows(rows)
    told = _label(config, "--import", table)
    assert told.exit_code == 1
    assert "2 labels told, 1 rows left empty" in told.stdout
    assert f"row 2 of {table}" in told.stderr
    assert "postage" in told.stderr
    assert f"row 4 of {table}" in told.stderr
    assert "dec_nowhere" in told.stderr
    found = {name: labels for name, labels in _labels(config).items() if labels}
    assert found == {rows[0]["decision_id"]: ["billing"], rows[4]["decision_id"]: ["billing"]}
    assert "2 labels told" in _label(config, "--import", table).stdout
    assert {name: labels for name, labels in _labels(config).items() if labels} == found


def test_a_table_takes_no_earlier_label_back(config: Path, ids: list[str]) -> None:
    table = config.parent / "filled.csv"
    for label, code in (("billing", 0), ("delivery", 1)):
        table.write_text(f"decision_id,label\n{ids[0]},{label}\n")
        assert _label(config, "--import", table).exit_code == code
    assert _labels(config)[ids[0]] == ["billing"]


def test_a_spreadsheet_runs_no_text(config: Path) -> None:
    with closing(_router(config, router={"log_prompts": True})) as router:
        router.classify_sync("=HYPERLINK(A1)", LABELS)
    table = config.parent / "queue.csv"
    _label(config, "--export", table)
    with table.open(newline="") as file:
        (row,) = csv.DictReader(file)
    assert row["text"] == "'=HYPERLINK(A1)"


def test_a_log_that_a_gateway_writes_is_labelled_through_the_gateway(
    config: Path, ids: list[str]
) -> None:
    router = _router(config, router={"log_prompts": True})
    with running(create_app(router.caller, on_close=router.aclose)) as url:
        busy = _label(config, keys="1\n")
        assert busy.exit_code == 1
        assert "is being written by another store" in busy.stderr
        assert "--gateway URL" in busy.stderr
        done = _label(config, "--gateway", url, keys="1\nb\n2\n1\n")
        assert done.exit_code == 0, done.output
        told = sorted(labels for labels in _labels(config).values() if labels)
        assert told == [["billing"], ["billing", "delivery"]]
        table = config.parent / "filled.csv"
        table.write_text(f"decision_id,label\n{ids[0]},postage\n")
        refused = _label(config, "--gateway", f"{url}/v1", "--import", table)
        assert refused.exit_code == 1
        assert "row 1" in refused.stderr


def test_a_gateway_that_is_not_there_is_told(config: Path, ids: list[str]) -> None:
    done = _label(config, "--gateway", "http://127.0.0.1:9", keys="1\n")
    assert done.exit_code == 1
    assert "cannot be reached" in done.stderr
    odd = _label(config, "--gateway", "localhost")
    assert odd.exit_code == 2
    assert "--gateway takes a URL" in odd.stderr


def test_options_that_cannot_go_together_are_refused(
    config: Path, write_toml: Callable[..., Path]
) -> None:
    both = _label(config, "--export", "a.csv", "--import", "b.csv")
    assert both.exit_code == 2
    assert "not both" in both.stderr
    assert "store.path is empty" in _label(write_toml(store="")).stderr


def test_a_log_that_is_not_there_is_told_and_not_begun(config: Path) -> None:
    for more in ([], ["--import", "filled.csv"], ["--export", "queue.csv"]):
        done = _label(config, *more)
        assert done.exit_code == 1
        assert "there is no log at" in done.stderr
    assert not (config.parent / "log.db").exists()


@pytest.mark.process
@pytest.mark.skipif(sys.platform == "win32", reason="there are no pseudo-terminals")
def test_on_a_terminal_one_key_is_one_label_and_ctrl_c_keeps_what_was_told(
    config: Path, ids: list[str]
) -> None:
    import pty
    import termios

    ours, theirs = pty.openpty()
    deadline = time.monotonic() + 60.0
    process = subprocess.Popen(
        [sys.executable, "-m", "metallm.cli", "label", "--config", str(config)],
        stdin=theirs,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    try:
        assert process.stderr is not None
        for said, key in (("[1 of 6]", b"1"), ("[2 of 6]", b"2"), ("[3 of 6]", b"\x03")):
            while said not in (line := process.stderr.readline()):
                assert line, process.poll()
            while "q quit" not in (line := process.stderr.readline()):
                assert line, process.poll()
            # a key that comes before the terminal gives single keys would be thrown away
            while termios.tcgetattr(theirs)[3] & termios.ICANON:
                assert time.monotonic() < deadline
            os.write(ours, key)
        _, rest = process.communicate(timeout=60)
    finally:
        if process.poll() is None:
            process.kill()
            process.communicate()
        os.close(ours)
        os.close(theirs)
    assert process.returncode == 130
    assert "2 labels are told and kept" in rest
    told = sorted(labels for labels in _labels(config).values() if labels)
    assert told == [["billing"], ["delivery"]]
