from __future__ import annotations

import pytest

from metallm.core.arm import Arm
from metallm.errors import UnknownArmError
from metallm.gateway.naming import Names, undated


def names(*arms: Arm) -> Names:
    return Names({arm.name: arm for arm in arms})


KNOWN = names(
    Arm("anthropic/claude-a-5-20260101"),
    Arm("anthropic/claude-b-5"),
    Arm("azure/eu", model="gpt-x"),
    Arm("east/llama"),
    Arm("west/llama"),
)


@pytest.mark.parametrize(
    ("asked", "arm"),
    [
        ("auto", None),
        ("east/llama", "east/llama"),
        ("claude-a-5-20260101", "anthropic/claude-a-5-20260101"),
        ("claude-a-5", "anthropic/claude-a-5-20260101"),
        ("claude-a-5-latest", "anthropic/claude-a-5-20260101"),
        ("claude-b-5", "anthropic/claude-b-5"),
        ("claude-b-5-20260202", "anthropic/claude-b-5"),
        ("claude-b-5-2026-02-02", "anthropic/claude-b-5"),
        ("gpt-x", "azure/eu"),
    ],
)
def test_a_model_that_only_one_arm_can_mean_finds_it(asked: str, arm: str | None) -> None:
    assert KNOWN.find(asked) == arm


@pytest.mark.parametrize("asked", ["llama", "claude-a-5-20260102", "claude-a", "eu", "", "gpt-9"])
def test_a_model_that_none_or_several_can_mean_is_unknown(asked: str) -> None:
    with pytest.raises(UnknownArmError, match="auto, anthropic/claude-a-5-20260101"):
        KNOWN.find(asked)


def test_an_arm_that_is_called_auto_is_asked_for_by_its_name() -> None:
    assert names(Arm("auto")).find("auto") == "auto"


def test_a_date_is_taken_off_the_end_alone() -> None:
    assert undated("claude-a-5-20260101") == "claude-a-5"
    assert undated("gpt-4-0613") == "gpt-4-0613"
    assert undated("20260101-x") == "20260101-x"
