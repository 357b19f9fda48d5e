"""An arm: one routable choice of provider, model, fixed options and price."""

from __future__ import annotations

import math
from dataclasses import dataclass, field, fields
from types import MappingProxyType
from typing import TYPE_CHECKING, Any, Literal

from metallm.core.copying import taken_apart
from metallm.core.needs import LOGPROBS, NEEDS
from metallm.core.price import Price, Tier
from metallm.core.wires import ANTHROPIC, BEDROCK, NAMES
from metallm.errors import ConfigurationError

if TYPE_CHECKING:
    from collections.abc import Mapping


_PRICES = (
    "input_price",
    "output_price",
    "cache_read_price",
    "cache_write_price",
    "cache_write_1h_price",
)


def _no_options() -> Mapping[str, Any]:
    return MappingProxyType({})


@dataclass(frozen=True, slots=True)
class Arm:
    """One routable choice.

    Args:
        name: what callers see, usually "provider/model".
        input_price: USD per million input tokens; with output_price, or neither.
        output_price: USD per million output tokens.
        cache_read_price: USD per million input tokens read from the provider's cache.
        cache_write_price: USD per million input tokens written to it.
        cache_write_1h_price: the same for those that it is to keep for an hour; default: as
            `cache_write_price`.
        price: "unknown" to accept an arm whose price nobody knows; its costs are then flagged.
        model: the name sent upstream; default: the part of `name` after the provider.
        base_url: root of the API; default: the provider's.
        wire: what the API speaks, a name of `core.wires`; default: what the provider's own speaks,
            and OpenAI's chat completions at a `base_url` of one's own.
        api_key_env: the environment variable that holds the key; default: the provider's.
        options: fixed request fields of this arm, such as a temperature.
        prior_quality: 0 to 1, how good the arm is expected to be before any outcome of it was
            seen, such as a published benchmark score on the same kind of queries; None where
            nothing is expected.
        structured: True where the model can be held to a JSON schema; then a classification sends
            one with its labels (`response_format`). Otherwise it asks in words alone.
        logprobs: True where the host tells log probabilities of an answer's tokens, as OpenAI's and
            Gemini's do; then a classification asks for them, and how sure the arm is counts as
            evidence.
        context_window: most tokens of a query and its answer; default: the price table's, where
            prices come from there. A query that is surely longer is not sent.
        max_output_tokens: most tokens of an answer; where a caller's wire demands a limit, a larger
            one is brought down to it.
        lacks: what the model cannot do, names of `core.needs`; a query that needs one of them is
            not sent.
        ignores: fields of a request that are left out for this arm, such as "seed", where its wire
            cannot carry them; without that, a query that has them is not sent.
        max_concurrent: calls at the same time; an arm that has as many is left out of the choice,
            and waited for where there is no other. None for no limit.
        service_prices: what calls cost that the provider says it answered by another service than
            the standard one, as factors by the service's name, such as {"priority": 1.75}; default:
            the price table's, where prices come from there, else that the prices hold for any.
        price_tiers: what calls with a long input cost instead, the shorter first; default: the
            price table's, where prices come from there.

    Raises:
        ConfigurationError: an empty name, half a price, a negative or non-finite price, a prior
            quality outside 0 to 1, an unknown wire, an unknown need.
    """

    name: str
    input_price: float | None = None
    output_price: float | None = None
    cache_read_price: float | None = None
    cache_write_price: float | None = None
    price: Literal["unknown"] | None = None
    model: str | None = None
    base_url: str | None = None
    api_key_env: str | None = None
    options: Mapping[str, Any] = field(default_factory=_no_options)
    prior_quality: float | None = None
    structured: bool = False
    wire: str | None = None
    context_window: int | None = None
    max_output_tokens: int | None = None
    lacks: tuple[str, ...] = ()
    ignores: tuple[str, ...] = ()
    cache_write_1h_price: float | None = None
    max_concurrent: int | None = None
    price_tiers: tuple[Tier, ...] = ()
    service_prices: Mapping[str, float] | None = None
    logprobs: bool = False

    def __post_init__(self) -> None:
        if not isinstance(self.name, str) or not self.name.strip():
            raise ConfigurationError("an arm needs a name, such as 'openai/gpt-4'")
        self._check_prices()
        self._check_services()
        if self.prior_quality is not None and not 0.0 <= self.prior_quality <= 1.0:
            raise ConfigurationError(
                f"arm {self.name!r}: prior_quality is a share from 0 to 1, such as 0.82 for a "
                f"benchmark score of 82 %, not {self.prior_quality!r}"
            )
        self._check_abilities()

    def __reduce__(self) -> tuple[Any, ...]:
        return taken_apart(self)

    def _check_prices(self) -> None:
        if (self.input_price is None) != (self.output_price is None):
            raise ConfigurationError(
                f"arm {self.name!r}: give both input_price and output_price "
                "(USD per million tokens), or neither"
            )
        for label in _PRICES:
            self._check_price(label, getattr(self, label))
        self._check_tiers()
        if self.price not in {None, "unknown"}:
            raise ConfigurationError(
                f"arm {self.name!r}: price can only be 'unknown'; "
                "known prices go into input_price and output_price"
            )

    def _check_price(self, label: str, value: float | None) -> None:
        if value is not None and not (math.isfinite(value) and value >= 0):
            raise ConfigurationError(
                f"arm {self.name!r}: {label} must be a number of USD per million tokens, "
                f"0 or more, not {value!r}"
            )

    def _check_services(self) -> None:
        for service, factor in (self.service_prices or {}).items():
            if not (math.isfinite(factor) and factor >= 0):
                raise ConfigurationError(
                    f"arm {self.name!r}: service_prices.{service} must be a factor of its prices, "
                    f"0 or more, not {factor!r}"
                )

    def _check_tiers(self) -> None:
        for number, tier in enumerate(self.price_tiers):
            for each in fields(tier):
                self._check_price(f"price_tiers[{number}].{each.name}", getattr(tier, each.name))
        starts = [tier.above for tier in self.price_tiers]
        if starts and (self.input_price is None or starts != sorted(set(starts))):
            raise ConfigurationError(
                f"arm {self.name!r}: price_tiers stand beside input_price and output_price, "
                f"the shorter first, not above {starts}"
            )

    def _check_abilities(self) -> None:
        if self.wire is not None and self.wire not in NAMES:
            raise ConfigurationError(
                f"arm {self.name!r}: no wire is called {self.wire!r}; there are: {', '.join(NAMES)}"
            )
        unknown = [need for need in self.lacks if need not in NEEDS]
        if unknown:
            raise ConfigurationError(
                f"arm {self.name!r}: lacks names {unknown[0]!r}; what can be named is: "
                + ", ".join(sorted(NEEDS))
            )
        if self.logprobs and LOGPROBS in self.lacks:
            raise ConfigurationError(
                f"arm {self.name!r}: logprobs is true and lacks names them too; take one away"
            )
        if self.logprobs and self.wire in {ANTHROPIC, BEDROCK}:
            raise ConfigurationError(
                f"arm {self.name!r}: the wire {self.wire!r} has no log probabilities; leave out "
                "logprobs"
            )
        if self.max_concurrent is not None and self.max_concurrent < 1:
            raise ConfigurationError(
                f"arm {self.name!r}: max_concurrent is a number of calls, 1 or more, "
                f"not {self.max_concurrent!r}"
            )
        for label in ("context_window", "max_output_tokens"):
            value = getattr(self, label)
            if value is not None and value < 1:
                raise ConfigurationError(
                    f"arm {self.name!r}: {label} is a number of tokens, 1 or more, not {value!r}"
                )

    @property
    def list_price(self) -> Price | None:
        """The price to bill by, or None where it is unknown."""
        if self.input_price is None or self.output_price is None:
            return None
        return Price(
            self.input_price,
            self.output_price,
            self.cache_read_price,
            self.cache_write_price,
            self.cache_write_1h_price,
            self.price_tiers,
            None if self.service_prices is None else tuple(self.service_prices.items()),
        )

    @property
    def provider(self) -> str:
        """The part of the name before the first slash; the whole name where there is none."""
        return self.name.partition("/")[0]

    @property
    def upstream_model(self) -> str:
        """The model name that is sent upstream."""
        if self.model is not None:
            return self.model
        _, slash, rest = self.name.partition("/")
        return rest if slash else self.name
