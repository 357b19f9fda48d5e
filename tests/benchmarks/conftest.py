"""A small synthetic table that the routing benchmark can be tried on, contexts of 8 numbers."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pyarrow.parquet as pq
import pytest

from doubles import HashEmbedder
from metallm.core.arrays import Context
from metallm.embeddings.features import FeatureEmbedder
from metallm.sandbox.synthetic import synthetic_recordings
from routing import table as tables
from routing.table import Table, read_table


class QuickEmbedder:
    """A hashed context with the cheap features behind it, as the default embedder has them."""

    id = "quick"
    dim = HashEmbedder.dim + FeatureEmbedder.dim

    def embed(self, texts: Sequence[str]) -> Context:
        """Contexts, shape (n, dim)."""
        parts = [HashEmbedder().embed(texts), FeatureEmbedder().embed(texts)]
        return np.concatenate(parts, axis=1)


@pytest.fixture(autouse=True)
def _quick_contexts(monkeypatch: pytest.MonkeyPatch) -> None:
    """The static table is another test's business."""
    monkeypatch.setattr(tables, "default_embedder", QuickEmbedder)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Two recorded files."""
    for seed, name in enumerate(("first", "second")):
        pq.write_table(synthetic_recordings(seed, per_task=15), tmp_path / f"{name}.parquet")
    return tmp_path


@pytest.fixture
def table(folder: Path) -> Table:
    """The first of them."""
    return read_table(folder / "first.parquet")
