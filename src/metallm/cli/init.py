"""`metallm init`: a first metallm.toml."""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from metallm.cli.console import tell
from metallm.errors import ConfigurationError

if TYPE_CHECKING:
    from collections.abc import Mapping

    from metallm.cli.presets import Preset
    from metallm.core.arm import Arm


def init(
    config: Annotated[
        Path, typer.Option("--config", metavar="FILE", help="Where to write it.")
    ] = Path("metallm.toml"),
    force: Annotated[
        bool, typer.Option("--force", help="Write over the file that is there.")
    ] = False,
    preset: Annotated[
        str | None,
        typer.Option(
            metavar="NAME",
            help="The arms of a platform of the paper: paper-openai, paper-bedrock, "
            "paper-together.",
        ),
    ] = None,
) -> None:
    """Write metallm.toml for the API keys in the environment.

    Each provider whose key is found gets a few arms of different price; --preset writes those of
    a platform of the paper instead. Keys themselves are never written.
    """
    from metallm.cli.starter import preset_starter, starter

    if config.exists() and not force:
        raise ConfigurationError(f"{config} is there already: --force writes over it")
    if preset is not None:
        chosen = _preset(preset)
        _write(config, preset_starter(chosen))
        tell(f"wrote {config} with {len(chosen.arms)} arms; needs: {chosen.needs}")
        tell("next: 'metallm models' shows them, 'metallm collect' asks them all")
        return
    keys = keys_found(os.environ)
    arms = arms_for(keys)
    _write(config, starter(keys, arms))
    _say_what_is_next(config, keys, arms)


def _preset(name: str) -> Preset:
    from metallm.cli.presets import PRESETS

    if name not in PRESETS:
        raise ConfigurationError(f"no preset is called {name!r}; there are: {', '.join(PRESETS)}")
    return PRESETS[name]


def _write(config: Path, text: str) -> None:
    try:
        config.write_text(text, encoding="utf-8")
    except OSError as error:
        raise ConfigurationError(
            f"{config} cannot be written: {error.strerror}; name one by --config in a folder that "
            "exists and is writable"
        ) from error


def keys_found(environ: Mapping[str, str]) -> dict[str, str]:
    """For each provider whose key is in the environment, the variable that holds it."""
    from metallm.providers.registry import HOSTS

    named = {host.name: host.api_key_env for host in HOSTS.values() if host.api_key_env}
    return {name: variable for name, variable in named.items() if environ.get(variable, "").strip()}


def arms_for(keys: Mapping[str, str]) -> list[Arm]:
    """A few arms of each provider, with the prices of the price table; none without a price."""
    from metallm.cli.starter import MODELS
    from metallm.core.arm import Arm
    from metallm.providers.prices import priced

    arms = [priced(Arm(f"{name}/{model}")) for name in keys for model in MODELS.get(name, ())]
    return [arm for arm in arms if arm.list_price is not None]


def _say_what_is_next(config: Path, keys: Mapping[str, str], arms: list[Arm]) -> None:
    tell(f"wrote {config} with {len(arms)} arm{'' if len(arms) == 1 else 's'}")
    if not keys:
        tell(
            "no API key was found in the environment: set one, such as OPENAI_API_KEY, and run it "
            "again with --force; or take the signs away from the arms in it that need none"
        )
    elif arms:
        tell("next: 'metallm models' shows them, 'metallm serve' answers for them")
    else:
        tell(
            "no prices are known for the providers whose keys were found: name models and their "
            "prices where it says [[arms]]"
        )
