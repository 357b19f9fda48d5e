"""The same request of the same tenant gets the same answer again, at no cost, for a while.

Off unless the settings say more. Only what is asked with temperature 0 counts as the same, unless
the settings say any. An answer given again is no decision: nothing is billed, logged or learned,
and feedback goes to the decision behind it.
"""

from __future__ import annotations

import re
from dataclasses import replace
from hashlib import blake2b
from typing import TYPE_CHECKING, Any

import orjson

from metallm.gateway.access import HELD
from metallm.gateway.hints import HEADERS
from metallm.gateway.replays import Recorder, Shelf, read_whole

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from starlette.types import ASGIApp, Receive, Scope, Send

    from metallm.core.key import Key
    from metallm.gateway.aliases import Alias
    from metallm.gateway.metrics import Metrics
    from metallm.gateway.replays import Header, Replay
    from metallm.gateway.rules import CacheRules

PATHS = frozenset({"/v1/chat/completions", "/v1/messages", "/v1/responses"})

STATE = b"x-metallm-cache"
HIT, MISS = (STATE, b"hit"), (STATE, b"miss")

_COST = b"x-metallm-cost-usd"
_DROPPED = frozenset({_COST, b"x-metallm-cost-estimated", b"x-metallm-overhead-ms", STATE})
_BILL = re.compile(rb"^: metallm cost_usd=\S+(?: cost_estimated=true)?", re.MULTILINE)
"""The comment at the end of a stream; no line of an event begins so."""

_VARIES = frozenset({b"anthropic-version", b"anthropic-beta", *HEADERS})


class Cached:
    """ASGI middleware. For one event loop.

    Args:
        app: what it stands around.
        rules: what is kept, and for how long.
        aliases: by name; each may say otherwise how long.
        max_body_bytes: of a request.
        metrics: counts what is given again.
        clock: seconds that only grow.
    """

    def __init__(
        self,
        app: ASGIApp,
        rules: CacheRules,
        aliases: Mapping[str, Alias],
        max_body_bytes: int,
        metrics: Metrics,
        clock: Callable[[], float],
    ) -> None:
        self._app = app
        self._rules = rules
        self._aliases = aliases
        self._max_body_bytes = max_body_bytes
        self._metrics = metrics
        self._kept = Shelf(rules.max_bytes, clock)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer a request, or give an answer again."""
        if scope["type"] != "http" or scope["method"] != "POST" or scope["path"] not in PATHS:
            await self._app(scope, receive, send)
            return
        body, again = await read_whole(receive, self._max_body_bytes)
        asked = None if body is None else _object(body)
        ttl_s = 0.0 if asked is None else self._ttl_s(asked)
        wish = _wish(scope)
        if asked is None or ttl_s <= 0.0 or "no-store" in wish:
            await self._app(scope, again, send)
            return
        digest = _digest(scope, asked)
        known = None if "no-cache" in wish else self._kept.get(digest)
        if known is not None:
            self._metrics.replayed("cache")
            replay, age_s = known
            await replay.send(scope, send, (HIT, (b"age", b"%d" % age_s), (_COST, b"0")))
            return

        def keep(recorder: Recorder) -> None:
            answer = recorder.taken(scope, digest)
            if answer is not None:
                self._kept.put(digest, _free(answer), ttl_s)

        await self._app(scope, again, Recorder(send, self._kept.most, (MISS,), keep))

    def _ttl_s(self, asked: Mapping[str, Any]) -> float:
        """Seconds that an answer to this is kept; 0 where it is not."""
        if not (self._rules.any_temperature or _is_zero(asked.get("temperature"))):
            return 0.0
        model = asked.get("model")
        alias = self._aliases.get(model) if isinstance(model, str) else None
        own = None if alias is None else alias.cache_ttl_s
        return self._rules.ttl_s if own is None else own


def caches(rules: CacheRules, aliases: Mapping[str, Alias]) -> bool:
    """Whether any answer is kept at all."""
    return rules.ttl_s > 0.0 or any(alias.cache_ttl_s for alias in aliases.values())


def _digest(scope: Scope, asked: Mapping[str, Any]) -> bytes:
    """What has to be the same: who asks, what it may have, and what it asks for."""
    key: Key | None = scope.get(HELD)
    who = None if key is None else [key.tenant, key.arms, key.aliases]
    varies = sorted(
        [name.decode("latin-1"), value.decode("latin-1")]
        for name, value in scope["headers"]
        if name in _VARIES
    )
    told = orjson.dumps([who, scope["path"], varies, asked], option=orjson.OPT_SORT_KEYS)
    return blake2b(told, digest_size=32).digest()


def _free(answer: Replay) -> Replay:
    """The answer without its bill."""
    headers: list[Header] = [each for each in answer.headers if each[0] not in _DROPPED]
    body = _BILL.sub(b": metallm cost_usd=0", answer.body) if _is_stream(headers) else answer.body
    return replace(answer, headers=tuple(headers), body=body)


def _is_stream(headers: list[Header]) -> bool:
    return any(name == b"content-type" and b"event-stream" in value for name, value in headers)


def _object(body: bytes) -> Mapping[str, Any] | None:
    try:
        asked = orjson.loads(body)
    except orjson.JSONDecodeError:
        return None
    return asked if isinstance(asked, dict) else None


def _is_zero(temperature: object) -> bool:
    return temperature == 0 and not isinstance(temperature, bool)


def _wish(scope: Scope) -> str:
    told = [value for name, value in scope["headers"] if name == b"cache-control"]
    return b",".join(told).decode("latin-1").lower()
