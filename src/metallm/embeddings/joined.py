"""Several embedders side by side: one context from the parts of each."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from metallm.errors import ConfigurationError

if TYPE_CHECKING:
    from collections.abc import Sequence

    from metallm.core.arrays import Context
    from metallm.core.protocols import Embedder


class JoinedEmbedder:
    """The contexts of several embedders, joined in order.

    Args:
        parts: at least one embedder.
        scales: what each part's contexts are multiplied by; None leaves all as they are.

    Raises:
        ConfigurationError: not one scale, above 0, for each part.
    """

    def __init__(self, parts: Sequence[Embedder], scales: Sequence[float] | None = None) -> None:
        self._parts = tuple(parts)
        self._scales = tuple(scales) if scales is not None else (1.0,) * len(self._parts)
        if len(self._scales) != len(self._parts) or not all(0.0 < s < np.inf for s in self._scales):
            raise ConfigurationError(
                f"{len(self._parts)} joined embedders need as many scales above 0, not {scales}"
            )
        self.id = "+".join(map(_named, self._parts, self._scales))
        self.dim = sum(part.dim for part in self._parts)

    def embed(self, texts: Sequence[str]) -> Context:
        """Contexts of n texts, shape (n, d), float32."""
        out = np.empty((len(texts), self.dim), dtype=np.float32)
        start = 0
        for part, scale in zip(self._parts, self._scales, strict=True):
            end = start + part.dim
            out[:, start:end] = part.embed(texts)
            if scale != 1.0:
                out[:, start:end] *= np.float32(scale)
            start = end
        return out


def _named(part: Embedder, scale: float) -> str:
    return part.id if scale == 1.0 else f"{scale:g}*{part.id}"
