"""The answers so far, one line a row: what an interrupted bulk job goes on from."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Self

import orjson

from metallm.cli.answers_file import answer_of, read_answers, write_answers
from metallm.cli.files import check_writable, write_atomically
from metallm.errors import ConfigurationError, InputError

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from io import FileIO
    from pathlib import Path
    from types import TracebackType

    import pyarrow as pa

    from metallm.cli.rows import Row

SUFFIXES = (".jsonl", ".csv", ".parquet")


class Journal:
    """Answers by row, kept on disk as they come.

    A .jsonl file is its own journal, put in order at the end. A .csv or .parquet file is written
    as a whole at the end, from a journal beside it; where such a file is there without a journal,
    its answers are gone on from.

    Args:
        out: where the answers are to be in the end.
        rows: what is to be answered.
        look: only to look at: nothing is changed on disk, and nothing can be added.

    Attributes:
        out: as given.
        path: the journal.
        keeps_itself: whether the answers' file is its own journal.
        answers: the newest answer of each row that has one, or the failure to get one, by number.

    Raises:
        ConfigurationError: the file cannot be written, or is there and not ours.
        InputError: the journal belongs to another input or other labels.
    """

    def __init__(self, out: Path, rows: Sequence[Row], *, look: bool = False) -> None:
        if out.suffix.lower() not in SUFFIXES:
            raise ConfigurationError(f"{out}: the name must end in {', '.join(SUFFIXES)}")
        check_writable(out)
        self.out = out
        self._look = look
        self.keeps_itself = out.suffix.lower() == ".jsonl"
        self.path = out if self.keeps_itself else out.with_name(out.name + ".partial.jsonl")
        check_writable(self.path)
        self._finished = not self.keeps_itself and out.exists() and not self.path.exists()
        found = read_answers(out) if self._finished else self._lines()
        self.answers = {answer["row"]: answer for answer in found}
        self._in_order = [answer["row"] for answer in found] == sorted(self.answers)
        self._check({row.number: row for row in rows})
        self._file: FileIO | None = None

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        if self._file is not None:
            self._file.close()

    def add(self, answer: Mapping[str, Any]) -> None:
        """Keep an answer. It is with the operating system on return, and outlives a kill."""
        if self._file is None:
            if self._finished:  # all or none of what is known, whenever it is killed
                known = b"".join(orjson.dumps(each) + b"\n" for each in self.answers.values())
                write_atomically(self.path, lambda path: path.write_bytes(known))
            self._file = self.path.open("ab", buffering=0)
        self._file.write(orjson.dumps(answer) + b"\n")
        self.answers[answer["row"]] = dict(answer)

    def note(self, answer: Mapping[str, Any]) -> None:
        """Keep what no call was made for; a journal that is only looked at knows it in memory."""
        if self._look:
            self.answers[answer["row"]] = dict(answer)
        else:
            self.add(answer)

    def finish(self, *, complete: bool, kept: pa.Table | None = None) -> None:
        """Write the answers in the order of the rows, unless they stand there so already.

        Args:
            complete: every row has an answer, so that the journal beside is of no more use.
            kept: columns of the input to write beside them.

        Raises:
            ConfigurationError: the file could not be written; the journal is kept.
        """
        as_before = self._file is None and self._in_order and kept is None
        if not self.answers or (as_before and (self.keeps_itself or self._finished)):
            return
        ordered = [self.answers[number] for number in sorted(self.answers)]
        suffix = self.out.suffix.lower()
        write_atomically(self.out, lambda path: write_answers(path, suffix, ordered, kept))
        if complete and not self.keeps_itself:
            self.path.unlink(missing_ok=True)

    def _lines(self) -> list[dict[str, Any]]:
        """What the journal's file holds, oldest first."""
        if not self.path.exists():
            return []
        data = self.path.read_bytes()
        whole = data.rfind(b"\n") + 1
        answers = [answer_of(line, self.path) for line in data[:whole].splitlines()]
        if whole < len(data) and not self._look:
            # a kill left half a line, which the next one must not be glued to
            with self.path.open("r+b") as file:
                file.truncate(whole)
        return answers

    def _check(self, rows: Mapping[int, Row]) -> None:
        """Refuse answers to something else."""
        for number, answer in self.answers.items():
            row = rows.get(number)
            # a row beyond --limit is kept for a run that takes more rows
            if row is not None and row.digest != answer["digest"]:
                raise InputError(
                    f"{self.out if self._finished else self.path} holds answers for another input "
                    f"or other labels (row {number} differs): name another --out, or remove it"
                )
