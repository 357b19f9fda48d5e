"""An arm: one routable choice of provider, model, fixed options and price."""

from __future__ import annotations

import math
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import TYPE_CHECKING, Any, Literal

from metallm.core.price import Price
from metallm.errors import ConfigurationError

if TYPE_CHECKING:
    from collections.abc import Mapping


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
        price: "unknown" to accept an arm whose price nobody knows; its costs are then flagged.
        model: the name sent upstream; default: the part of `name` after the provider.
        base_url: root of an OpenAI-compatible API; default: the provider's.
        api_key_env: the environment variable that holds the key; default: the provider's.
        options: fixed request fields of this arm, such as a temperature.
        prior_quality: 0 to 1, how good the arm is expected to be before any outcome of it was
            seen, such as a published benchmark score on the same kind of queries; None where
            nothing is expected.
        structured: True where the model can be held to a JSON schema; then a classification sends
            one with its labels (`response_format`). Otherwise it asks in words alone.

    Raises:
        ConfigurationError: an empty name, half a price, a negative or non-finite price, a prior
            quality outside 0 to 1.
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

    def __post_init__(self) -> None:
        if not isinstance(self.name, str) or not self.name.strip():
            raise ConfigurationError("an arm needs a name, such as 'openai/gpt-4'")
        if (self.input_price is None) != (self.output_price is None):
            raise ConfigurationError(
                f"arm {self.name!r}: give both input_price and output_price "
                "(USD per million tokens), or neither"
            )
        for label in ("input_price", "output_price", "cache_read_price", "cache_write_price"):
            value = getattr(self, label)
            if value is not None and not (math.isfinite(value) and value >= 0):
                raise ConfigurationError(
                    f"arm {self.name!r}: {label} must be a number of USD per million tokens, "
                    f"0 or more, not {value!r}"
                )
        if self.price not in {None, "unknown"}:
            raise ConfigurationError(
                f"arm {self.name!r}: price can only be 'unknown'; "
                "known prices go into input_price and output_price"
            )
        if self.prior_quality is not None and not 0.0 <= self.prior_quality <= 1.0:
            raise ConfigurationError(
                f"arm {self.name!r}: prior_quality is a share from 0 to 1, such as 0.82 for a "
                f"benchmark score of 82 %, not {self.prior_quality!r}"
            )

    @property
    def list_price(self) -> Price | None:
        """The price to bill by, or None where it is unknown."""
        if self.input_price is None or self.output_price is None:
            return None
        return Price(
            self.input_price, self.output_price, self.cache_read_price, self.cache_write_price
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
