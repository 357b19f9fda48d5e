"""The file of results: one JSON line each, found again by key, so that a run can be resumed.

An interrupt loses at most the line that was being written; such a torn line is passed over.
"""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass
from hashlib import blake2b
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from pathlib import Path

VERSION = "1"
"""Bump it when what a result means has changed: all results are then made anew."""


@dataclass(frozen=True, slots=True)
class Job:
    """One run of one method.

    Args:
        file: name of the table.
        kind: "offline", "cold", "warm25" and so on, "late", "never".
        method: name of the method.
        setting: name of its setting.
        shuffle: number of the shuffle, and the seed.
        cost_weight: p, where the kind has one.
    """

    file: str
    kind: str
    method: str
    setting: str
    shuffle: int
    cost_weight: float | None = None


def key(job: Job, fingerprint: str, meaning: str, embedder: str) -> str:
    """What a result is found again by.

    Args:
        job: what was run.
        fingerprint: of the table's file.
        meaning: what the setting's name stands for.
        embedder: id of what made the contexts.
    """
    said = blake2b(meaning.encode(), digest_size=4).hexdigest()
    weight = "" if job.cost_weight is None else f"/p{job.cost_weight:g}"
    return (
        f"v{VERSION}/{job.file}@{fingerprint}/{embedder}/{job.kind}/{job.method}/{job.setting}@{said}"
        f"/{job.shuffle}{weight}"
    )


class Ledger:
    """Results by key, in a file where one is given.

    Args:
        path: of the .jsonl file; None keeps results for this run alone.
    """

    def __init__(self, path: Path | None) -> None:
        self._path = path
        self._known: dict[str, dict[str, Any]] = {}
        if path is not None and path.is_file():
            self._read(path)

    def __len__(self) -> int:
        return len(self._known)

    def get(self, name: str) -> dict[str, Any] | None:
        """The figures of a finished job, or None."""
        return self._known.get(name)

    def put(self, name: str, job: Job, figures: dict[str, Any]) -> None:
        """Keep a result; it is on disk on return."""
        self._known[name] = figures
        if self._path is None:
            return
        line = json.dumps({"key": name, **asdict(job), "figures": figures}, ensure_ascii=False)
        with self._path.open("a", encoding="utf-8") as file:
            file.write(line + "\n")

    def _read(self, path: Path) -> None:
        text = path.read_text(encoding="utf-8")
        for line in text.splitlines():
            try:
                found = json.loads(line)
                self._known[found["key"]] = found["figures"]
            except (json.JSONDecodeError, KeyError, TypeError):
                continue  # torn by an interrupt: it is run again
        if text and not text.endswith("\n"):
            with path.open("a", encoding="utf-8") as file:
                file.write("\n")
