"""GET /v1/tasks: the tasks that are declared, by whose names texts can be classified."""

from __future__ import annotations

from typing import TYPE_CHECKING

import orjson
from starlette.responses import Response

from metallm.gateway.errors import JSON
from metallm.gateway.note import note_of

if TYPE_CHECKING:
    from collections.abc import Mapping

    from starlette.requests import Request

    from metallm.core.task import Task


class Tasks:
    """What is declared.

    Args:
        declared: tasks by name.
    """

    def __init__(self, declared: Mapping[str, Task]) -> None:
        self._told = [
            {
                "name": task.name,
                "kind": task.kind,
                "labels": task.labels,
                "descriptions": dict(task.descriptions),
                "none_of_these": task.none_of_these,
            }
            for task in declared.values()
        ]

    async def all(self, request: Request) -> Response:
        """Every declared task, in the order in which they stand in the settings."""
        note_of(request, "tasks")
        return Response(orjson.dumps({"object": "list", "data": self._told}), media_type=JSON)
