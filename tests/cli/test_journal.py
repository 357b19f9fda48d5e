from __future__ import annotations

from pathlib import Path

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
