"""An embedder that has seen every text already: each is embedded once, however often it is asked.

A public double: to a router it is the embedder that it stands for, bit for bit.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Sequence

    from metallm.core.arrays import Context
    from metallm.core.protocols import Embedder


class MemoEmbedder:
    """Looks contexts up by text; embeds what it has not seen.

    Args:
        embedder: whose contexts these are.
        entries: how many of a context's first entries to give; None for all.
    """

    def __init__(self, embedder: Embedder, entries: int | None = None) -> None:
        self._embedder = embedder
        self._known: dict[str, Context] = {}
        self.dim = embedder.dim if entries is None else entries
        self.id = embedder.id if entries is None else f"{embedder.id}[:{entries}]"

    def embed(self, texts: Sequence[str]) -> Context:
        """Contexts of n texts, shape (n, d), float32."""
        new = list(dict.fromkeys(text for text in texts if text not in self._known))
        if new:
            self._known.update(zip(new, self._embedder.embed(new)[:, : self.dim], strict=True))
        rows = [self._known[text] for text in texts]
        return np.array(rows, dtype=np.float32).reshape(len(texts), self.dim)
