"""Answers given as JSON."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Sequence

_KEYS = ("label", "answer", "class", "category", "sentiment", "classification", "prediction",
         "choice", "option", "output", "result")  # fmt: skip
_PLURALS = ("labels", "answers", "classes", "categories", "predictions", "tags", "topics",
            "results")  # fmt: skip


def stated_in_object(answer: str) -> str | None:
    """What a JSON object in the answer gives as its label or answer, or None.

    Args:
        answer: any text, the object perhaps within a code fence or a sentence.
    """
    for value in _values(answer, _KEYS):
        stated = _text(value[0] if isinstance(value, list) and len(value) == 1 else value)
        if stated is not None:
            return stated
    return None


def listed_in_object(answer: str) -> Sequence[str] | str | None:
    """The labels that JSON in the answer gives: a list, or a text that holds them; or None.

    Args:
        answer: any text; in it an object with a list or a text, or a list that stands alone.
    """
    alone = None if "{" in answer else _parsed(answer, "[", "]")
    found = [alone] if isinstance(alone, list) else _values(answer, _PLURALS + _KEYS)
    for value in found:
        if isinstance(value, list):
            return [_text(each) or "" for each in value]
        stated = _text(value)
        if stated is not None:
            return stated
    return None


def _values(answer: str, keys: Sequence[str]) -> Sequence[Any]:
    """What an object in the answer holds under these keys, in their order."""
    found = _parsed(answer, "{", "}")
    if not isinstance(found, dict):
        return ()
    by_key = {key.casefold(): value for key, value in found.items()}
    return [by_key[key] for key in keys if key in by_key]


def _parsed(answer: str, opening: str, closing: str) -> Any:
    start, end = answer.find(opening), answer.rfind(closing)
    if not 0 <= start < end:
        return None
    try:
        return json.loads(answer[start : end + 1])
    except (ValueError, RecursionError):
        return None


def _text(value: object) -> str | None:
    if isinstance(value, str):
        return value
    # JSON's own true and numbers, for labels such as "true" or "3"
    return json.dumps(value) if isinstance(value, bool | int | float) else None
