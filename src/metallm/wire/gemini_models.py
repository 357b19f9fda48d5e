"""What Google's models differ in, where a translation depends on it, read from their names."""

from __future__ import annotations

import re
from typing import Any

from metallm.wire.base import UncarriedError
from metallm.wire.words import word

_VERSION = re.compile(r"gemini-(?:[a-z]+-)*(\d{1,2})(?!\d)(?:\.(\d{1,2}))?")

_NEWEST = (99, 0)
"""A name without a version, such as an alias of the latest, is taken for the newest."""

_LEVELS = {"minimal": "MINIMAL", "low": "LOW", "medium": "MEDIUM", "high": "HIGH", "xhigh": "HIGH"}
_BUDGETS = {"minimal": 1_024, "low": 1_024, "medium": 8_192, "high": 24_576, "xhigh": 24_576}
"""Tokens of thinking, as Google's OpenAI-compatible API takes OpenAI's words."""


def version_of(model: str) -> tuple[int, int]:
    """(2, 5) for "gemini-2.5-flash-lite", (3, 0) for "gemini-3-pro-preview", (0, 0) for Gemma."""
    if "gemma" in model:
        return (0, 0)
    found = _VERSION.search(model)
    return (int(found[1]), int(found[2] or 0)) if found else _NEWEST


def wants_signatures(model: str) -> bool:
    """Whether calls of tools are refused without the signature of the thoughts behind them."""
    return version_of(model) >= (3, 0)


def thinking_for(effort: object, model: str) -> dict[str, Any] | None:
    """The `thinkingConfig` that stands for OpenAI's `reasoning_effort`; None for what not to send.

    Args:
        effort: of the request; None for none.
        model: of the arm.

    Raises:
        UncarriedError: an unknown effort, or one that the model does not take.
    """
    if effort is None:
        return None
    version = version_of(model)
    if word(effort) == "none":
        return _quiet(model, version)
    if word(effort) not in _LEVELS:
        raise UncarriedError(f"reasoning_effort {effort!r:.40}")
    if version < (2, 5):
        raise UncarriedError(f"reasoning_effort, for {model} does not think")
    if version < (3, 0):
        return {"thinkingBudget": _BUDGETS[word(effort)]}
    level = _LEVELS[word(effort)]
    if "pro" in model and level == "MINIMAL":
        level = "LOW"
    if "pro" in model and version == (3, 0) and level == "MEDIUM":
        level = "HIGH"  # the first of the series knows two levels alone
    return {"thinkingLevel": level}


def effort_of(config: object) -> str | None:
    """OpenAI's `reasoning_effort` for a `thinkingConfig`; None where it leaves that open."""
    if not isinstance(config, dict):
        return None
    level = word(config.get("thinkingLevel")).lower()
    if level in _LEVELS:
        return level
    budget = config.get("thinkingBudget")
    if not isinstance(budget, int) or budget < 0:
        return None
    if budget == 0:
        return "none"
    return next((each for each in ("low", "medium") if budget <= _BUDGETS[each]), "high")


def _quiet(model: str, version: tuple[int, int]) -> dict[str, Any] | None:
    if version < (2, 5):
        return None
    if version < (3, 0) and "pro" not in model:
        return {"thinkingBudget": 0}
    raise UncarriedError(f"reasoning_effort 'none', for {model} always thinks")
