"""The page of settings holds all that there are, with the defaults and the words of the code."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest
from pydantic import BaseModel

from metallm.settings import (
    AliasSettings,
    ArmSettings,
    EmbeddingSettings,
    ExampleSettings,
    Settings,
    TaskSettings,
    TierSettings,
)

PAGE = Path(__file__).resolve().parents[2] / "docs/guides/settings.md"
ONCE = {
    name: field.annotation
    for name, field in Settings.model_fields.items()
    if isinstance(field.annotation, type) and issubclass(field.annotation, BaseModel)
}
SEVERAL: dict[str, tuple[type[BaseModel], ...]] = {
    "arms": (ArmSettings, TierSettings),
    "tasks": (TaskSettings, ExampleSettings),
    "aliases": (AliasSettings,),
    "embeddings": (EmbeddingSettings,),
}


def _section(title: str) -> str:
    text = PAGE.read_text(encoding="utf-8")
    return text.partition(f"\n## {title}\n")[2].partition("\n## ")[0]


def test_every_section_has_a_place_on_the_page_in_the_order_of_the_code() -> None:
    titles = re.findall(r"^## (.+)$", PAGE.read_text(encoding="utf-8"), re.MULTILINE)
    assert titles == [*(f"[{name}]" for name in ONCE), *(f"[[{name}]]" for name in SEVERAL)]
    assert set(Settings.model_fields) == {*ONCE, *SEVERAL}


@pytest.mark.parametrize("name", ONCE)
def test_a_section_tells_each_key_with_its_default(name: str) -> None:
    lines = [line for line in _section(f"[{name}]").splitlines() if line.startswith("| `")]
    assert lines == [
        f"| `{key}` | {_shown(field.default)} | {field.description} |"
        for key, field in ONCE[name].model_fields.items()
    ]


def _shown(default: object) -> str:
    return "none" if default is None else f"`{json.dumps(default)}`"


@pytest.mark.parametrize("name", SEVERAL)
def test_a_table_that_may_stand_several_times_tells_each_key(name: str) -> None:
    told = set(re.findall(r"`([a-z][a-z0-9_]*)`", _section(f"[[{name}]]")))
    keys = {key for model in SEVERAL[name] for key in model.model_fields}
    words = {"openai", "anthropic", "gemini", "bedrock"}  # names of wires
    assert keys <= told
    assert told <= keys | words | {"false"}
