"""What Anthropic's models differ in, where a translation depends on it, read from their names."""

from __future__ import annotations

import re
from typing import Any

from metallm.wire.base import UncarriedError
from metallm.wire.words import kind, word

_VERSION = re.compile(r"claude-(?:[a-z]+-)*(\d{1,2})(?!\d)(?:[-.](\d{1,2})(?!\d))?")

_NEWEST = (99, 0)
"""A name without a version is taken for one that takes all that there is."""

_MOST_OUTPUT = (((3, 7), 32_000), ((3, 5), 8_192), ((0, 0), 4_096))
"""From version on, most output tokens that every such model gives; the newer come first."""

_BUDGETS = {"low": 2_048, "medium": 8_192, "high": 24_576, "xhigh": 32_000}
"""Tokens of thinking for models that take a budget."""

_LEAST_BUDGET = 1_024
_QUIET = {"none", "minimal"}


def version_of(model: str) -> tuple[int, int]:
    """(4, 5) for "claude-sonnet-4-5-20250929", (3, 0) for "claude-3-opus-20240229"."""
    found = _VERSION.search(model)
    return (int(found[1]), int(found[2] or 0)) if found else _NEWEST


def most_output(model: str) -> int:
    """Output tokens to allow where the caller named no limit; this wire demands one."""
    if _VERSION.search(model) is None:
        return 4_096
    version = version_of(model)
    return next(most for since, most in _MOST_OUTPUT if version >= since)


def takes_schema(model: str) -> bool:
    """Whether answers can be held to a JSON schema."""
    version = version_of(model)
    return version >= (4, 5) or (version == (4, 1) and "opus" in model)


def thinking_for(
    effort: object, model: str, max_tokens: int
) -> tuple[dict[str, Any] | None, str | None]:
    """`thinking` and effort that stand for OpenAI's `reasoning_effort`; None for what not to send.

    Args:
        effort: of the request; None for none.
        model: of the arm.
        max_tokens: of the request, which thinking counts towards.

    Raises:
        UncarriedError: an unknown effort, a model that does not think, or no room for it.
    """
    if effort is None or word(effort) in _QUIET:
        return None, None
    if not isinstance(effort, str) or effort not in _BUDGETS:
        raise UncarriedError(f"reasoning_effort {effort!r:.40}")
    version = version_of(model)
    if version >= (4, 6):
        return {"type": "adaptive"}, effort
    if version < (3, 7):
        raise UncarriedError(f"reasoning_effort, for {model} does not think")
    budget = min(_BUDGETS[effort], max_tokens - 1)
    if budget < _LEAST_BUDGET:
        raise UncarriedError(
            f"reasoning_effort with max_tokens {max_tokens}: thinking alone takes {_LEAST_BUDGET}"
        )
    return {"type": "enabled", "budget_tokens": budget}, None


def effort_of(thinking: object, output_config: object) -> str | None:
    """OpenAI's `reasoning_effort` for what a caller of this wire allows; None for no thinking."""
    way = kind(thinking)
    if way in {"", "disabled"}:
        return None
    budget = thinking.get("budget_tokens") if isinstance(thinking, dict) else None
    if way == "enabled" and isinstance(budget, int):
        return next((each for each in ("low", "medium") if budget <= 2 * _BUDGETS[each]), "high")
    effort = word(output_config.get("effort")) if isinstance(output_config, dict) else ""
    if effort in {"xhigh", "max"}:
        return "high"
    return effort if effort in {"low", "medium", "high"} else "medium"
