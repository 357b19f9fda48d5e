"""The tables that stand once: [gateway], [router] and their like."""

from __future__ import annotations

from typing import Literal

from pydantic import Field

from metallm.core.audit import Audit
from metallm.core.hedge import Hedge
from metallm.core.judge_arm import JudgeArm
from metallm.settings.section import Section


class GatewaySettings(Section):
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


class CacheSettings(Section):
    """Answers given again to the same request of the same tenant; off unless you say more."""

    ttl_s: float = Field(default=0.0, ge=0, description="Seconds that an answer is kept; 0: none.")
    max_mib: float = Field(default=64.0, gt=0, description="Memory for answers, MiB.")
    any_temperature: bool = Field(
        default=False, description="Also where the request does not say temperature = 0."
    )


class StoreSettings(Section):
    """Where the log lies."""

    path: str | None = Field(
        default="metallm.db", description="SQLite file; empty keeps all in memory."
    )


class RouterSettings(Section):
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


class AuditSettings(Section):
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


class JudgeSettings(Section):
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


class HedgeSettings(Section):
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


class ProviderSettings(Section):
    """How arms are called."""

    timeout_s: float = Field(default=120.0, gt=0, description="Seconds for a whole answer.")
    first_token_timeout_s: float = Field(
        default=60.0, gt=0, description="Seconds to the first event of a stream."
    )
    connect_timeout_s: float = Field(default=10.0, gt=0, description="Seconds to connect.")
    max_retries: int = Field(default=2, ge=0, le=10, description="Tries after the first, per arm.")


class OtelSettings(Section):
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
