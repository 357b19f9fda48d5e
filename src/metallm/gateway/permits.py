"""What a key may ask for, and who may answer it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from metallm.errors import UnknownArmError
from metallm.gateway.naming import AUTO

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from metallm.core.key import Key
    from metallm.gateway.aliases import Alias
    from metallm.gateway.naming import Meant


class Permits:
    """Tells what keys may do. What is not theirs does not exist for them.

    Args:
        arms: names of all arms.
        aliases: by name.

    Attributes:
        aliases: as given.
    """

    def __init__(self, arms: Sequence[str], aliases: Mapping[str, Alias]) -> None:
        self._arms = tuple(arms)
        self.aliases = aliases
        self._reach: dict[tuple[tuple[str, ...], tuple[str, ...]], tuple[str, ...]] = {}

    def models(self, key: Key | None) -> tuple[str, ...]:
        """Everything that may be asked for by name: "auto", aliases and arms."""
        if key is not None and key.aliases:
            return tuple(name for name in self.aliases if name in key.aliases)
        return (AUTO, *self.aliases, *self.reach(key))

    def reach(self, key: Key | None) -> tuple[str, ...]:
        """The arms that may answer a key at all."""
        if key is None or not (key.arms or key.aliases):
            return self._arms
        told = (key.arms, key.aliases)
        known = self._reach.get(told)
        if known is None:
            known = self._reach[told] = self._reached(*told)
        return known

    def check(self, key: Key | None, model: str, meant: Meant) -> None:
        """Refuse a model that a key may not ask for.

        Raises:
            UnknownArmError: as for one that is not there.
        """
        if key is None:
            return
        if key.aliases:
            allowed = meant.alias is not None and meant.alias.name in key.aliases
        else:
            allowed = meant.arm is None or meant.arm in self.reach(key)
        if not allowed:
            raise UnknownArmError(model, self.models(key))

    def arms(
        self, key: Key | None, alias: Alias | None, asked: Sequence[str] | None
    ) -> Sequence[str] | None:
        """The arms that may answer a query; None for all.

        Args:
            key: the client's.
            alias: what it asked for.
            asked: what it names itself.

        Raises:
            UnknownArmError: an arm that it names is not among them, or none is left.
        """
        reach = self.reach(key)
        if alias is not None and alias.arms:
            reach = tuple(name for name in alias.arms if name in reach)
        for name in asked or ():
            if name not in reach:
                raise UnknownArmError(name, reach)
        if asked is not None:
            return asked
        if not reach:
            raise UnknownArmError(AUTO if alias is None else alias.name, self.models(key))
        return None if reach == self._arms else reach

    def _reached(self, arms: tuple[str, ...], aliases: tuple[str, ...]) -> tuple[str, ...]:
        through = [self.aliases[name].arms or self._arms for name in aliases if self._knows(name)]
        return tuple(
            name
            for name in self._arms
            if (not arms or name in arms) and (not aliases or any(name in each for each in through))
        )

    def _knows(self, alias: str) -> bool:
        return alias in self.aliases
