"""Whether traces, metrics and evaluations are wanted, and of what kind a collector is.

What OpenTelemetry's own variables can set (sampler, headers, intervals, resource), they set.
"""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

from metallm.errors import ConfigurationError, MissingExtraError

if TYPE_CHECKING:
    from collections.abc import Callable

    from metallm.assembly.collecting import Telemetry
    from metallm.settings import OtelSettings

SIGNALS = ("traces", "metrics", "logs")
DISABLED = "OTEL_SDK_DISABLED"
ENDPOINT = "OTEL_EXPORTER_OTLP_ENDPOINT"
SPEAKS = "OTEL_EXPORTER_OTLP_PROTOCOL"
PROTOCOL = "http/protobuf"


def chosen_telemetry(settings: OtelSettings, tell: Callable[[str], None]) -> Telemetry | None:
    """Telemetry as it is set up; None where it is not wanted, and then nothing is imported.

    Args:
        settings: the section [otel]; the rest is read from OpenTelemetry's variables.
        tell: is told, in words, what is left out, and what goes wrong later.

    Raises:
        MissingExtraError: the settings want it, and it is not installed. Variables alone, which a
            platform may give to all its processes, stop nothing.
        ConfigurationError: the settings want it, and the variables name a protocol that we do not
            speak.
    """
    asked = settings.endpoint is not None if settings.enabled is None else settings.enabled
    signals = _wanted(settings)
    if not signals:
        return None
    try:
        _check_protocol(settings)
        from metallm.assembly.collecting import telemetry  # noqa: PLC0415 - only where it is wanted
    except ConfigurationError as error:
        if asked:
            raise
        tell(f"no telemetry: {error}")
        return None
    except ImportError as error:
        missing = MissingExtraError("OpenTelemetry", "otel")
        if asked:
            raise missing from error
        tell(f"no telemetry, though OTEL_ variables name a collector: {missing}")
        return None
    return telemetry(settings.endpoint, signals, tell)


def _wanted(settings: OtelSettings) -> tuple[str, ...]:
    """The signals that have somewhere to go."""
    if settings.enabled is False or _variable(DISABLED).lower() == "true":
        return ()
    everything = bool(settings.enabled or settings.endpoint or _variable(ENDPOINT))
    return tuple(
        signal
        for signal in SIGNALS
        if (everything or _variable(_own(signal, "ENDPOINT"))) and _exported(signal)
    )


def _exported(signal: str) -> bool:
    """Whether the variables leave a signal to OTLP; others, such as console, are not ours."""
    named = _variable(f"OTEL_{signal.upper()}_EXPORTER").lower()
    return not named or "otlp" in named.split(",")


def _check_protocol(settings: OtelSettings) -> None:
    """Refuse what cannot be spoken; an endpoint in the settings is of HTTP by its definition."""
    if settings.endpoint is not None:
        return
    for name in (SPEAKS, *(_own(signal, "PROTOCOL") for signal in SIGNALS)):
        spoken = _variable(name).lower()
        if spoken not in {"", PROTOCOL}:
            raise ConfigurationError(
                f"{name} is {spoken!r}, and only {PROTOCOL} is spoken here: set it to that, with "
                "the collector's endpoint for it (port 4318, as a rule)"
            )


def _own(signal: str, what: str) -> str:
    """The variable that sets this for one signal alone."""
    return f"OTEL_EXPORTER_OTLP_{signal.upper()}_{what}"


def _variable(name: str) -> str:
    return os.environ.get(name, "").strip()
