"""A file of finished runs, each found again by what it was a run of."""

from __future__ import annotations

import json
from hashlib import blake2b
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path


class Kept:
    """What runs came to, by what they were.

    Args:
        path: of the file, one line of JSON a run; None keeps them for this process alone.
        version: of what is measured: runs of another one are not found.
    """

    def __init__(self, path: Path | None, version: str) -> None:
        self._path = path
        self._version = version
        self._known: dict[str, dict[str, Any]] = {}
        if path is not None and path.is_file():
            for line in path.read_text(encoding="utf-8").splitlines():
                self._remember(line)

    def __contains__(self, job: Mapping[str, Any]) -> bool:
        return self._key(job) in self._known

    def __getitem__(self, job: Mapping[str, Any]) -> dict[str, Any]:
        return self._known[self._key(job)]

    def put(self, job: Mapping[str, Any], found: dict[str, Any]) -> None:
        """Keep what a run came to."""
        key = self._key(job)
        self._known[key] = found
        if self._path is not None:
            with self._path.open("a", encoding="utf-8") as file:
                file.write(json.dumps({"key": key, **job, "figures": found}) + "\n")

    def _key(self, job: Mapping[str, Any]) -> str:
        told = json.dumps([self._version, job], sort_keys=True)
        return blake2b(told.encode(), digest_size=12).hexdigest()

    def _remember(self, line: str) -> None:
        try:
            found = json.loads(line)
            self._known[found["key"]] = found["figures"]
        except (json.JSONDecodeError, KeyError):
            return  # torn by an interrupt: it is run again
