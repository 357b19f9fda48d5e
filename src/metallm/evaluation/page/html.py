"""HTML whose texts cannot break out of it: whatever is not marked as safe is escaped."""

from __future__ import annotations

import unicodedata
from html import escape
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable

_NO_END = frozenset({"meta", "br", "line", "rect", "circle", "path", "polyline"})
_SHOWN_AS_SPACE = frozenset("\n\r\t")
_SPELLED_OUT = frozenset({"Cc", "Cf", "Cs", "Co", "Cn", "Zl", "Zp"})
"""Categories of signs without a picture: control, direction, half surrogates, not assigned."""


class Safe(str):
    """HTML as it is."""

    __slots__ = ()


Child = str | float | None
"""What stands in an element: text, a number, nothing, or `Safe`."""


def el(kind: str, /, *children: Child | Iterable[Child], **attributes: str | float | None) -> Safe:
    """An element.

    Args:
        kind: name of the element.
        children: its content; a list of them counts as its members.
        attributes: `cls` for class; _ becomes -; None leaves one out.
    """
    told = "".join(
        f' {_attribute(key)}="{escape(_number(value), quote=True)}"'
        for key, value in attributes.items()
        if value is not None
    )
    if kind in _NO_END:
        return Safe(f"<{kind}{told}/>")
    return Safe(f"<{kind}{told}>{join(children)}</{kind}>")


def join(children: Iterable[Child | Iterable[Child]]) -> Safe:
    """Several children, one after the other."""
    parts = []
    for child in children:
        if child is None:
            continue
        if isinstance(child, Safe):
            parts.append(str(child))
        elif isinstance(child, str | float | int):
            parts.append(escape(_number(child), quote=False))
        else:
            parts.append(str(join(child)))
    return Safe("".join(parts))


def shown(text: str, most: int) -> Safe:
    """A text of somebody else, cut to some characters, with nothing in it that acts.

    Signs without a picture, such as those that turn the direction of reading, are spelled out.
    """
    cut = text[:most]
    pieces: list[Child] = []
    for sign in cut:
        if sign in _SHOWN_AS_SPACE:
            pieces.append(" ")
        elif unicodedata.category(sign) in _SPELLED_OUT:
            pieces.append(el("i", f"U+{ord(sign):04X}", cls="sign"))
        else:
            pieces.append(sign)
    if len(text) > most:
        pieces.append(el("span", f" … {len(text) - most:,} more", cls="more"))
    return el("bdi", pieces)


def plain(text: str, most: int) -> str:
    """The same for places that hold no elements, such as titles and the words of a chart."""
    cut = "".join(
        f"[U+{ord(sign):04X}]" if unicodedata.category(sign) in _SPELLED_OUT else sign
        for sign in text[:most]
    )
    return cut if len(text) <= most else f"{cut}…"


def named(text: str, most: int) -> Safe:
    """A name, such as a label's or a model's: what is cut off is told when one points at it."""
    return el("bdi", plain(text, most), title=plain(text, 300) if len(text) > most else None)


def _attribute(key: str) -> str:
    return "class" if key == "cls" else key.rstrip("_").replace("_", "-")


def _number(value: str | float) -> str:
    return f"{value:.2f}".rstrip("0").rstrip(".") if isinstance(value, float) else str(value)
