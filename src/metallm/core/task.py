"""A task: what is asked of many texts, which answers there are, and what errors cost."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from string import ascii_uppercase
from types import MappingProxyType
from typing import Any, Literal, get_args

from metallm.core.copying import taken_apart
from metallm.core.costs import ErrorCosts, checked_costs, largest_cost
from metallm.core.folding import fold
from metallm.core.labels import checked_labels, checked_letters
from metallm.errors import InputError, UnknownLabelError

Kind = Literal["single", "multi", "ordinal", "choice"]

SEPARATOR = " | "
"""Between the labels of one answer to a task of kind "multi", as the log holds it."""


@dataclass(frozen=True, slots=True, init=False)
class Task:
    """What is asked of a text.

    Args:
        name: goes into decisions; what is learned of the task is kept by it.
        kind: "single": one label fits; "multi": any number of them; "ordinal": one level of a
            scale; "choice": the letter of one of the options that stand in the text.
        labels: texts that can be told apart, or what they mean by label; an ordinal's from one end
            of its scale to the other, a choice's letters. A choice has A to D where none are given.
        descriptions: what some of the labels mean, where `labels` does not say.
        instructions: told before the question.
        examples: pairs of a text and its label; of kind "multi", its labels.
        none_of_these: the label for a text that none of the others fits, added to them where it is
            not among them. An ordinal's stands off the scale. A choice has it among its options.
        error_costs: what an error costs, 0 or more, by (truth, said) or as {truth: {said: cost}}.
            Others cost 1; between an ordinal's levels, their distance / (L − 1).
        template: name of a prompt or a prompt of one's own that holds {text}; None for the
            paper's where it has one, else the kind's.

    Attributes:
        labels: all of them, in order.
        examples: with labels as `canonical` writes them.
        error_costs: those that were given, by (truth, said).
        largest_cost: of all errors; an answer that names no label costs that.

    Raises:
        InputError: what cannot be asked, read or scored; the message names the task and the place.
        UnknownLabelError: a description, example or cost of something that is no label.
    """

    name: str
    kind: Kind
    labels: tuple[str, ...]
    descriptions: Mapping[str, str] = field(hash=False)
    instructions: str
    examples: tuple[tuple[str, str], ...]
    none_of_these: str | None
    error_costs: Mapping[tuple[str, str], float] = field(hash=False)
    template: str | None
    largest_cost: float = field(init=False, repr=False, compare=False)
    _places: Mapping[str, int] = field(init=False, repr=False, compare=False)

    def __init__(
        self,
        name: str,
        kind: Kind = "single",
        labels: Sequence[str] | Mapping[str, str] = (),
        *,
        descriptions: Mapping[str, str] | None = None,
        instructions: str = "",
        examples: Iterable[tuple[str, str | Iterable[str]]] = (),
        none_of_these: str | None = None,
        error_costs: ErrorCosts | None = None,
        template: str | None = None,
    ) -> None:
        put = object.__setattr__  # the one place where a frozen task is written
        if not isinstance(name, str) or not name.strip():
            raise InputError(f"a task needs a name, such as 'tickets', not {name!r}")
        put(self, "name", name)
        put(self, "kind", _kind(name, kind))
        named, meanings = _described(name, labels, descriptions)
        put(self, "labels", _labels(name, kind, named, none_of_these))
        put(self, "_places", {fold(label): place for place, label in enumerate(self.labels)})
        put(self, "descriptions", _read_only(meanings, self))
        put(self, "instructions", _text(name, "instructions", instructions))
        put(self, "none_of_these", None if none_of_these is None else self._one(none_of_these))
        put(self, "template", None if template is None else _text(name, "template", template))
        if kind == "multi" and error_costs:
            raise InputError(
                f"task {name!r}: error_costs are for one label a text; answers of kind 'multi' "
                "are scored by the labels that they share with the truth"
            )
        costs = checked_costs(name, error_costs or {}, self._one)
        put(self, "error_costs", MappingProxyType(costs))
        put(self, "largest_cost", largest_cost(name, self.labels, costs, self._usual_cost))
        put(self, "examples", _examples(self, examples))

    def __reduce__(self) -> tuple[Any, ...]:
        return taken_apart(self)

    def canonical(self, label: str | Iterable[str]) -> str:
        """A label spelled as the task spells it; of kind "multi", labels as the log holds them.

        That is in the task's order, with `SEPARATOR` between.

        Args:
            label: in any case and spacing; of kind "multi", several, or a text with "|" between.

        Raises:
            UnknownLabelError: no label of the task.
            InputError: several where one is asked for, none, or `none_of_these` beside others.
        """
        if self.kind != "multi":
            if not isinstance(label, str):
                raise InputError(f"task {self.name!r} has one label a text, not {label!r}")
            return self._one(label)
        given = label.split("|") if isinstance(label, str) else label
        named = {self._one(each) for each in given}
        if self.none_of_these in named and len(named) > 1:
            raise InputError(
                f"task {self.name!r}: {self.none_of_these!r} says that no other label fits, and "
                f"stands beside {', '.join(sorted(named - {self.none_of_these}))}"
            )
        if not named and self.none_of_these is None:
            raise InputError(
                f"task {self.name!r}: no label is named; where none may fit, give the task a "
                "label that says so (none_of_these)"
            )
        return SEPARATOR.join(sorted(named, key=self.labels.index)) or str(self.none_of_these)

    def parts(self, label: str) -> tuple[str, ...]:
        """The labels in what `canonical` gave: one, or of kind "multi" one or more."""
        return tuple(label.split(SEPARATOR)) if self.kind == "multi" else (label,)

    def cost(self, said: str | Iterable[str] | None, truth: str | Iterable[str]) -> float:
        """What it costs to say `said` where `truth` is true: 0 where they are the same.

        Of kind "multi" 1 − |said ∩ truth| / |said ∪ truth| (Jaccard): unlike an exact match it
        tells an answer that lacks one label of five from one that is all wrong, and where both
        have one label the two agree.

        Args:
            said: label or labels; None for an answer that names none, which costs the most.
            truth: label or labels.

        Raises:
            UnknownLabelError: no label of the task.
            InputError: as for `canonical`.
        """
        true = self.canonical(truth)
        if said is None:
            return self.largest_cost
        named = self.canonical(said)
        if self.kind == "multi":
            there, meant = set(self.parts(named)), set(self.parts(true))
            return 1.0 - len(there & meant) / len(there | meant)
        if named == true:
            return 0.0
        return self.error_costs.get((true, named), self._usual_cost(true, named))

    def quality(self, said: str | Iterable[str] | None, truth: str | Iterable[str]) -> float:
        """How good an answer is, 0 to 1: 1 − cost / largest cost. Arguments as for `cost`."""
        return 1.0 - self.cost(said, truth) / self.largest_cost

    def _one(self, label: str) -> str:
        place = self._places.get(fold(label)) if isinstance(label, str) else None
        if place is None:
            raise UnknownLabelError(str(label), self.labels)
        return self.labels[place]

    def _usual_cost(self, truth: str, said: str) -> float:
        """What the error costs where nothing was said of it."""
        off_scale = self.none_of_these is not None and self.none_of_these in {truth, said}
        if self.kind != "ordinal" or off_scale:
            return 1.0
        places = [self._places[fold(label)] for label in (truth, said)]
        levels = len(self.labels) - (self.none_of_these is not None)
        # a none_of_these within the scale is no level of it
        if self.none_of_these is not None:
            none = self._places[fold(self.none_of_these)]
            places = [place - (place > none) for place in places]
        return abs(places[0] - places[1]) / (levels - 1)


def _kind(name: str, kind: str) -> str:
    if kind not in get_args(Kind):
        raise InputError(f"task {name!r}: kind is one of {', '.join(get_args(Kind))}, not {kind!r}")
    return kind


def _text(name: str, what: str, text: object) -> str:
    if not isinstance(text, str):
        raise InputError(f"task {name!r}: {what} must be a text, not {text!r}")
    return text


def _described(
    name: str, labels: Sequence[str] | Mapping[str, str], descriptions: Mapping[str, str] | None
) -> tuple[Sequence[str], Mapping[str, str]]:
    if not isinstance(labels, Mapping):
        return labels, descriptions or {}
    if descriptions:
        raise InputError(
            f"task {name!r}: descriptions stand in labels already: give them in one place"
        )
    return list(labels), labels


def _labels(name: str, kind: Kind, given: Sequence[str], none: str | None) -> tuple[str, ...]:
    if kind == "choice":
        if none is not None:
            raise InputError(
                f"task {name!r}: a choice has 'none of these' among its options, in the text"
            )
        given = given or ascii_uppercase[:4]
    try:
        if kind == "choice":
            return checked_letters(given)
        if isinstance(given, str) or none is None:
            labels = checked_labels(given)
        else:
            known = {fold(label) for label in given if isinstance(label, str)}
            labels = checked_labels([*given, *([] if fold(none) in known else [none])])
    except InputError as error:
        raise InputError(f"task {name!r}: {error}") from error
    if kind == "multi" and (barred := [label for label in labels if "|" in label]):
        raise InputError(
            f"task {name!r}: the label {barred[0]!r} holds '|', which stands between labels"
        )
    if kind == "ordinal" and len(labels) - (none is not None) < 2:
        raise InputError(f"task {name!r}: a scale has 2 levels or more beside {none!r}")
    return labels


def _read_only(meanings: Mapping[str, str], task: Task) -> Mapping[str, str]:
    described: dict[str, str] = {}
    for label, meaning in meanings.items():
        if label not in task.labels:
            raise UnknownLabelError(label, task.labels)
        if _text(task.name, f"the description of {label!r}", meaning).strip():
            described[label] = meaning
    if described and task.kind == "choice":
        raise InputError(f"task {task.name!r}: the options of a choice stand in the text")
    return MappingProxyType(described)


def _examples(
    task: Task, given: Iterable[tuple[str, str | Iterable[str]]]
) -> tuple[tuple[str, str], ...]:
    examples = []
    for number, pair in enumerate(given):
        if isinstance(pair, str) or len(pair) != 2:
            raise InputError(f"task {task.name!r}: examples[{number}] is no pair of text and label")
        text, label = pair
        if not _text(task.name, f"the text of examples[{number}]", text).strip():
            raise InputError(f"task {task.name!r}: the text of examples[{number}] is empty")
        examples.append((text, task.canonical(label)))
    return tuple(examples)
