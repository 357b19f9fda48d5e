"""POST /v1/embeddings: passed on to the model that the client names; not routed, not learned.

A budget is held within one run of the gateway: what embeddings came to is no decision, so it is not
in the log that a budget is read from after a restart.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

from starlette.responses import Response

from metallm.core.ledger import nano_usd
from metallm.core.price import Usage
from metallm.core.query import CHARACTERS_PER_TOKEN
from metallm.errors import (
    BudgetExhaustedError,
    ConfigurationError,
    ProviderAuthError,
    ProviderError,
    RateLimitError,
    UnfitArmError,
    UnknownEmbeddingError,
)
from metallm.gateway.access import key_of
from metallm.gateway.asking import EXTENSION
from metallm.gateway.budgets import Purse
from metallm.gateway.errors import JSON
from metallm.gateway.headers import cost_headers, header_text
from metallm.gateway.note import note_of
from metallm.gateway.presence import while_present
from metallm.gateway.reading import FieldError, read_body, text_field
from metallm.wire.openai_embeddings import PATH, read_bill, write_request

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable

    from starlette.requests import Request

    from metallm.core.arm import Arm
    from metallm.core.key import Key
    from metallm.gateway.budgets import Budgets
    from metallm.gateway.limits import Limits
    from metallm.gateway.logs import Log
    from metallm.gateway.metrics import Metrics
    from metallm.gateway.note import Note


_NOTHING = Usage(0, 0)


class Poster(Protocol):
    """Sends a body to an arm's host, and gives the answer's bytes."""

    async def post(self, arm: Arm, path: str, body: bytes) -> bytes:
        """One attempt.

        Raises:
            ProviderError: whatever went wrong.
        """
        ...

    async def close(self) -> None:
        """Let go of connections."""
        ...


class EmbeddingModels:
    """The models that can be asked for.

    Args:
        models: each as an arm that is never routed to.
        taken: names that mean something else.

    Attributes:
        by_name: all of them.

    Raises:
        ConfigurationError: two of one name, or a name that is taken.
    """

    def __init__(self, models: Iterable[Arm], taken: Collection[str]) -> None:
        self.by_name: dict[str, Arm] = {}
        for model in models:
            if model.name in taken or model.name in self.by_name:
                raise ConfigurationError(
                    f"embeddings: {model.name!r} is the name of something else too: give each "
                    "model, arm and alias its own"
                )
            self.by_name[model.name] = model

    def open_to(self, key: Key | None) -> tuple[str, ...]:
        """What a key may ask for: all, or those among the arms that it is held to."""
        if key is None or not (key.arms or key.aliases):
            return tuple(self.by_name)
        return tuple(name for name in self.by_name if name in key.arms)

    def find(self, key: Key | None, name: str) -> Arm:
        """The model of a name.

        Raises:
            UnknownEmbeddingError: there is none, or not for this key.
        """
        known = self.open_to(key)
        if name not in known:
            raise UnknownEmbeddingError(name, known, any_set_up=bool(self.by_name))
        return self.by_name[name]


class Embeddings:
    """Embeddings of texts, by a model that the client names.

    Args:
        models: those there are.
        poster: calls their hosts, each request once: clients repeat what can be repeated.
        budgets: of keys.
        limits: of keys.
        metrics: counts.
        log: gets a line for each bill.
        max_body_bytes: of a request.
    """

    def __init__(
        self,
        models: EmbeddingModels,
        poster: Poster | None,
        budgets: Budgets,
        limits: Limits,
        metrics: Metrics,
        log: Log,
        max_body_bytes: int,
    ) -> None:
        self._models = models
        self._poster = poster
        self._budgets = budgets
        self._limits = limits
        self._metrics = metrics
        self._log = log
        self._max_body_bytes = max_body_bytes

    async def create(self, request: Request) -> Response:
        """The answer of the model's host, as it is."""
        note = note_of(request, "embeddings")
        body = await read_body(request, self._max_body_bytes)
        if EXTENSION in body:
            raise FieldError(EXTENSION, "says how to choose, and here nothing is chosen")
        name = text_field(body, "model")
        if name is None:
            raise FieldError("model", "is missing: name an embedding model")
        key = key_of(request)
        model = self._models.find(key, name)
        note.arm = model.name
        sent = write_request(model, body)
        purse = self._purse(key, model, sent)
        try:
            raw = await while_present(request.receive, self._asked(model, sent, purse))
        finally:
            purse.close(answered=False)
        return Response(raw, 200, self._billed(model, raw, note), JSON)

    def _billed(self, model: Arm, raw: bytes, note: Note) -> dict[str, str]:
        """Count and log the bill; the headers that tell of it."""
        usage = read_bill(raw)
        cost_usd = _cost_usd(model, usage)
        self._metrics.embedded(model.name, usage, cost_usd)
        self._log.info(
            "embeddings",
            request_id=note.request_id,
            arm=model.name,
            input_tokens=None if usage is None else usage.input_tokens,
            cost_usd=cost_usd,
            key=note.key,
            tenant=note.tenant,
        )
        told = {"x-metallm-arm": header_text(model.name)}
        return told | cost_headers(cost_usd, estimated=False)

    async def _asked(self, model: Arm, sent: bytes, purse: Purse) -> bytes:
        """The answer, charged to the purse; what nobody tells the cost of counts in full."""
        if self._poster is None:
            raise ConfigurationError("embedding models are set up, and nothing that calls them")
        set_aside, cost = purse.reserve(purse.hold), purse.hold
        usage: Usage | None = None
        try:
            raw = await self._poster.post(model, PATH, sent)
            usage = read_bill(raw)
            cost_usd = _cost_usd(model, usage)
            cost = purse.hold if cost_usd is None else nano_usd(cost_usd)
        except ProviderError as error:
            self._metrics.failed(error)
            if error.status is not None or isinstance(error, ProviderAuthError):
                usage, cost = _NOTHING, 0  # it was refused, or never sent
            raise
        finally:  # also where the client went away: the host may have done its work
            purse.settle(set_aside, cost)
            purse.used(usage)
        return raw

    def _purse(self, key: Key | None, model: Arm, sent: bytes) -> Purse:
        """Who pays: a token stands for a byte at least, so the bytes bound the bill.

        Raises:
            UnfitArmError: the model has no price, and the key a budget.
            RateLimitError: the key's tokens of this minute are used up.
            BudgetExhaustedError: what is left does not cover it.
        """
        ledgers = self._budgets.ledgers(key, None)
        price, hold = model.list_price, 0
        if ledgers and price is None:
            raise UnfitArmError({model.name: "it has no price, so no budget can hold it"})
        if ledgers and price is not None:
            hold = nano_usd(price.most_usd(len(sent), 0)) + 1
        limits = None if key is None else self._limits.of(key)
        tokens = 0.0
        try:
            if limits is not None and limits.counts_tokens:
                tokens = len(sent) / CHARACTERS_PER_TOKEN
                limits.take_tokens(tokens)
            return Purse(ledgers, hold, limits=limits, tokens=tokens)
        except RateLimitError as error:
            self._metrics.refused(error.reason)
            raise
        except BudgetExhaustedError:
            self._metrics.refused("budget")
            if limits is not None:
                limits.give_tokens(tokens)
            raise


def _cost_usd(model: Arm, usage: Usage | None) -> float | None:
    """The bill; None where tokens or price are unknown."""
    price = model.list_price
    return None if price is None or usage is None else price.cost_usd(usage)
