"""Answers given as a JSON object."""

from __future__ import annotations

import json
from typing import Any

_KEYS = ("label", "answer", "class", "category", "sentiment", "classification", "prediction",
         "choice", "option", "output", "result")  # fmt: skip


def stated_in_object(answer: str) -> str | None:
    """What a JSON object in the answer gives as its label or answer, or None.

    Args:
        answer: any text, the object perhaps within a code fence or a sentence.
    """
    start, end = answer.find("{"), answer.rfind("}")
    if not 0 <= start < end:
        return None
    try:
        found: Any = json.loads(answer[start : end + 1])
    except (ValueError, RecursionError):
        return None
    if not isinstance(found, dict):
        return None
    by_key = {key.casefold(): value for key, value in found.items()}
    for key in _KEYS:
        value = by_key.get(key)
        if isinstance(value, str):
            return value
        # JSON's own true and numbers, for labels such as "true" or "3"
        if isinstance(value, bool | int | float):
            return json.dumps(value)
    return None
