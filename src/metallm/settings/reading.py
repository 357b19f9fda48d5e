"""All settings, read in one place: arguments > environment > metallm.toml > defaults.

Every key can be given in the environment as METALLM_SECTION__KEY (METALLM_GATEWAY__PORT=9000,
METALLM_ARMS='[{"name": "openai/gpt-4o"}]').
"""

from __future__ import annotations

import tomllib
from pathlib import Path
from typing import TYPE_CHECKING, Any

from pydantic import ValidationError
from pydantic_settings import (
    BaseSettings,
    InitSettingsSource,
    PydanticBaseSettingsSource,
    SettingsConfigDict,
    SettingsError,
)

from metallm.errors import ConfigurationError, InputError
from metallm.settings.mistakes import told
from metallm.settings.sections import (
    AuditSettings,
    CacheSettings,
    GatewaySettings,
    HedgeSettings,
    JudgeSettings,
    OtelSettings,
    ProviderSettings,
    RouterSettings,
    StoreSettings,
)
from metallm.settings.tables import (
    AliasSettings,
    ArmSettings,
    EmbeddingSettings,
    TaskSettings,
)

if TYPE_CHECKING:
    from os import PathLike

    from metallm.core.task import Task

DEFAULT_PATH = Path("metallm.toml")


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


def load_settings(path: str | PathLike[str] | None = None, **arguments: Any) -> Settings:
    """Read the settings: `arguments` win over the environment, that over the file.

    Args:
        path: the file; None reads metallm.toml of the working directory where there is one.
        arguments: sections by name, such as gateway={"port": 9000}; a None within is left out.

    Raises:
        ConfigurationError: a file that is missing, unreadable or no TOML, an unknown key, or a
            value of the wrong kind; the message names the place.
    """
    given = {name: _without_none(value) for name, value in arguments.items() if value is not None}
    from_file = _read_toml(None if path is None else Path(path))

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
        where = f"the settings ({path or DEFAULT_PATH}, METALLM_* variables, arguments)"
        raise ConfigurationError(f"{where} {told(error, Settings)}") from error
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
