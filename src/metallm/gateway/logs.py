"""The gateway's own log: one JSON object a line, on stderr.

It is made here and touches no logging of the application that embeds the gateway.
"""

from __future__ import annotations

import sys
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any, Protocol

import orjson

if TYPE_CHECKING:
    from typing import TextIO


class Log(Protocol):
    """What the gateway asks of a log; structlog's loggers are some."""

    def info(self, event: str, **told: Any) -> object:
        """What happens all the time."""
        ...

    def warning(self, event: str, **told: Any) -> object:
        """What somebody should know."""
        ...

    def error(self, event: str, **told: Any) -> object:
        """What should not have happened."""
        ...


def make_log(stream: TextIO | None = None) -> Log:
    """A log.

    Args:
        stream: where the lines go; None for stderr.
    """
    return _JsonLines(stream or sys.stderr)


class _JsonLines:
    def __init__(self, stream: TextIO) -> None:
        self._stream = stream

    def info(self, event: str, **told: Any) -> None:
        self._write(event, "info", told)

    def warning(self, event: str, **told: Any) -> None:
        self._write(event, "warning", told)

    def error(self, event: str, **told: Any) -> None:
        self._write(event, "error", told)

    def _write(self, event: str, level: str, told: dict[str, Any]) -> None:
        line = {**told, "event": event, "level": level, "timestamp": datetime.now(UTC)}
        data = orjson.dumps(line, default=str, option=orjson.OPT_UTC_Z)
        # in one piece, so that lines of several threads do not mix
        self._stream.write(data.decode() + "\n")
        self._stream.flush()
