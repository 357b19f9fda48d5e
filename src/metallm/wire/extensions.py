"""What the canonical form holds beyond OpenAI's, which strict hosts of that wire refuse.

- `cache_control`, on a part, a message or a tool: up to here the provider is to keep its work.
- `thinking_blocks`, on an assistant's message: its reasoning with the provider's signature, which
  the provider wants back.
- `is_error`, on a tool's result: the tool failed.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Mapping

CACHE_CONTROL = "cache_control"
THINKING = "thinking_blocks"
IS_ERROR = "is_error"
_ALL = frozenset({CACHE_CONTROL, THINKING, IS_ERROR})


def without_extensions(body: Mapping[str, Any]) -> dict[str, Any]:
    """A canonical body as any host of OpenAI's wire takes it; the given one stays as it is."""
    return {
        name: [_plain(item) for item in value] if name in {"messages", "tools"} else value
        for name, value in body.items()
        if name not in _ALL
    }


def _plain(item: Any) -> Any:
    """A message, a part or a tool without the extensions."""
    if not isinstance(item, dict):
        return item
    kept = {name: value for name, value in item.items() if name not in _ALL}
    if isinstance(kept.get("content"), list):
        kept["content"] = [_plain(part) for part in kept["content"]]
    return kept
