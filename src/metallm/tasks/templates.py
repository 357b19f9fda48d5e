"""Prompts: by name, or one's own, with places for the text and the labels."""

from __future__ import annotations

import re
from types import MappingProxyType
from typing import TYPE_CHECKING

from metallm.core.folding import fold
from metallm.core.task import SEPARATOR
from metallm.errors import InputError

if TYPE_CHECKING:
    from collections.abc import Mapping

    from metallm.core.task import Task

templates: Mapping[str, str] = MappingProxyType(
    {
        "general": (
            "Which of the following labels fits the text below?\n"
            "{labels}\n\n"
            "Text:\n{text}\n\n"
            "Answer with one label, spelled as above, and nothing else."
        ),
        # the paper's wording for SST-2
        "sst2": (
            "For the sentence: {text}, is the sentiment in this sentence positive or negative?"
        ),
        # the paper's wording for MMLU
        "mmlu": (
            "Answer the following multiple-choice question with only the answer letter "
            "({letters}):\n{text}\nAnswer:"
        ),
        "multi": (
            "Which of the following labels fit the text below? There may be one or several.\n"
            "{labels}\n\n"
            "Text:\n{text}\n\n"
            f"Answer with every label that fits, spelled as above, with{SEPARATOR}between them, "
            "and nothing else."
        ),
        "ordinal": (
            "Where does the text below stand on this scale, from one end to the other?\n"
            "{labels}\n\n"
            "Text:\n{text}\n\n"
            "Answer with one level, spelled as above, and nothing else."
        ),
    }
)
"""Prompts by name. {text} stands for the text, {labels} for a list of the labels with what they
mean, {letters} for their names in one line."""

_USUAL = {"single": "general", "multi": "multi", "ordinal": "ordinal", "choice": "mmlu"}
_SST2_NAMES = {"sst2", "sst-2", "sst_2"}
_SST2_LABELS = {"positive", "negative"}
_PLACES = re.compile(r"\{(text|labels|letters)\}")


def template_of(task: Task) -> str:
    """The prompt of a task, with its places.

    Without a template it is the paper's where the paper asked just that: a choice, and positive
    or negative of a task called "sst2". Else it is the kind's.

    Raises:
        InputError: an unknown name, or "sst2" with labels other than positive and negative.
    """
    sentiment = {fold(label) for label in task.labels} == _SST2_LABELS
    given = task.template
    if given is None:
        asked_so = task.kind == "single" and sentiment and fold(task.name) in _SST2_NAMES
        return templates["sst2" if asked_so else _USUAL[task.kind]]
    if given == "sst2" and not sentiment:
        raise InputError("the template 'sst2' asks for positive or negative: give those labels")
    template = templates.get(given, given)
    if "{text}" not in template:
        raise InputError(
            f"no template is called {given!r}: name one of {', '.join(templates)}, "
            "or give a prompt that holds {text}"
        )
    return template


def filled(template: str, places: Mapping[str, str]) -> str:
    """A prompt with its places filled; other braces, and those in what is put in, mean nothing."""
    return _PLACES.sub(lambda place: places[place.group(1)], template)


def listed(task: Task) -> str:
    """The labels, one a line, with what they mean."""
    meanings = dict(task.descriptions)
    if task.none_of_these is not None:
        meanings.setdefault(task.none_of_these, "none of the others fits")
    return "\n".join(
        f"- {label}: {meanings[label]}" if label in meanings else f"- {label}"
        for label in task.labels
    )


def in_line(task: Task) -> str:
    """The labels' names in one line: "A, B, or C"."""
    comma = "," if len(task.labels) > 2 else ""
    return f"{', '.join(task.labels[:-1])}{comma} or {task.labels[-1]}"
