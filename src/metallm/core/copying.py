"""Pickling of frozen data with read-only mappings in it, which Python cannot pickle by itself."""

from __future__ import annotations

from dataclasses import fields
from types import MappingProxyType
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from _typeshed import DataclassInstance


def taken_apart(value: DataclassInstance) -> tuple[Callable[..., object], tuple[Any, ...]]:
    """For `__reduce__`: the value is made again from its fields, so that they are checked again."""
    told = {each.name: _plain(getattr(value, each.name)) for each in fields(value) if each.init}
    return _put_together, (type(value), told)


def _put_together(kind: type, told: Mapping[str, Any]) -> object:
    return kind(**told)


def _plain(field: Any) -> Any:
    return dict(field) if isinstance(field, MappingProxyType) else field
