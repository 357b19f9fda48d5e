"""What was collected so far, a line each: an interrupted collection goes on from it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Self

import orjson

from metallm.cli.files import check_writable, write_atomically
from metallm.errors import ConfigurationError

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence
    from io import FileIO
    from pathlib import Path
    from types import TracebackType

SUFFIXES = (".parquet", ".csv", ".jsonl")
TEXTS = ("query_id", "dataset", "query", "question", "reference", "model", "response")
NUMBERS = ("score", "cost_usd", "input_tokens", "output_tokens", "latency_s")
"""The columns of the table, in order."""


class Collected:
    """Outcomes by query and model, kept on disk as they come, and a table of them at the end.

    Args:
        out: where the table is to be.

    Attributes:
        path: the lines, beside it.
        outcomes: the newest of each query and model; with an error where there is no answer.

    Raises:
        ConfigurationError: the files cannot be written, or hold something else.
    """

    def __init__(self, out: Path) -> None:
        if out.suffix.lower() not in SUFFIXES:
            raise ConfigurationError(f"{out}: the name must end in {', '.join(SUFFIXES)}")
        self.out = out
        self.path = out.with_name(out.name + ".partial.jsonl")
        check_writable(out)
        check_writable(self.path)
        if out.exists() and not self.path.exists():
            raise ConfigurationError(
                f"{out} is there already and complete, or not ours: remove it, or name another"
            )
        self.outcomes = self._read()
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

    def has(self, query_id: str, model: str) -> bool:
        """Whether an answer came, and was scored."""
        known = self.outcomes.get((query_id, model))
        return known is not None and known.get("error") is None

    def add(self, outcome: Mapping[str, Any]) -> None:
        """Keep an outcome. It is with the operating system on return, and outlives a kill."""
        if self._file is None:
            self._file = self.path.open("ab", buffering=0)
        self._file.write(orjson.dumps(outcome) + b"\n")
        self.outcomes[outcome["query_id"], outcome["model"]] = dict(outcome)

    def finish(self, order: Sequence[tuple[str, str]], *, complete: bool) -> int:
        """Write the table of all that was answered.

        Args:
            order: queries and models, as they are to stand there.
            complete: nothing is left to ask, so that the lines are of no more use.

        Returns:
            How many rows it has; without any, no table is written.
        """
        rows = [self.outcomes[key] for key in order if self.has(*key)]
        if rows:
            write_atomically(self.out, lambda path: _write(path, self.out.suffix.lower(), rows))
        if rows and complete:
            self.path.unlink()
        return len(rows)

    def _read(self) -> dict[tuple[str, str], dict[str, Any]]:
        if not self.path.exists():
            return {}
        data = self.path.read_bytes()
        whole = data.rfind(b"\n") + 1
        if whole < len(data):
            # a kill left half a line, which the next one must not be glued to
            with self.path.open("r+b") as file:
                file.truncate(whole)
        return {(each["query_id"], each["model"]): each for each in self._lines(data[:whole])}

    def _lines(self, data: bytes) -> Iterator[dict[str, Any]]:
        for line in data.splitlines():
            try:
                outcome = orjson.loads(line)
            except orjson.JSONDecodeError:
                outcome = None
            if not isinstance(outcome, dict) or not {"query_id", "model"} <= outcome.keys():
                raise ConfigurationError(
                    f"{self.path} is there already and holds something else: name another --out"
                )
            yield outcome


def _write(path: Path, suffix: str, rows: Sequence[Mapping[str, Any]]) -> None:
    plain = [{name: row.get(name) for name in (*TEXTS, *NUMBERS)} for row in rows]
    if suffix == ".jsonl":
        path.write_bytes(b"".join(orjson.dumps(row) + b"\n" for row in plain))
        return
    import pyarrow as pa
    from pyarrow import csv, parquet

    columns = [(name, pa.string()) for name in TEXTS] + [(name, pa.float64()) for name in NUMBERS]
    table = pa.Table.from_pylist(plain, pa.schema(columns))
    if suffix == ".csv":
        csv.write_csv(table, path)
    else:
        parquet.write_table(table, path)
