"""Classification: which one of a few labels fits a text."""

from __future__ import annotations

import re
from types import MappingProxyType
from typing import TYPE_CHECKING

from metallm.errors import InputError, UnknownLabelError
from metallm.tasks.folding import fold
from metallm.tasks.reading import LabelReader

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from metallm.core.query import Message

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
    }
)
"""Prompts by name. {text} stands for the text, {labels} for a list of the labels."""

_SST2_LABELS = {"positive", "negative"}
_PLACES = re.compile(r"\{(text|labels)\}")


class ClassificationTask:
    """Asks for one of a set of labels.

    Args:
        labels: 2 or more, different also where case is disregarded.
        name: goes into decisions.
        template: a name in `templates`, or a prompt of your own that holds {text}.
        descriptions: what some labels mean, by label; told where the template lists the labels.

    Raises:
        InputError: labels that are too few, empty or the same; an unknown template; "sst2" with
            labels other than positive and negative.
        UnknownLabelError: a description of something that is no label.
    """

    def __init__(
        self,
        labels: Sequence[str],
        *,
        name: str = "classification",
        template: str = "general",
        descriptions: Mapping[str, str] | None = None,
    ) -> None:
        self.name = name
        self.labels = checked_labels(labels)
        self._template = _template(template, self.labels)
        self._listed = _listed(self.labels, descriptions or {})
        self._reader = LabelReader(self.labels)

    def messages(self, text: str) -> Sequence[Message]:
        """The one message that asks which label fits `text`.

        Args:
            text: as it came; braces in it mean nothing.
        """
        filled = {"text": text, "labels": self._listed}
        prompt = _PLACES.sub(lambda place: filled[place.group(1)], self._template)
        return ({"role": "user", "content": prompt},)

    def read(self, answer: str) -> str | None:
        """The label that an arm's answer names; None where it names none or several."""
        return self._reader.read(answer)


def checked_labels(labels: Sequence[str]) -> tuple[str, ...]:
    """The labels, if they can be told apart.

    Args:
        labels: any texts.

    Raises:
        InputError: one text instead of several, fewer than 2, an empty one, or two that differ
            only in case or spacing.
    """
    if isinstance(labels, str):
        raise InputError(f"labels must be a list of texts, such as ['yes', 'no'], not {labels!r}")
    seen: dict[str, str] = {}
    for label in labels:
        if not isinstance(label, str) or not fold(label):
            raise InputError(f"a label must be a text that is not empty, not {label!r}")
        folded = fold(label)
        if folded in seen:
            raise InputError(f"the labels {seen[folded]!r} and {label!r} cannot be told apart")
        seen[folded] = label
    if len(seen) < 2:
        raise InputError(f"a classification needs 2 labels or more, not {len(seen)}")
    return tuple(labels)


def _template(given: str, labels: Sequence[str]) -> str:
    if given == "sst2" and {fold(label) for label in labels} != _SST2_LABELS:
        raise InputError("the template 'sst2' asks for positive or negative: give those labels")
    template = templates.get(given, given)
    if "{text}" not in template:
        raise InputError(
            f"no template is called {given!r}: name one of {', '.join(templates)}, "
            "or give a prompt that holds {text}"
        )
    return template


def _listed(labels: Sequence[str], descriptions: Mapping[str, str]) -> str:
    for described in descriptions:
        if described not in labels:
            raise UnknownLabelError(described, labels)
    return "\n".join(
        f"- {label}: {descriptions[label]}" if label in descriptions else f"- {label}"
        for label in labels
    )
