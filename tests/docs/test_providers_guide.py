"""The guide on providers names every host as it is."""

from __future__ import annotations

import re
from pathlib import Path

from metallm.core.arm import Arm
from metallm.providers.prices import priced
from metallm.providers.registry import HOSTS
from metallm.settings import load_settings

PAGE = Path(__file__).resolve().parents[2] / "docs" / "guides" / "providers.md"
TEXT = PAGE.read_text(encoding="utf-8")
SPOKEN = {"anthropic": "Anthropic's", "bedrock": "Bedrock's", "gemini": "Gemini's"}


def test_every_provider_stands_there_with_its_key_and_its_wire() -> None:
    rows = re.findall(r"^\| `([a-z]+)` \| (.*) \| (.*) \|$", TEXT, re.MULTILINE)
    assert [name for name, _, _ in rows] == list(HOSTS)
    for name, key, wire in rows:
        host = HOSTS[name]
        assert (host.api_key_env or "none") in key
        assert SPOKEN.get(host.wire, "OpenAI's") in wire


def test_the_tables_of_the_page_are_settings(tmp_path: Path) -> None:
    path = tmp_path / "metallm.toml"
    blocks = re.findall(r"```toml\n(.*?)```", TEXT, re.DOTALL)
    path.write_text("\n".join(blocks), encoding="utf-8")
    arms = [each.arm() for each in load_settings(path).arms]
    assert [arm.provider for arm in arms] == [
        "gemini",
        "bedrock",
        "lan",
        "openai",
        "gemini",
        "bedrock",
    ]
    assert arms[3].wire == "openai-responses"
    assert arms[4].options["generationConfig"]["thinkingConfig"] == {"includeThoughts": True}


def test_prices_of_the_models_that_the_page_names_are_known() -> None:
    named = re.findall(r"`((?:bedrock|gemini)/[^`]+)`", TEXT)
    assert len(named) >= 2
    for name in named:
        assert priced(Arm(name)).list_price is not None
