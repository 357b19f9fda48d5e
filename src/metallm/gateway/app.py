"""The ASGI app: which path is answered by what."""

from __future__ import annotations

import time
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING

from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.middleware import Middleware
from starlette.middleware.cors import CORSMiddleware
from starlette.routing import Route

from metallm.core.wires import ANTHROPIC, OPENAI, RESPONSES
from metallm.errors import MetaLLMError
from metallm.gateway.accent import Accent
from metallm.gateway.access import Access
from metallm.gateway.aliases import checked_aliases
from metallm.gateway.cache import Cached, caches
from metallm.gateway.chat import Chat
from metallm.gateway.classify import Classify
from metallm.gateway.counting import Counting
from metallm.gateway.decisions import Decisions
from metallm.gateway.desk import Desk
from metallm.gateway.embedding_models import EmbeddingModels
from metallm.gateway.embeddings import Embeddings
from metallm.gateway.errors import on_error, on_refused
from metallm.gateway.feedback import Feedback
from metallm.gateway.health import Health
from metallm.gateway.judges import Judges
from metallm.gateway.limits import Limits
from metallm.gateway.logs import make_log
from metallm.gateway.metrics import Metrics
from metallm.gateway.models import Models
from metallm.gateway.naming import AUTO, Names
from metallm.gateway.origin import SameOrigin
from metallm.gateway.payment import Till
from metallm.gateway.queue import Queue
from metallm.gateway.repeats import Repeats
from metallm.gateway.rules import Rules
from metallm.gateway.tasks import Tasks
from metallm.gateway.watch import Watch

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Awaitable, Callable, Mapping, Sequence

    from metallm.gateway.aliases import Alias
    from metallm.gateway.logs import Log
    from metallm.gateway.tracing import Tracing
    from metallm.router.caller import Caller

MAX_BODY_BYTES = 16 * 2**20


def create_app(
    caller: Caller,
    *,
    max_body_bytes: int = MAX_BODY_BYTES,
    on_close: Callable[[], Awaitable[None]] | None = None,
    log: Log | None = None,
    origins: Sequence[str] = (),
    rules: Rules | None = None,
    tracing: Tracing | None = None,
) -> Starlette:
    """An ASGI app that speaks OpenAI's and Anthropic's wires, and takes feedback.

    Args:
        caller: decides, calls the arms and learns.
        max_body_bytes: larger requests are refused.
        on_close: awaited when the server shuts down, such as `Router.aclose`.
        log: gets one line a request; None writes JSON lines to stderr.
        origins: other sites whose pages may ask from a browser.
        rules: keys, aliases and what is kept; None for a gateway that asks for no keys.
        tracing: tells OpenTelemetry of requests, decisions and judgements; None for nobody.

    Raises:
        ConfigurationError: an alias that cannot be.
    """
    engine = caller.engine
    metrics = Metrics() if tracing is None else tracing.metrics
    if tracing is not None:
        engine.on_decided = tracing.decided
    log = make_log() if log is None else log
    rules = Rules() if rules is None else rules
    declared = engine.scoring.declared
    aliases = checked_aliases(rules.aliases, engine.arms, {AUTO})
    names, limits = Names(engine.arms, aliases), Limits()
    desk = Desk(caller, aliases, rules.bounds, limits, metrics)
    desk.open(() if rules.keyring is None else rules.keyring.known())

    def chats(wire: str, kind: str) -> Chat:
        told = (desk, names, metrics, log, max_body_bytes)
        return Chat(*told, wire=wire, kind=kind, heartbeat_s=rules.heartbeat_s)

    chat, messages = chats(OPENAI, "chat"), chats(ANTHROPIC, "messages")
    responses = chats(RESPONSES, "responses")
    counting = Counting(caller, names, desk.permits, max_body_bytes)
    classify = Classify(desk, declared, metrics, max_body_bytes)
    feedback = Feedback(engine, metrics, max_body_bytes)
    known = EmbeddingModels(rules.embeddings, {AUTO, *aliases, *engine.arms})
    till = Till(desk.budgets, limits, rules.bounds, metrics, engine.keep_bill, engine.now)
    embeddings = Embeddings(known, rules.poster, till, metrics, log, max_body_bytes)
    models = Models(engine.arms, aliases, desk.permits, int(engine.now()), known)
    decisions = Decisions(engine)
    judges = Judges(engine)
    tasks = Tasks(declared)
    queue = Queue(engine)
    health = Health(engine, metrics, rules.keyring)

    @asynccontextmanager
    async def lifespan(_: Starlette) -> AsyncIterator[None]:
        try:
            yield
        finally:
            if rules.poster is not None:
                await rules.poster.close()
            if on_close is not None:
                await on_close()

    return Starlette(
        routes=[
            Route("/v1/chat/completions", chat.complete, methods=["POST"]),
            Route("/v1/responses", responses.complete, methods=["POST"]),
            Route("/v1/messages", messages.complete, methods=["POST"]),
            Route("/v1/messages/count_tokens", counting.count, methods=["POST"]),
            Route("/v1/embeddings", embeddings.create, methods=["POST"]),
            Route("/v1/classify", classify.classify, methods=["POST"]),
            Route("/v1/feedback", feedback.judge, methods=["POST"]),
            Route("/v1/judges", judges.all),
            Route("/v1/tasks", tasks.all),
            Route("/v1/queue", queue.all),
            Route("/label", queue.page),
            Route("/v1/models", models.all),
            Route("/v1/models/{name:path}", models.one),
            Route("/v1/decisions/{decision_id}", decisions.one),
            Route("/healthz", health.health),
            Route("/metrics", health.metrics),
        ],
        middleware=[
            *([] if tracing is None else [tracing.middleware]),
            Middleware(Accent),
            Middleware(Watch, metrics=metrics, log=log),
            Middleware(SameOrigin, allowed=origins),
            *_cross_origin(origins),
            Middleware(
                Access, keyring=rules.keyring, limits=limits, metrics=metrics, local=rules.local
            ),
            *_given_again(rules, aliases, max_body_bytes, metrics),
        ],
        exception_handlers={MetaLLMError: on_error, HTTPException: on_refused},
        lifespan=lifespan,
    )


def _given_again(
    rules: Rules, aliases: Mapping[str, Alias], max_body_bytes: int, metrics: Metrics
) -> list[Middleware]:
    """What gives answers again: to repeats, and where it is wanted to others who ask the same."""
    clock = time.monotonic
    found = []
    if rules.repeat_ttl_s > 0.0:
        found.append(
            Middleware(
                Repeats, rules.repeat_ttl_s, rules.repeat_bytes, max_body_bytes, metrics, clock
            )
        )
    if caches(rules.cache, aliases):
        found.append(Middleware(Cached, rules.cache, aliases, max_body_bytes, metrics, clock))
    return found


def _cross_origin(origins: Sequence[str]) -> list[Middleware]:
    """What lets pages of some sites read our answers; nothing where there are none."""
    if not origins:
        return []
    return [
        Middleware(
            CORSMiddleware,
            allow_origins=list(origins),
            allow_methods=["GET", "POST"],
            allow_headers=["*"],
            expose_headers=["*"],
        )
    ]
