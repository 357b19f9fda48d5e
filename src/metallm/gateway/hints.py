"""Hints: what a client says beside its query, in fields of the body or in headers.

A header says what the field of the same name says: `x-metallm-cost-weight` what `cost_weight` does.
Lists are separated by commas there, and what is not ASCII is percent-encoded. A field of the body
goes before the header.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any
from urllib.parse import unquote

from metallm.gateway.reading import FieldError, number_field, text_field, texts_field

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

_NAMES = ("task", "arms", "cost_weight", "tenant", "tags", "session")
_LISTS = frozenset({"arms", "tags"})
_START = b"x-metallm-"
HEADERS = {_START + name.replace("_", "-").encode(): name for name in _NAMES}
"""Names of fields, by the headers that say the same."""

MAX_TAGS = 16
MAX_CHARACTERS = 64
"""Of a tag, and of a tenant's name."""


@dataclass(frozen=True, slots=True)
class Hints:
    """What a client says about one query.

    Args:
        task: name of the task.
        arms: the arms that may be chosen; None for all.
        cost_weight: p for this query alone.
        tenant: whose query it is, where the client asks for several.
        tags: words of the client's own, kept with the decision.
        session: names the conversation.
    """

    task: str | None = None
    arms: list[str] | None = None
    cost_weight: float | None = None
    tenant: str | None = None
    tags: tuple[str, ...] = ()
    session: str | None = None

    FIELDS = frozenset(_NAMES)

    @classmethod
    def read(
        cls,
        source: Mapping[str, Any],
        headers: Iterable[tuple[bytes, bytes]],
        prefix: str = "",
    ) -> Hints:
        """Read them all.

        Args:
            source: the object that holds the fields.
            headers: the request's, as they came, names in lower case.
            prefix: what stands before the fields' names in messages.

        Raises:
            FieldError: one of the wrong kind; it names the field or the header.
        """
        # next to no request has any of these headers
        told = [each for each in headers if each[0].startswith(_START) and each[0] in HEADERS]
        if not told:
            return cls._of(source, prefix)
        by_field = cls._of(source, prefix)
        for header, value in told:
            name = HEADERS[header]
            if source.get(name) is None:
                by_header = cls._of({name: _value(name, header, value)}, "", header.decode())
                by_field = replace(by_field, **{name: getattr(by_header, name)})
        return by_field

    @classmethod
    def _of(cls, source: Mapping[str, Any], prefix: str, header: str = "") -> Hints:
        try:
            return cls(
                text_field(source, "task", prefix),
                texts_field(source, "arms", prefix),
                number_field(source, "cost_weight", prefix),
                _short(text_field(source, "tenant", prefix), "tenant", prefix),
                _tags(source, prefix),
                text_field(source, "session", prefix),
            )
        except FieldError as error:
            if not header:
                raise
            told = str(error).removeprefix(error.param).strip()
            raise FieldError(header, told) from None


def _value(name: str, header: bytes, value: bytes) -> str | float | list[str]:
    """A header's value as the field's would be."""
    told = unquote(value.decode("latin-1"))
    if name in _LISTS:
        return [unquote(each).strip() for each in value.decode("latin-1").split(",")]
    if name != "cost_weight":
        return told
    try:
        return float(told)
    except ValueError:
        raise FieldError(header.decode(), "must be a number") from None


def _tags(source: Mapping[str, Any], prefix: str) -> tuple[str, ...]:
    tags = tuple(dict.fromkeys(texts_field(source, "tags", prefix) or ()))
    if len(tags) > MAX_TAGS:
        raise FieldError(f"{prefix}tags", f"must be at most {MAX_TAGS} tags")
    for place, tag in enumerate(tags):
        _short(tag, f"tags[{place}]", prefix)
    return tags


def _short(text: str | None, name: str, prefix: str) -> str | None:
    """A name that can stand in logs and tables."""
    if text is not None and not (len(text) <= MAX_CHARACTERS and text.isprintable()):
        raise FieldError(
            f"{prefix}{name}", f"must be at most {MAX_CHARACTERS} printable characters"
        )
    return text
