"""Routers and logs as the settings describe them."""

from __future__ import annotations

from contextvars import ContextVar
from typing import TYPE_CHECKING, Any

from metallm.errors import ConfigurationError

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from metallm.settings import Settings
    from metallm.store.sqlite import SqliteStore


SET: ContextVar[tuple[str, ...]] = ContextVar("SET", default=())
"""What `--set` said, for the command that runs."""


def read_settings(
    config: Path | None,
    *,
    host: str | None = None,
    port: int | None = None,
    store: str | None = None,
    cost_weight: float | None = None,
    policy: str | None = None,
    seed: int | None = None,
    log_prompts: bool | None = None,
) -> Settings:
    """The settings, with options of the command line in front of them.

    A command's own options win over `--set`.

    Raises:
        ConfigurationError: settings that cannot be read, or have a mistake.
    """
    from metallm.settings import load_settings

    own: dict[str, dict[str, Any]] = {
        "gateway": {"host": host, "port": port},
        "store": {"path": store},
        "router": {
            "cost_weight": cost_weight,
            "policy": policy,
            "seed": seed,
            "log_prompts": log_prompts,
        },
    }
    arguments = given(SET.get())
    for section, values in own.items():
        known = {key: value for key, value in values.items() if value is not None}
        arguments[section] = {**arguments.get(section, {}), **known}
    return load_settings(config, **arguments)


def given(settings: Sequence[str]) -> dict[str, dict[str, Any]]:
    """Settings by section, from words such as router.policy=greedy.

    Raises:
        ConfigurationError: a word that is no section.key=value.
    """
    sections: dict[str, dict[str, Any]] = {}
    for word in settings:
        name, equals, value = word.partition("=")
        section, dot, key = name.partition(".")
        if not (equals and dot and section and key):
            raise ConfigurationError(
                f"--set takes section.key=value, as router.policy=greedy, not {name!r}"
            )
        sections.setdefault(section.strip(), {})[key.strip()] = value.strip()
    return sections


def open_log(settings: Settings) -> SqliteStore:
    """The log for reading, beside whoever writes it.

    Raises:
        ConfigurationError: the settings keep no log on disk.
        StoreError: there is no log yet, or it cannot be read.
    """
    from metallm.store.sqlite import SqliteStore

    if not settings.store.path:
        raise ConfigurationError("store.path is empty: there is no log on disk to read")
    return SqliteStore(settings.store.path, read_only=True)
