"""POST /v1/embeddings: passed on to the model that the client names; not routed, not learned."""

from __future__ import annotations

import time
from contextlib import closing
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Protocol

from starlette.responses import Response

from metallm.core.completion import ChatRequest
from metallm.core.price import Usage
from metallm.core.query import CHARACTERS_PER_TOKEN
from metallm.errors import ConfigurationError, ProviderError
from metallm.gateway.access import key_of
from metallm.gateway.asking import EXTENSION
from metallm.gateway.errors import JSON
from metallm.gateway.headers import cost_headers, header_text
from metallm.gateway.note import note_of
from metallm.gateway.payment import Embedding
from metallm.gateway.presence import while_present
from metallm.gateway.reading import FieldError, read_body, text_field
from metallm.providers.budgeted import costs_nothing
from metallm.wire.openai_embeddings import PATH, is_tokens, read_bill, write_request

if TYPE_CHECKING:
    from collections.abc import Mapping

    from starlette.requests import Request

    from metallm.core.arm import Arm
    from metallm.gateway.embedding_models import EmbeddingModels
    from metallm.gateway.logs import Log
    from metallm.gateway.metrics import Metrics
    from metallm.gateway.note import Note
    from metallm.gateway.payment import Payment, Till


class Poster(Protocol):
    """Sends a body to an arm's host, and gives the answer's bytes."""

    async def post(self, arm: Arm, path: str, body: bytes) -> bytes:
        """One attempt.

        Raises:
            ConfigurationError: the arm has no host.
            ProviderError: whatever went wrong.
        """
        ...

    async def close(self) -> None:
        """Let go of connections."""
        ...


@dataclass(frozen=True, slots=True)
class _Answer:
    """What a host said.

    Args:
        raw: the body.
        usage: billed tokens; None where it told none.
        cost_usd: the bill; None where tokens or price are unknown.
        latency_s: seconds that it took.
    """

    raw: bytes
    usage: Usage | None
    cost_usd: float | None
    latency_s: float


_NOTHING = Usage(0, 0)


class Embeddings:
    """Embeddings of texts, by a model that the client names.

    Args:
        models: those there are.
        poster: calls their hosts, each request once: clients repeat what can be repeated.
        till: who pays.
        metrics: counts.
        log: gets a line for each bill.
        max_body_bytes: of a request.
    """

    def __init__(
        self,
        models: EmbeddingModels,
        poster: Poster | None,
        till: Till,
        metrics: Metrics,
        log: Log,
        max_body_bytes: int,
    ) -> None:
        self._models = models
        self._poster = poster
        self._till = till
        self._metrics = metrics
        self._log = log
        self._max_body_bytes = max_body_bytes

    async def create(self, request: Request) -> Response:
        """The answer of the model's host, as it is."""
        note = note_of(request, "embeddings")
        body = await read_body(request, self._max_body_bytes)
        name, texts = _read(body)
        key = key_of(request)
        model = self._models.find(key, name)
        note.arm = model.name
        sent = write_request(model, body)
        tokens = len(sent) / CHARACTERS_PER_TOKEN
        payment = self._till.open(key, Embedding(model, ChatRequest(body), texts, tokens))
        with closing(payment):
            answer = await while_present(request.receive, self._paid(model, sent, payment))
        return Response(answer.raw, 200, self._told(model, answer, note), JSON)

    async def _paid(self, model: Arm, sent: bytes, payment: Payment) -> _Answer:
        """The answer, paid for; what nobody can tell the bill of counts in full."""
        usage: Usage | None = None
        cost_usd: float | None = None
        try:
            await payment.begin()
            answer = await self._asked(model, sent)
            usage, cost_usd = answer.usage, answer.cost_usd
        except BaseException as error:
            if isinstance(error, ProviderError):
                self._metrics.failed(error)
            if costs_nothing(error):
                usage, cost_usd = _NOTHING, 0.0
            raise
        finally:  # also where the client went away: the host may have done its work
            await payment.end(cost_usd, usage)
        told = None if usage is None else payment.passed(model.name, usage)
        if told is not None:
            self._log.warning("warning", told=told)
        return answer

    async def _asked(self, model: Arm, sent: bytes) -> _Answer:
        if self._poster is None:
            raise ConfigurationError("embedding models are set up, and nothing that calls them")
        start = time.perf_counter()
        raw = await self._poster.post(model, PATH, sent)
        latency_s = time.perf_counter() - start
        usage, price = read_bill(model.name, raw), model.list_price
        cost_usd = None if price is None or usage is None else price.cost_usd(usage)
        return _Answer(raw, usage, cost_usd, latency_s)

    def _told(self, model: Arm, answer: _Answer, note: Note) -> dict[str, str]:
        """Count and log the bill; the headers that tell of it."""
        own_s = max(note.elapsed_s() - answer.latency_s, 0.0)
        self._metrics.embedded(model.name, answer.usage, answer.cost_usd)
        self._metrics.overhead(note, own_s)
        self._log.info(
            "embeddings",
            request_id=note.request_id,
            arm=model.name,
            input_tokens=None if answer.usage is None else answer.usage.input_tokens,
            cost_usd=answer.cost_usd,
            key=note.key,
            tenant=note.tenant,
        )
        return {
            "x-metallm-arm": header_text(model.name),
            "x-metallm-overhead-ms": f"{own_s * 1000:.3f}",
            **cost_headers(answer.cost_usd, estimated=False),
        }


def _read(body: Mapping[str, Any]) -> tuple[str, int | None]:
    """The model's name, and how many texts are to be embedded.

    The texts themselves are their host's to judge: None stands for other things than texts and
    tokens, which some hosts take.

    Raises:
        FieldError: no model, or nothing to embed.
    """
    if EXTENSION in body:
        raise FieldError(EXTENSION, "says how to choose, and here nothing is chosen")
    name = text_field(body, "model")
    if name is None:
        raise FieldError("model", "is missing: name an embedding model")
    given = body.get("input")
    if not isinstance(given, str | list):
        raise FieldError("input", "must be a text, a list of texts, or lists of tokens")
    if not given:
        raise FieldError("input", "is empty: there is nothing to embed")
    if isinstance(given, str) or is_tokens(given):
        return name, 1
    texts = all(isinstance(each, str) or is_tokens(each) for each in given)
    return name, len(given) if texts else None
