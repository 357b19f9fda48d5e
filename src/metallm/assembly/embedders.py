"""Embedders by name: what is joined to make a context, each read once a process."""

from __future__ import annotations

from functools import cache
from os import PathLike, fspath
from typing import TYPE_CHECKING

from metallm.embeddings.features import FeatureEmbedder
from metallm.embeddings.form import FormEmbedder
from metallm.embeddings.joined import JoinedEmbedder
from metallm.embeddings.ngrams import NgramEmbedder
from metallm.embeddings.sentence import SentenceEmbedder
from metallm.embeddings.static import StaticEmbedder
from metallm.errors import ConfigurationError

if TYPE_CHECKING:
    from metallm.core.protocols import Embedder, Policy

EMBEDDERS = ("static", "sentence")
SENTENCE_SCALE = 0.7
"""Of table and encoder, side by side: together they have about length 1, as each has alone."""


@cache
def default_embedder() -> JoinedEmbedder:
    """The static table, a text's words, its form and the cheap features; read once a process."""
    table = _static_embedder()
    return JoinedEmbedder(
        [table, NgramEmbedder(table.tokenizer), FormEmbedder(), FeatureEmbedder()]
    )


@cache
def sentence_embedder(model: str | None = None) -> JoinedEmbedder:
    """The static table, a sentence encoder and the cheap features, read once a process.

    Args:
        model: where it lies, see `SentenceEmbedder`; None for the one that the extra installs.

    Raises:
        ConfigurationError: the extra is not installed, or the model cannot be read.
    """
    return beside_static(_bare_sentence_embedder(model))


def beside_static(encoder: Embedder) -> JoinedEmbedder:
    """The static table, an encoder whose contexts have length 1, and what else is cheap."""
    table = _static_embedder()
    words: list[Embedder] = [NgramEmbedder(table.tokenizer), FormEmbedder(), FeatureEmbedder()]
    return JoinedEmbedder(
        [table, encoder, *words], scales=(SENTENCE_SCALE, SENTENCE_SCALE, 1.0, 1.0, 1.0)
    )


def chosen_embedder(
    policy: str | Policy, given: str | Embedder, model: str | PathLike[str] | None
) -> tuple[Embedder, int]:
    """The embedder, and how many of its last entries are cheap features."""
    if not isinstance(given, str):
        return given, 0
    if given not in EMBEDDERS:
        raise ConfigurationError(
            f"no embedder is called {given!r}; there are: {', '.join(EMBEDDERS)}"
        )
    place = None if model is None else fspath(model)
    if policy == "paper":
        # the paper's context is the bare sentence embedding
        return _static_embedder() if given == "static" else _bare_sentence_embedder(place), 0
    joined = default_embedder() if given == "static" else sentence_embedder(place)
    return joined, FeatureEmbedder.dim


@cache
def _static_embedder() -> StaticEmbedder:
    return StaticEmbedder()


@cache
def _bare_sentence_embedder(model: str | None) -> SentenceEmbedder:
    return SentenceEmbedder(model)
