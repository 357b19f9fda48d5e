"""Routers and logs as the settings describe them."""

from __future__ import annotations

from typing import TYPE_CHECKING

from metallm.errors import ConfigurationError

if TYPE_CHECKING:
    from pathlib import Path

    from metallm.settings import Settings
    from metallm.store.sqlite import SqliteStore


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

    Raises:
        ConfigurationError: settings that cannot be read, or have a mistake.
    """
    from metallm.settings import load_settings

    router = {
        "cost_weight": cost_weight,
        "policy": policy,
        "seed": seed,
        "log_prompts": log_prompts,
    }
    return load_settings(
        config,
        gateway={"host": host, "port": port},
        store={"path": store},
        router=router,
    )


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
