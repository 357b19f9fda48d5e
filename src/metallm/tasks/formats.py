"""The shape that an answer is held to, where an arm can be held to one."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Mapping

    from metallm.core.task import Task

MOST_LABELS = 250
"""With more, OpenAI bounds the length of the names too, and other hosts refuse sooner."""


def answer_format(task: Task) -> Mapping[str, Any] | None:
    """A `response_format` of OpenAI's shape: a JSON object with one of the labels, or a list.

    None where there are more labels than hosts take in a schema.
    """
    if len(task.labels) > MOST_LABELS:
        return None
    one = {"type": "string", "enum": list(task.labels)}
    key, value = ("labels", {"type": "array", "items": one}) if task.kind == "multi" else (
        "label", one
    )  # fmt: skip
    schema = {
        "type": "object",
        "properties": {key: value},
        "required": [key],
        "additionalProperties": False,
    }
    return {
        "type": "json_schema",
        "json_schema": {"name": "answer", "strict": True, "schema": schema},
    }
