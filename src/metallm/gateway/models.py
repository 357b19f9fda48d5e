"""GET /v1/models and /v1/models/{id}: "auto", then the arms with their prices."""

from __future__ import annotations

from dataclasses import asdict
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

import orjson
from starlette.responses import Response

from metallm.errors import UnknownArmError
from metallm.gateway.errors import JSON
from metallm.gateway.naming import AUTO
from metallm.gateway.note import note_of
from metallm.wire.openai_chat import write_model

if TYPE_CHECKING:
    from collections.abc import Mapping

    from starlette.requests import Request

    from metallm.core.arm import Arm

OWNER = "metallm"


class Models:
    """The models that can be asked for; written once, for they do not change.

    Args:
        arms: the arms by name.
        created: POSIX seconds.
    """

    def __init__(self, arms: Mapping[str, Arm], created: int) -> None:
        told = [_auto(created), *(_arm(arm, created) for arm in arms.values())]
        page = {"first_id": told[0]["id"], "last_id": told[-1]["id"], "has_more": False}
        self._all = orjson.dumps({"object": "list", "data": told, **page})
        self._each = {each["id"]: orjson.dumps(each) for each in told}

    async def all(self, request: Request) -> Response:
        """The list."""
        note_of(request, "models")
        return Response(self._all, media_type=JSON)

    async def one(self, request: Request) -> Response:
        """One of them."""
        note_of(request, "models")
        name = request.path_params["name"]
        if name not in self._each:
            raise UnknownArmError(name, tuple(self._each))
        return Response(self._each[name], media_type=JSON)


def _auto(created: int) -> dict[str, Any]:
    return {**_model(AUTO, OWNER, created), "metallm": {"price_per_mtok": None}}


def _arm(arm: Arm, created: int) -> dict[str, Any]:
    price = arm.list_price
    told = {"price_per_mtok": None if price is None else asdict(price)}
    return {**_model(arm.name, arm.provider, created), "metallm": told}


def _model(name: str, owner: str, created: int) -> dict[str, Any]:
    """One model in OpenAI's words and in Anthropic's, which do not get in each other's way."""
    model: dict[str, Any] = orjson.loads(write_model(name, created=created, owner=owner))
    since = datetime.fromtimestamp(created, UTC).isoformat()
    return {
        **model,
        "type": "model",
        "display_name": name,
        "created_at": since,
        "lifecycle": "active",
    }
