"""GET /v1/judges: how often each judge is right, as far as the truth came too."""

from __future__ import annotations

from dataclasses import asdict
from typing import TYPE_CHECKING

import orjson
from starlette.responses import Response

from metallm.gateway.errors import JSON
from metallm.gateway.note import note_of

if TYPE_CHECKING:
    from starlette.requests import Request

    from metallm.router.engine import Engine


class Judges:
    """What is known of judges.

    Args:
        engine: keeps their records.
    """

    def __init__(self, engine: Engine) -> None:
        self._engine = engine

    async def all(self, request: Request) -> Response:
        """Every judge that was heard so far, in the order in which they came."""
        note_of(request, "judges")
        told = [asdict(record) for record in self._engine.judges().values()]
        return Response(orjson.dumps({"object": "list", "data": told}), media_type=JSON)
