"""A recorded file, tidied and embedded once, as every method of the benchmark sees it."""

from __future__ import annotations

import sys
from dataclasses import dataclass
from functools import cached_property
from hashlib import blake2b
from typing import TYPE_CHECKING

import numpy as np

from metallm.assembly import default_embedder
from metallm.cli.recorded_arms import arms_of
from metallm.core.price import list_cost_usd
from metallm.core.query import Query
from metallm.embeddings.features import FeatureEmbedder
from metallm.evaluation.panel import panel_of
from metallm.tables.recordings import Recordings
from routing.memo import MemoEmbedder

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from metallm.core.arm import Arm
    from metallm.core.arrays import Context, FloatArray
    from metallm.core.protocols import Embedder
    from metallm.evaluation.panel import Panel

DIRECTIONS = 64
"""Principal directions that peers see which are slow in high dimension."""


@dataclass(frozen=True, eq=False)
class Table:
    """n queries answered by K models.

    Args:
        name: the file's stem.
        fingerprint: of the file's bytes.
        recordings: n rows; models without any cost are left out.
        panel: the same rows and models, its rows numbered 0 to n − 1.
        arms: K arms with the price per token that was recorded.
        embedder: has seen all texts.
        left_out: models without any recorded cost.
    """

    name: str
    fingerprint: str
    recordings: Recordings
    panel: Panel
    arms: tuple[Arm, ...]
    embedder: MemoEmbedder
    left_out: tuple[str, ...] = ()

    @cached_property
    def contexts(self) -> Context:
        """Shape (n, d)."""
        return self.embedder.embed(self.recordings.texts)

    @cached_property
    def input_tokens(self) -> FloatArray:
        """Shape (n,), guessed as a router does."""
        return np.array([Query.of(text).input_tokens for text in self.recordings.texts], float)

    @cached_property
    def list_usd(self) -> FloatArray:
        """List price of a standard answer, shape (n, K)."""
        prices = [arm.list_price for arm in self.arms]
        standard = [list_cost_usd(price, 0.0) for price in prices if price is not None]
        per_token = [price.input / 1e6 for price in prices if price is not None]
        listed: FloatArray = np.array(standard) + self.input_tokens[:, None] * np.array(per_token)
        return listed

    @property
    def features(self) -> int:
        """How many of a context's last entries are cheap features."""
        return FeatureEmbedder.dim

    @cached_property
    def all_directions(self) -> FloatArray:
        """Contexts on their principal directions, of unit mean square, and a 1, shape (n, d + 1).

        The directions are those of all rows, unlabelled: a favour to who sees them from the start.
        """
        centred = self.contexts.astype(np.float64)
        centred -= centred.mean(axis=0)
        _, axes = np.linalg.eigh(centred.T @ centred)
        projected = centred @ axes[:, ::-1][:, :DIRECTIONS]
        scale = float(np.sqrt((projected * projected).sum(axis=1).mean())) or 1.0
        return np.column_stack([projected / scale, np.ones(len(centred))])


def read_table(path: Path, embedder: Embedder | None = None) -> Table:
    """Read one file.

    Args:
        path: of the file.
        embedder: with the cheap features last; None for the router's default.

    Raises:
        TableError: the file cannot be read as recorded outcomes.
        InputError: no model has any cost.
    """
    recordings = Recordings.read(path)
    panel = panel_of(recordings.models, recordings.score, recordings.cost_usd)
    kept = recordings.with_arms(panel.models).subset(panel.rows)
    arms = arms_of(kept)
    return Table(
        path.stem,
        blake2b(path.read_bytes(), digest_size=4).hexdigest(),
        kept,
        panel_of(kept.models, kept.score, kept.cost_usd),
        tuple(arms[model] for model in panel.models),
        MemoEmbedder(embedder or default_embedder()),
        panel.left_out,
    )


def find_files(given: Sequence[Path]) -> list[Path]:
    """Files as given, and the .parquet files of folders; those that are missing are named."""
    found: list[Path] = []
    for path in given:
        if path.is_dir():
            found += sorted(path.glob("*.parquet"))
        elif path.is_file():
            found.append(path)
        else:
            print(f"skipped: no such file: {path}", file=sys.stderr)
    return found
