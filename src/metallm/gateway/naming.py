"""Which arm a client means by the model that it names."""

from __future__ import annotations

import re
from collections import defaultdict
from dataclasses import dataclass
from typing import TYPE_CHECKING

from metallm.errors import UnknownArmError

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from metallm.core.arm import Arm
    from metallm.gateway.aliases import Alias

AUTO = "auto"
"""The model to ask for where the router is to choose."""

AUTO_FOR = "auto:"
"""The same, with the name of a task behind it."""

_LATEST = "-latest"
_DATE = re.compile(r"(?:-20\d{6}|-20\d\d-\d\d-\d\d|-latest)$")


@dataclass(frozen=True, slots=True)
class Meant:
    """What a client means by the model that it names.

    Args:
        arm: an arm's name; None where the router is to choose.
        alias: the alias that was asked for.
        task: the task that was named along.
    """

    arm: str | None = None
    alias: Alias | None = None
    task: str | None = None


class Names:
    """Finds arms by name.

    Clients of one provider name its models as that does ("claude-sonnet-4-5", with a date or
    without), and know nothing of arms; where one arm alone can be meant, it is.

    Args:
        arms: the arms by name.
        aliases: the aliases by name.
    """

    def __init__(self, arms: Mapping[str, Arm], aliases: Mapping[str, Alias] | None = None) -> None:
        self._arms = arms
        self._aliases = aliases or {}
        models = [(arm.upstream_model, arm.name) for arm in arms.values()]
        self._exact = _single(models)
        self._undated = _single([(undated(model), arm) for model, arm in models])

    def meaning(self, model: str) -> Meant:
        """What is meant by a model.

        Raises:
            UnknownArmError: nothing, or more than one arm, can be meant.
        """
        alias = self._aliases.get(model)
        if alias is not None:
            return Meant(alias=alias)
        task = model.removeprefix(AUTO_FOR)
        if task != model and task:
            return Meant(task=task)
        return Meant(self.find(model))

    def find(self, model: str) -> str | None:
        """The arm's name; None where the router is to choose.

        Raises:
            UnknownArmError: no arm, or more than one, can be meant.
        """
        if model in self._arms:
            return model
        if model == AUTO:
            return None
        plain = undated(model)
        found = self._exact.get(model) or self._exact.get(plain)
        if found is None and (model == plain or model.endswith(_LATEST)):
            found = self._undated.get(plain)  # never one date for another
        if found is None:
            raise UnknownArmError(model, (AUTO, *self._aliases, *self._arms))
        return found


def undated(model: str) -> str:
    """A model's name without the date of its version."""
    return _DATE.sub("", model)


def _single(models: Iterable[tuple[str, str]]) -> dict[str, str]:
    """The arm by model, where there is one alone."""
    found: dict[str, set[str]] = defaultdict(set)
    for model, arm in models:
        found[model].add(arm)
    return {model: arms.pop() for model, arms in found.items() if len(arms) == 1}
