"""All settings, read in one place: arguments > environment > metallm.toml > defaults.

Every key can be given in the environment as METALLM_SECTION__KEY (METALLM_GATEWAY__PORT=9000,
METALLM_ARMS='[{"name": "openai/gpt-4o"}]').
"""

from __future__ import annotations

import tomllib
from pathlib import Path
from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, Field, ValidationError
from pydantic_settings import (
    BaseSettings,
    InitSettingsSource,
    PydanticBaseSettingsSource,
    SettingsConfigDict,
    SettingsError,
)

from metallm.core.arm import Arm
from metallm.core.audit import Audit
from metallm.core.hedge import Hedge
from metallm.core.judge_arm import JudgeArm
from metallm.core.price import Tier
from metallm.core.task import Task
from metallm.core.wires import OPENAI
from metallm.errors import ConfigurationError, InputError

DEFAULT_PATH = Path("metallm.toml")


class _Section(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class GatewaySettings(_Section):
    """Where the gateway listens."""

    host: str = Field(
        default="127.0.0.1", description="Address to listen on; loopback unless you say more."
    )
    port: int = Field(default=8080, ge=0, le=65535, description="TCP port; 0 takes a free one.")
    origins: tuple[str, ...] = Field(
        default=(),
        description="Sites whose pages may ask from a browser, such as https://app.example.org.",
    )
    max_body_mib: float = Field(default=16.0, gt=0, description="Largest request body, MiB.")
    keys: str = Field(
        default="metallm.keys.db",
        min_length=1,
        description="The clients' keys, an SQLite file; with any key in it all clients need one.",
    )
    dangerously_open_to_everybody: bool = Field(
        default=False,
        description="Listen beyond this machine without any key: whoever reaches it spends yours.",
    )
    max_tokens: int = Field(
        default=4096,
        ge=1,
        description="Limit of answers under a budget where the client sets none, tokens.",
    )
    heartbeat_s: float = Field(
        default=15.0,
        ge=0,
        description="Seconds between signs of life while a stream has not begun; 0 for none.",
    )
    repeat_ttl_s: float = Field(
        default=600.0,
        ge=0,
        description="Seconds that an answer is kept for a repeated Idempotency-Key; 0 for none.",
    )
    repeat_mib: float = Field(default=64.0, gt=0, description="Memory for such answers, MiB.")


class CacheSettings(_Section):
    """Answers given again to the same request of the same tenant; off unless you say more."""

    ttl_s: float = Field(default=0.0, ge=0, description="Seconds that an answer is kept; 0: none.")
    max_mib: float = Field(default=64.0, gt=0, description="Memory for answers, MiB.")
    any_temperature: bool = Field(
        default=False, description="Also where the request does not say temperature = 0."
    )


class AliasSettings(_Section):
    """One [[aliases]] table: a name to ask for in place of a model."""

    name: str = Field(min_length=1)
    arms: tuple[str, ...] = ()
    cost_weight: float | None = Field(default=None, ge=0)
    task: str | None = None
    budget_usd: float | None = Field(default=None, ge=0)
    budget_window: Literal["day", "month", "total"] = "total"
    cache_ttl_s: float | None = Field(default=None, ge=0)
    min_quality: float | None = Field(default=None, ge=0, le=1)


class StoreSettings(_Section):
    """Where the log lies."""

    path: str | None = Field(
        default="metallm.db", description="SQLite file; empty keeps all in memory."
    )


class RouterSettings(_Section):
    """How arms are chosen."""

    cost_weight: float = Field(default=0.2, ge=0, description="p in reward = quality - p * cost.")
    policy: str = Field(
        default="squarecb",
        description="squarecb, thompson, linucb, greedy, paper, random or fixed:NAME.",
    )
    floor: float | dict[str, float] = Field(
        default=0.0,
        description="Least probability of each arm: one number, or numbers by arms' names.",
    )
    embedder: Literal["static", "sentence"] = Field(
        default="static", description="static, or sentence: an encoder, of the extra 'sentence'."
    )
    sentence_model: str | None = Field(
        default=None,
        description="Folder or .onnx file of the encoder; empty takes the one the extra installs.",
    )
    student: bool = Field(
        default=True,
        description="Learn tasks' labels from feedback, to answer easy classifications without "
        "asking any arm.",
    )
    label_share: float = Field(
        default=0.0,
        ge=0,
        le=1,
        description="Share of classifications that are marked as wanting their true label.",
    )
    affinity: Literal["off", "price", "sticky"] = Field(
        default="price",
        description="Within a conversation: the arm that has read it costs the less for the "
        "provider's prompt cache (price), is kept (sticky), or is like any other (off).",
    )
    latency_weight: float = Field(
        default=0.0, ge=0, description="Reward that a second of waiting for an arm takes off."
    )
    seed: int = Field(default=0, description="Seed of every draw.")
    log_prompts: bool = Field(default=False, description="Keep the text of queries in the log.")


class AuditSettings(_Section):
    """Whose answers stand in for true labels; the fields of `metallm.Audit`."""

    arm: str | None = Field(
        default=None, description="Name of the reference arm; empty learns from feedback alone."
    )
    share: float = Field(
        default=0.1, ge=0, le=1, description="Queries that are sent to it as well, at most."
    )

    def audit(self) -> Audit | None:
        """The audit that this section describes, if any."""
        return Audit(self.arm, self.share) if self.arm else None


class JudgeSettings(_Section):
    """Who grades answers to open questions; the fields of `metallm.JudgeArm`."""

    arm: str | None = Field(
        default=None, description="Name of the arm that grades; empty for nobody."
    )
    share: float = Field(default=0.05, ge=0, le=1, description="Answers that are graded.")
    rubric: str = Field(
        default="", description="What makes an answer good; empty for right and helpful."
    )

    def judge(self) -> JudgeArm | None:
        """The judge that this section describes, if any."""
        return JudgeArm(self.arm, self.share, self.rubric) if self.arm else None


class HedgeSettings(_Section):
    """When a slow call gets another beside it; the fields of `metallm.Hedge`."""

    after_s: float | dict[str, float] | None = Field(
        default=None,
        description="Seconds without an answer, or a stream's first event, until another arm is "
        "asked as well: one number, or numbers by arms' names; empty for never.",
    )
    quantile: float | None = Field(
        default=None,
        description="In place of seconds, the share of an arm's newest times, such as 0.95.",
    )
    to: Literal["next", "same"] = Field(
        default="next", description="Who is asked as well: the next arm, or the same once more."
    )

    def hedge(self) -> Hedge | None:
        """The hedge that this section describes, if any.

        Raises:
            ConfigurationError: both seconds and quantile, or one out of range.
        """
        if self.after_s is None and self.quantile is None:
            return None
        return Hedge(self.after_s, self.quantile, self.to)


class ProviderSettings(_Section):
    """How arms are called."""

    timeout_s: float = Field(default=120.0, gt=0, description="Seconds for a whole answer.")
    first_token_timeout_s: float = Field(
        default=60.0, gt=0, description="Seconds to the first event of a stream."
    )
    connect_timeout_s: float = Field(default=10.0, gt=0, description="Seconds to connect.")
    max_retries: int = Field(default=2, ge=0, le=10, description="Tries after the first, per arm.")


class OtelSettings(_Section):
    """Traces, metrics and evaluations for an OpenTelemetry collector, by the extra `otel`."""

    enabled: bool | None = Field(
        default=None,
        description="Whether they are sent; empty: where an endpoint is named, here or by "
        "OTEL_EXPORTER_OTLP_ENDPOINT.",
    )
    endpoint: str | None = Field(
        default=None,
        pattern="^https?://.",
        description="Root of a collector's OTLP over HTTP, such as http://127.0.0.1:4318; empty "
        "takes what OpenTelemetry's own variables say.",
    )


class TierSettings(_Section):
    """One [[arms.price_tiers]] table; the fields of `metallm.core.price.Tier`."""

    above: int = Field(ge=0, description="Input tokens beyond which these prices hold.")
    input: float
    output: float
    cache_read: float | None = None
    cache_write: float | None = None
    cache_write_1h: float | None = None


class ArmSettings(_Section):
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

    def arm(self) -> Arm:
        """The arm that this table describes."""
        tiers = tuple(Tier(**tier.model_dump()) for tier in self.price_tiers)
        return Arm(**{**self.model_dump(), "price_tiers": tiers})


class EmbeddingSettings(_Section):
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


class ExampleSettings(_Section):
    """One [[tasks.examples]] table."""

    text: str
    label: str | tuple[str, ...]


class TaskSettings(_Section):
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


class Settings(BaseSettings):
    """Everything that can be set."""

    model_config = SettingsConfigDict(
        frozen=True,
        extra="forbid",
        env_prefix="METALLM_",
        env_nested_delimiter="__",
    )

    gateway: GatewaySettings = GatewaySettings()
    cache: CacheSettings = CacheSettings()
    store: StoreSettings = StoreSettings()
    router: RouterSettings = RouterSettings()
    audit: AuditSettings = AuditSettings()
    judge: JudgeSettings = JudgeSettings()
    providers: ProviderSettings = ProviderSettings()
    hedge: HedgeSettings = HedgeSettings()
    otel: OtelSettings = OtelSettings()
    arms: tuple[ArmSettings, ...] = ()
    tasks: tuple[TaskSettings, ...] = ()
    aliases: tuple[AliasSettings, ...] = ()
    embeddings: tuple[EmbeddingSettings, ...] = ()


def tasks_of(settings: Settings) -> dict[str, Task]:
    """The tasks that the settings declare, by name.

    Raises:
        ConfigurationError: two of one name, or one that cannot be asked or scored; the message
            names the place.
    """
    tasks: dict[str, Task] = {}
    for number, each in enumerate(settings.tasks):
        if each.name in tasks:
            raise ConfigurationError(
                f"tasks.{number}: another task is called {each.name!r}: give each its own name"
            )
        try:
            tasks[each.name] = each.task()
        except InputError as error:
            raise ConfigurationError(f"tasks.{number}: {error}") from error
    return tasks


def load_settings(path: Path | None = None, **arguments: Any) -> Settings:
    """Read the settings: `arguments` win over the environment, that over the file.

    Args:
        path: the file; None reads metallm.toml of the working directory where there is one.
        arguments: sections by name, such as gateway={"port": 9000}; a None within is left out.

    Raises:
        ConfigurationError: a file that is missing, unreadable or no TOML, an unknown key, or a
            value of the wrong kind; the message names the place.
    """
    given = {name: _without_none(value) for name, value in arguments.items() if value is not None}
    from_file = _read_toml(path)

    class Layered(Settings):
        @classmethod
        def settings_customise_sources(
            cls,
            settings_cls: type[BaseSettings],
            init_settings: PydanticBaseSettingsSource,
            env_settings: PydanticBaseSettingsSource,
            dotenv_settings: PydanticBaseSettingsSource,
            file_secret_settings: PydanticBaseSettingsSource,
        ) -> tuple[PydanticBaseSettingsSource, ...]:
            del dotenv_settings, file_secret_settings
            return init_settings, env_settings, InitSettingsSource(settings_cls, from_file)

    try:
        return Layered(**given)
    except ValidationError as error:
        raise ConfigurationError(_told(error, path)) from error
    except SettingsError as error:
        raise ConfigurationError(f"the environment holds a setting that is no JSON: {error}") from (
            error
        )


def _without_none(value: Any) -> Any:
    if isinstance(value, dict):
        return {key: inner for key, inner in value.items() if inner is not None}
    return value


def _read_toml(path: Path | None) -> dict[str, Any]:
    if path is None:
        if not DEFAULT_PATH.is_file():
            return {}
        path = DEFAULT_PATH
    try:
        return tomllib.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError as error:
        raise ConfigurationError(
            f"no settings file at {path}: write one with 'metallm init'"
        ) from error
    except (OSError, UnicodeDecodeError) as error:
        raise ConfigurationError(f"{path} cannot be read: {error}") from error
    except tomllib.TOMLDecodeError as error:
        raise ConfigurationError(f"{path} is no valid TOML: {error}") from error


def _told(error: ValidationError, path: Path | None) -> str:
    """The validation errors in words, without the values, which may be keys."""
    lines = [
        f"{'.'.join(str(part) for part in detail['loc'])}: {detail['msg']}"
        for detail in error.errors(include_input=False, include_url=False)
    ]
    where = f"the settings ({path or DEFAULT_PATH}, METALLM_* variables, arguments)"
    return f"{where} have {len(lines)} mistake(s): " + "; ".join(lines)
