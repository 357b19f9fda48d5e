"""Names to ask for in place of a model: which arms may answer, and at what price of money."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from metallm.core.budget import Budget
from metallm.errors import ConfigurationError

if TYPE_CHECKING:
    from collections.abc import Collection, Sequence

    from metallm.settings import AliasSettings


@dataclass(frozen=True, slots=True)
class Alias:
    """One name.

    Args:
        name: what clients ask for.
        arms: the arms that may answer; empty for all.
        cost_weight: p for what is asked so, unless the client gives its own; None for the router's.
        task: name of the task, unless the client gives its own.
        budget: for all that is asked so, by all clients together.
        min_quality: least acceptable quality, 0 to 1: arms that are believed below it do not
            answer, unless all are; None for none.
        cache_ttl_s: seconds that an answer is kept for the same request; None as for all else.
    """

    name: str
    arms: tuple[str, ...] = ()
    cost_weight: float | None = None
    task: str | None = None
    budget: Budget | None = None
    cache_ttl_s: float | None = None
    min_quality: float | None = None

    @classmethod
    def of(cls, told: AliasSettings) -> Alias:
        """The alias that a table of the settings describes."""
        budget = None if told.budget_usd is None else Budget(told.budget_usd, told.budget_window)
        return cls(
            told.name,
            told.arms,
            told.cost_weight,
            told.task,
            budget,
            told.cache_ttl_s,
            told.min_quality,
        )


def checked_aliases(
    aliases: Sequence[Alias], arms: Collection[str], taken: Collection[str]
) -> dict[str, Alias]:
    """The aliases by name.

    Args:
        aliases: as declared.
        arms: names of all arms.
        taken: names that mean something else already.

    Raises:
        ConfigurationError: two of one name, a name that is taken, or an arm that is none.
    """
    found: dict[str, Alias] = {}
    for alias in aliases:
        if alias.name in found or alias.name in taken or alias.name in arms:
            raise ConfigurationError(
                f"alias {alias.name!r}: an arm, another alias or MetaLLM itself is called so: "
                "give it another name"
            )
        for name in alias.arms:
            if name not in arms:
                raise ConfigurationError(
                    f"alias {alias.name!r}: no arm is called {name!r}; there are: {', '.join(arms)}"
                )
        found[alias.name] = alias
    return found
