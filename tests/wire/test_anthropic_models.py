from __future__ import annotations

import pytest

from metallm.wire.anthropic_models import (
    effort_of,
    most_output,
    takes_schema,
    thinking_for,
    version_of,
)
from metallm.wire.base import UncarriedError


@pytest.mark.parametrize(
    ("model", "version", "most"),
    [
        ("claude-2.1", (2, 1), 4_096),
        ("claude-3-opus-20240229", (3, 0), 4_096),
        ("claude-3-5-sonnet-20241022", (3, 5), 8_192),
        ("claude-3-7-sonnet-latest", (3, 7), 32_000),
        ("claude-sonnet-4-20250514", (4, 0), 32_000),
        ("claude-opus-4-1-20250805", (4, 1), 32_000),
        ("anthropic.claude-3-haiku-20240307-v1:0", (3, 0), 4_096),
        ("claude-example-12", (12, 0), 32_000),
        ("some-other-model", (99, 0), 4_096),
    ],
)
def test_a_models_name_tells_its_version_and_how_much_it_may_say(
    model: str, version: tuple[int, int], most: int
) -> None:
    assert version_of(model) == version
    assert most_output(model) == most


def test_only_newer_models_are_held_to_a_schema() -> None:
    assert takes_schema("claude-sonnet-4-5")
    assert takes_schema("claude-opus-4-1-20250805")
    assert takes_schema("some-other-model")
    assert not takes_schema("claude-sonnet-4-20250514")
    assert not takes_schema("claude-3-7-sonnet-latest")


def test_effort_becomes_a_budget_or_on_newer_models_an_effort() -> None:
    budget = {"type": "enabled", "budget_tokens": 8_192}
    assert thinking_for("medium", "claude-sonnet-4-5", 32_000) == (budget, None)
    assert thinking_for("high", "claude-opus-4-6", 100) == ({"type": "adaptive"}, "high")
    low = {"type": "enabled", "budget_tokens": 1_999}
    assert thinking_for("high", "claude-3-7-sonnet", 2_000) == (low, None)
    for quiet in (None, "none", "minimal"):
        assert thinking_for(quiet, "claude-3-opus", 10) == (None, None)


@pytest.mark.parametrize(
    ("effort", "model", "max_tokens", "told"),
    [
        ("huge", "claude-sonnet-4-5", 9_000, "reasoning_effort 'huge'"),
        (3, "claude-sonnet-4-5", 9_000, "reasoning_effort 3"),
        ("low", "claude-3-5-sonnet", 9_000, "does not think"),
        ("low", "claude-sonnet-4-5", 1_024, "with max_tokens 1024"),
    ],
)
def test_effort_that_a_model_cannot_make_is_refused(
    effort: object, model: str, max_tokens: int, told: str
) -> None:
    with pytest.raises(UncarriedError, match=told):
        thinking_for(effort, model, max_tokens)


@pytest.mark.parametrize("effort", ["low", "medium", "high"])
@pytest.mark.parametrize("model", ["claude-sonnet-4-5", "claude-opus-4-6"])
def test_effort_comes_back_from_what_it_became(effort: str, model: str) -> None:
    thinking, config = thinking_for(effort, model, 32_000)
    assert effort_of(thinking, {"effort": config}) == effort


@pytest.mark.parametrize(
    ("thinking", "config", "effort"),
    [
        (None, {"effort": "high"}, None),
        ({"type": "disabled"}, None, None),
        ({"type": "adaptive"}, None, "medium"),
        ({"type": "adaptive"}, {"effort": "max"}, "high"),
        ({"type": "between_tools"}, {}, "medium"),
        ({"type": "enabled", "budget_tokens": 31_999}, None, "high"),
        ({"type": "enabled", "budget_tokens": 1_024}, None, "low"),
    ],
)
def test_what_a_caller_allows_becomes_an_effort(
    thinking: object, config: object, effort: str | None
) -> None:
    assert effort_of(thinking, config) == effort
