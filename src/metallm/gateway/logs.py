"""The gateway's own log: one JSON object a line, on stderr.

The logger is made here and configured by itself: what an application that embeds the gateway has
set up for structlog stays as it is.
"""

from __future__ import annotations

import logging
import sys
from typing import TYPE_CHECKING, Any

import orjson
import structlog

if TYPE_CHECKING:
    from typing import TextIO

    from structlog.typing import FilteringBoundLogger


def make_log(stream: TextIO | None = None) -> FilteringBoundLogger:
    """A logger.

    Args:
        stream: where the lines go; None for stderr.
    """
    log: FilteringBoundLogger = structlog.wrap_logger(
        structlog.PrintLogger(stream or sys.stderr),
        processors=[
            structlog.processors.add_log_level,
            structlog.processors.TimeStamper(fmt="iso", utc=True),
            structlog.processors.JSONRenderer(_dumps),
        ],
        wrapper_class=structlog.make_filtering_bound_logger(logging.INFO),
    ).bind()
    return log


def _dumps(event: dict[str, Any], **options: Any) -> str:
    del options
    return orjson.dumps(event, default=str).decode()
