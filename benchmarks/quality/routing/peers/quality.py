"""What every offline estimator of quality is asked, and how they are listed."""

from __future__ import annotations

from dataclasses import dataclass
from importlib.util import find_spec
from typing import TYPE_CHECKING, Any, Protocol

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from metallm.core.arrays import FloatArray


class QualityModel(Protocol):
    """Predicts each model's quality from a context."""

    def fit(self, contexts: FloatArray, quality: FloatArray) -> None:
        """Learn from n rows: contexts of shape (n, d), qualities of shape (n, K), NaN unknown."""
        ...

    def predict(self, contexts: FloatArray) -> FloatArray:
        """Expected qualities, (m, d) gives (m, K)."""
        ...


@dataclass(frozen=True, slots=True)
class QualityKind:
    """An estimator that can be compared; our cost learner stands beside it.

    Args:
        name: as reports call it.
        package: that must be importable; None for none.
        settings: a name to keyword arguments of `make`.
        make: called with a seed and a setting's arguments.
    """

    name: str
    package: str | None
    settings: Mapping[str, Mapping[str, Any]]
    make: Callable[..., QualityModel]

    @property
    def installed(self) -> bool:
        """Whether its package can be imported."""
        return self.package is None or find_spec(self.package) is not None


def filled(quality: FloatArray) -> FloatArray:
    """Qualities with each model's mean where none is known, shape (n, K)."""
    return np.where(np.isnan(quality), np.nanmean(quality, axis=0), quality)
