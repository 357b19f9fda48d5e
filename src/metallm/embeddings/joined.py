"""Several embedders side by side: one context from the parts of each."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Sequence

    from metallm.core.arrays import Context
    from metallm.core.protocols import Embedder


class JoinedEmbedder:
    """The contexts of several embedders, joined in order.

    Args:
        parts: at least one embedder.
    """

    def __init__(self, parts: Sequence[Embedder]) -> None:
        self._parts = tuple(parts)
        self.id = "+".join(part.id for part in self._parts)
        self.dim = sum(part.dim for part in self._parts)

    def embed(self, texts: Sequence[str]) -> Context:
        """Contexts of n texts, shape (n, d), float32."""
        return np.concatenate([part.embed(texts) for part in self._parts], axis=1)
