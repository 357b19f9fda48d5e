"""GET /v1/models and /v1/models/{id}: "auto", aliases, arms and embedding models, with prices."""

from __future__ import annotations

from dataclasses import asdict
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

import orjson
from starlette.responses import Response

from metallm.errors import UnknownArmError
from metallm.gateway.access import key_of
from metallm.gateway.errors import JSON
from metallm.gateway.naming import AUTO
from metallm.gateway.note import note_of
from metallm.wire.openai_chat import write_model

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from starlette.requests import Request

    from metallm.core.arm import Arm
    from metallm.gateway.aliases import Alias
    from metallm.gateway.embedding_models import EmbeddingModels
    from metallm.gateway.permits import Permits

OWNER = "metallm"


class Models:
    """The models that can be asked for; each client sees those that it may ask.

    Args:
        arms: the arms by name.
        aliases: the aliases by name.
        permits: what a client may ask.
        created: POSIX seconds.
        embeddings: models that are not routed to.
    """

    def __init__(
        self,
        arms: Mapping[str, Arm],
        aliases: Mapping[str, Alias],
        permits: Permits,
        created: int,
        embeddings: EmbeddingModels,
    ) -> None:
        self._permits = permits
        self._embeddings = embeddings
        self._told = {
            AUTO: _auto(created),
            **{name: _alias(alias, created) for name, alias in aliases.items()},
            **{name: _arm(arm, created) for name, arm in arms.items()},
            **{name: _arm(arm, created) for name, arm in embeddings.by_name.items()},
        }
        self._lists: dict[tuple[str, ...], bytes] = {}

    async def all(self, request: Request) -> Response:
        """The list."""
        note_of(request, "models")
        names = self._names(request)
        # few: as many as there are kinds of keys
        known = self._lists.get(names)
        if known is None:
            known = self._lists[names] = self._list(names)
        return Response(known, media_type=JSON)

    async def one(self, request: Request) -> Response:
        """One of them."""
        note_of(request, "models")
        name, names = request.path_params["name"], self._names(request)
        if name not in names:
            raise UnknownArmError(name, names)
        return Response(orjson.dumps(self._told[name]), media_type=JSON)

    def _names(self, request: Request) -> tuple[str, ...]:
        """What the client may ask for, of either kind."""
        key = key_of(request)
        return (*self._permits.models(key), *self._embeddings.open_to(key))

    def _list(self, names: Sequence[str]) -> bytes:
        page = {
            "first_id": names[0] if names else None,
            "last_id": names[-1] if names else None,
            "has_more": False,
        }
        data = [self._told[name] for name in names]
        return orjson.dumps({"object": "list", "data": data, **page})


def _auto(created: int) -> dict[str, Any]:
    return {**_model(AUTO, OWNER, created), "metallm": {"price_per_mtok": None}}


def _alias(alias: Alias, created: int) -> dict[str, Any]:
    told = {
        "price_per_mtok": None,
        "arms": list(alias.arms) or None,
        "cost_weight": alias.cost_weight,
        "min_quality": alias.min_quality,
        "task": alias.task,
    }
    return {**_model(alias.name, OWNER, created), "metallm": told}


def _arm(arm: Arm, created: int) -> dict[str, Any]:
    price = arm.list_price
    per_mtok = None if price is None else {**asdict(price), "services": arm.service_prices}
    told = {"price_per_mtok": per_mtok}
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
