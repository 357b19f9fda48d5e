"""Words in documents of others, where anything may stand."""

from __future__ import annotations

from typing import Any


def word(value: object) -> str:
    """The text that a value is; "" for anything else, which is no word that any wire knows."""
    return value if isinstance(value, str) else ""


def kind(document: Any) -> str:
    """The type that an object names; "" for anything else."""
    return word(document.get("type")) if isinstance(document, dict) else ""


def fields(value: object) -> dict[str, Any]:
    """The object that a value is; an empty one for anything else."""
    return value if isinstance(value, dict) else {}


def objects(value: object) -> list[dict[str, Any]]:
    """The objects in a list; none for anything else."""
    return [each for each in value if isinstance(each, dict)] if isinstance(value, list) else []
