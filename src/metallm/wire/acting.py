"""Requests with which a host does more than answer: asked twice, it would be done twice."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Mapping

_ACTING = (
    "background",
    "container",
    "conversation",
    "mcp_servers",
    "plugins",
    "web_search_options",
)
"""Fields by which a host runs something itself, or keeps it."""

_DECLARED = frozenset({"functionDeclarations", "function_declarations"})


def acts(body: Mapping[str, Any]) -> bool:
    """Whether a body, of any wire, or an arm's options, has a host do more than answer.

    A function is run by whoever asked, once it has the answer that calls it, so that it does not
    count; a tool that the host runs itself, such as one behind MCP, may well change something.
    """
    return any(body.get(name) for name in _ACTING) or not only_functions(body)


def only_functions(body: Mapping[str, Any]) -> bool:
    """Whether all tools of a body are run by the caller; as any of the wires describes them."""
    tools = body.get("tools") or (body.get("toolConfig") or {}).get("tools")
    return not isinstance(tools, list) or all(map(_is_function, tools))


def _is_function(tool: object) -> bool:
    if not isinstance(tool, dict):
        return False
    kind = tool.get("type")
    if kind == "function" or "toolSpec" in tool or "cachePoint" in tool:
        return True
    if kind in {None, "custom"} and "input_schema" in tool:
        return True
    return bool(tool) and set(tool) <= _DECLARED
