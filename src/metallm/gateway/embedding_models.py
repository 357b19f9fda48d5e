"""The models of embeddings that a gateway passes texts on to: asked for by name, never routed."""

from __future__ import annotations

from typing import TYPE_CHECKING

from metallm.errors import ConfigurationError, UnknownArmError, UnknownEmbeddingError
from metallm.gateway.naming import Names

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable

    from metallm.core.arm import Arm
    from metallm.core.key import Key


class EmbeddingModels:
    """The models that can be asked for.

    Args:
        models: each as an arm that is never routed to.
        taken: names that mean something else.

    Attributes:
        by_name: all of them.

    Raises:
        ConfigurationError: two of one name, or a name that is taken.
    """

    def __init__(self, models: Iterable[Arm], taken: Collection[str]) -> None:
        self.by_name: dict[str, Arm] = {}
        for model in models:
            if model.name in taken or model.name in self.by_name:
                raise ConfigurationError(
                    f"embeddings: {model.name!r} is the name of something else too: give each "
                    "model, arm and alias its own"
                )
            self.by_name[model.name] = model
        self._names = Names(self.by_name)

    def open_to(self, key: Key | None) -> tuple[str, ...]:
        """What a key may ask for: all, or those among the arms that it is held to."""
        if key is None or not (key.arms or key.aliases):
            return tuple(self.by_name)
        return tuple(name for name in self.by_name if name in key.arms)

    def find(self, key: Key | None, name: str) -> Arm:
        """The model of a name, or of its provider's name for it where that is one alone's.

        Raises:
            UnknownEmbeddingError: there is none, or not for this key.
        """
        known = self.open_to(key)
        try:
            found = self._names.find(name)
        except UnknownArmError:
            found = None
        if found not in known:
            raise UnknownEmbeddingError(name, known, any_set_up=bool(self.by_name))
        return self.by_name[found]
