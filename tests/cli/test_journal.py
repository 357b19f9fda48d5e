from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from metallm.cli.files import check_writable, write_atomically
from metallm.cli.journal import Journal
from metallm.cli.rows import Row, digest_of
from metallm.errors import ConfigurationError

ROW = Row(1, "text", None, digest_of("text", ("a", "b")))


def test_a_digest_keeps_texts_and_labels_apart() -> None:
    assert digest_of("ab", ("c",)) != digest_of("a", ("bc",))
    assert digest_of("a", ("b", "c")) != digest_of("a", ("c", "b"))
    assert digest_of("a", ("b",)) == digest_of("a", ("b",))


def test_opening_a_journal_writes_nothing(tmp_path: Path) -> None:
    with Journal(tmp_path / "out.jsonl", [ROW]) as journal:
        assert journal.answers == {}
    assert list(tmp_path.iterdir()) == []


def test_an_answer_is_on_disk_as_soon_as_it_is_kept(tmp_path: Path) -> None:
    answer = {"row": 1, "digest": ROW.digest, "label": "a"}
    with Journal(tmp_path / "out.csv", [ROW]) as journal:
        journal.add(answer)
        with Journal(tmp_path / "out.csv", [ROW]) as other:
            assert other.answers == {1: answer}


def test_of_a_failure_and_a_later_answer_the_later_counts(tmp_path: Path) -> None:
    out = tmp_path / "out.jsonl"
    with Journal(out, [ROW]) as journal:
        journal.add({"row": 1, "digest": ROW.digest, "label": None, "error": "x"})
        journal.add({"row": 1, "digest": ROW.digest, "label": "a"})
    with Journal(out, [ROW]) as again:
        assert again.answers[1]["label"] == "a"
        again.finish(complete=True)
    assert out.read_text().count("\n") == 1


def test_a_write_that_breaks_leaves_the_old_file(tmp_path: Path) -> None:
    path = tmp_path / "x.json"
    path.write_text("old")

    def broken(temporary: Path) -> None:
        temporary.write_text("half")
        raise OSError(28, "No space left on device")

    with pytest.raises(ConfigurationError, match="No space left"):
        write_atomically(path, broken)
    assert path.read_text() == "old"
    assert list(tmp_path.iterdir()) == [path]


def test_a_place_that_cannot_be_written_is_told(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with pytest.raises(ConfigurationError, match="it is a folder"):
        check_writable(tmp_path)
    monkeypatch.setattr("os.access", lambda *_: False)
    with pytest.raises(ConfigurationError, match="permission denied"):
        check_writable(tmp_path / "x")


@pytest.mark.parametrize("suffix", [".csv", ".parquet"])
def test_a_finished_table_is_gone_on_from_with_every_value_as_it_was(
    tmp_path: Path, suffix: str
) -> None:
    rows = [Row(n, f"t{n}", "007", digest_of(f"t{n}", ("007", "1e3"))) for n in range(1, 5)]
    answers: list[dict[str, Any]] = [
        {
            "row": 1, "label": "007", "arm": "sim/a", "cost_usd": 0.1, "confidence": 0.25,
            "calls": 1, "said": [{"arm": "sim/a", "label": "007"}], "decision_id": "1e5",
            "truth": "007", "correct": True, "at": 12.5, "digest": rows[0].digest,
        },
        {"row": 2, "label": "1e3", "truth": "1e3", "example": 1, "digest": rows[1].digest},
        {"row": 3, "label": None, "error": "no", "digest": rows[2].digest},
    ]  # fmt: skip
    out = tmp_path / f"out{suffix}"
    with Journal(out, rows) as journal:
        for answer in answers:
            journal.add(answer)
        journal.finish(complete=True)
    kept = out.read_bytes()
    with Journal(out, rows) as again:
        assert again.answers == {answer["row"]: answer for answer in answers}
        again.finish(complete=True)
        assert out.read_bytes() == kept
        again.add({"row": 4, "label": "007", "digest": rows[3].digest})
    # killed before the end: all that was known is in the journal beside
    with Journal(out, rows) as third:
        assert set(third.answers) == {1, 2, 3, 4}
        third.finish(complete=True)
    with Journal(out, rows) as last:
        assert set(last.answers) == {1, 2, 3, 4}
    assert [path.name for path in tmp_path.iterdir()] == [out.name]


@pytest.mark.parametrize("suffix", [".csv", ".parquet"])
def test_a_table_of_something_else_is_left_alone(tmp_path: Path, suffix: str) -> None:
    out = tmp_path / f"out{suffix}"
    out.write_text("row,label\n1,a\n")
    with pytest.raises(ConfigurationError, match="holds something else"):
        Journal(out, [ROW])


def test_answers_that_stand_in_order_are_not_written_again(tmp_path: Path) -> None:
    out = tmp_path / "out.jsonl"
    other = Row(2, "other", None, digest_of("other", ("a", "b")))
    with Journal(out, [ROW, other]) as journal:
        journal.add({"row": 2, "digest": other.digest, "label": "b"})
        journal.add({"row": 1, "digest": ROW.digest, "label": "a"})
    with Journal(out, [ROW, other]) as again:
        again.finish(complete=True)
    assert out.read_text().startswith('{"row":1,')
    before = out.stat().st_mtime_ns, out.stat().st_ino
    with Journal(out, [ROW, other]) as third:
        third.finish(complete=True)
    assert (out.stat().st_mtime_ns, out.stat().st_ino) == before
