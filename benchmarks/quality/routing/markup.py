"""The little Markdown that the page uses, as HTML: headings, paragraphs, lists, tables, code."""

from __future__ import annotations

import re
from html import escape
from itertools import groupby
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable

_BOLD = re.compile(r"\*\*(.+?)\*\*")
_STRESSED = re.compile(r"(?<![\w*])\*([^\s*](?:[^*]*[^\s*])?)\*(?![\w*])")


def to_html(markdown: str) -> str:
    """HTML without head and body.

    Args:
        markdown: blocks of lines of one kind, as `routing.page` writes them.
    """
    parts = []
    for kind, lines in groupby(markdown.splitlines(), key=_kind):
        parts.append(_BLOCKS[kind](list(lines)))
    return "\n".join(parts)


def _kind(line: str) -> str:
    if not line.strip():
        return "blank"
    for start, kind in (("#", "heading"), ("|", "table"), ("- ", "list"), ("    ", "code")):
        if line.startswith(start):
            return kind
    # a list's item goes on in lines that are set in
    return "list" if line.startswith("  ") else "text"


def _inline(text: str) -> str:
    return _STRESSED.sub(r"<em>\1</em>", _BOLD.sub(r"<b>\1</b>", escape(text, quote=False)))


def _headings(lines: list[str]) -> str:
    found = []
    for line in lines:
        level = len(line) - len(line.lstrip("#"))
        found.append(f"<h{level}>{_inline(line.lstrip('# '))}</h{level}>")
    return "\n".join(found)


def _table(lines: list[str]) -> str:
    rows = [[cell.strip() for cell in line.strip("|").split("|")] for line in lines]
    head, body = rows[0], rows[2:]  # the second says how columns are set
    cells = "".join(f"<th>{_inline(cell)}</th>" for cell in head)
    lines = [
        "<tr>" + "".join(f"<td>{_inline(cell)}</td>" for cell in row) + "</tr>" for row in body
    ]
    return f"<table><tr>{cells}</tr>\n" + "\n".join(lines) + "\n</table>"


def _list(lines: list[str]) -> str:
    items = " ".join(line.strip() if line.startswith("  ") else f"\n{line}" for line in lines)
    found = [f"<li>{_inline(item[2:].strip())}</li>" for item in items.split("\n") if item.strip()]
    return "<ul>" + "".join(found) + "</ul>"


_BLOCKS: dict[str, Callable[[list[str]], str]] = {
    "blank": lambda _: "",
    "heading": _headings,
    "table": _table,
    "list": _list,
    "code": lambda lines: "<pre>" + escape("\n".join(line[4:] for line in lines)) + "</pre>",
    "text": lambda lines: f"<p>{_inline(' '.join(lines))}</p>",
}
