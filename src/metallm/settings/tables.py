"""The tables that stand several times: [[arms]], [[tasks]] and their like."""

from __future__ import annotations

from typing import Any, Literal

from pydantic import Field, field_validator

from metallm.core.arm import Arm
from metallm.core.price import Tier
from metallm.core.task import Task
from metallm.core.wires import OPENAI
from metallm.settings.section import Section


class AliasSettings(Section):
    """One [[aliases]] table: a name to ask for in place of a model."""

    name: str = Field(min_length=1)
    arms: tuple[str, ...] = ()
    cost_weight: float | None = Field(default=None, ge=0)
    task: str | None = None
    budget_usd: float | None = Field(default=None, ge=0)
    budget_window: Literal["day", "month", "total"] = "total"
    cache_ttl_s: float | None = Field(default=None, ge=0)
    min_quality: float | None = Field(default=None, ge=0, le=1)


class TierSettings(Section):
    """One [[arms.price_tiers]] table; the fields of `metallm.core.price.Tier`."""

    above: int = Field(ge=0, description="Input tokens beyond which these prices hold.")
    input: float
    output: float
    cache_read: float | None = None
    cache_write: float | None = None
    cache_write_1h: float | None = None


class ArmSettings(Section):
    """One [[arms]] table; the fields of `metallm.Arm`."""

    name: str
    base_url: str | None = None
    model: str | None = None
    api_key_env: str | None = None
    input_price: float | None = None
    output_price: float | None = None
    cache_read_price: float | None = None
    cache_write_price: float | None = None
    cache_write_1h_price: float | None = None
    price: Literal["unknown"] | None = None
    options: dict[str, Any] = Field(default_factory=dict)
    prior_quality: float | None = Field(default=None, ge=0, le=1)
    structured: bool = False
    logprobs: bool = False
    wire: str | None = None
    context_window: int | None = Field(default=None, ge=1)
    max_output_tokens: int | None = Field(default=None, ge=1)
    lacks: tuple[str, ...] = ()
    ignores: tuple[str, ...] = ()
    max_concurrent: int | None = Field(default=None, ge=1)
    price_tiers: tuple[TierSettings, ...] = ()
    service_prices: dict[str, float] | None = None

    @field_validator("price", mode="before")
    @classmethod
    def _unknown(cls, value: object) -> object:
        if value not in (None, "unknown"):
            raise ValueError(
                "only 'unknown' can stand here; give prices of your own, in USD per million "
                "tokens, as input_price and output_price"
            )
        return value

    def arm(self) -> Arm:
        """The arm that this table describes."""
        tiers = tuple(Tier(**tier.model_dump()) for tier in self.price_tiers)
        return Arm(**{**self.model_dump(), "price_tiers": tiers})


class EmbeddingSettings(Section):
    """One [[embeddings]] table: a model that the gateway passes texts on to, by name alone."""

    name: str
    base_url: str | None = None
    model: str | None = None
    api_key_env: str | None = None
    input_price: float | None = None

    def arm(self) -> Arm:
        """The model as an arm that is never routed to: embeddings have no output to pay for."""
        output_price = None if self.input_price is None else 0.0
        return Arm(**self.model_dump(), output_price=output_price, wire=OPENAI)


class ExampleSettings(Section):
    """One [[tasks.examples]] table."""

    text: str
    label: str | tuple[str, ...]


class TaskSettings(Section):
    """One [[tasks]] table; the fields of `metallm.Task`."""

    name: str
    kind: Literal["single", "multi", "ordinal", "choice"] = "single"
    labels: tuple[str, ...] | dict[str, str] = ()
    instructions: str = ""
    examples: tuple[ExampleSettings, ...] = ()
    none_of_these: str | None = None
    error_costs: dict[str, dict[str, float]] = Field(default_factory=dict)
    template: str | None = None

    def task(self) -> Task:
        """The task that this table describes.

        Raises:
            InputError: it cannot be asked or scored.
        """
        examples = [(each.text, each.label) for each in self.examples]
        return Task(
            self.name,
            self.kind,
            self.labels,
            instructions=self.instructions,
            examples=examples,
            none_of_these=self.none_of_these,
            error_costs=self.error_costs,
            template=self.template,
        )
