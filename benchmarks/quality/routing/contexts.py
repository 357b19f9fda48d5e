"""What the learner is shown of a text, by name; slow encoders' contexts are kept on disk."""

from __future__ import annotations

from hashlib import blake2b
from typing import TYPE_CHECKING

import numpy as np

from metallm.assembly import beside_static, default_embedder
from metallm.embeddings.features import FeatureEmbedder
from metallm.embeddings.form import FormEmbedder
from metallm.embeddings.joined import JoinedEmbedder
from metallm.embeddings.sentence import SentenceEmbedder

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from metallm.core.arrays import Context
    from metallm.core.protocols import Embedder

EMBEDDERS = ("static", "encoder", "sentence")
"""The router's default, a sentence encoder alone, and the router's `sentence`, which is the static
table and the encoder; all with the text's form and the cheap features."""

SHARD = 2000
"""Texts to a file: so many are lost by an interrupt."""


def named_embedder(name: str, model: Path | None = None, cache: Path | None = None) -> Embedder:
    """The embedder of a name.

    Args:
        name: one of EMBEDDERS.
        model: where the encoder lies; None for the one that the extra `sentence` installs.
        cache: folder in which the encoder's contexts are kept; None keeps none.

    Raises:
        ConfigurationError: the extra is not installed, or the model cannot be read.
    """
    if name == "static":
        return default_embedder()
    encoder: Embedder = SentenceEmbedder(model)
    if cache is not None:
        encoder = KeptEmbedder(encoder, cache)
    if name == "encoder":
        return JoinedEmbedder([encoder, FormEmbedder(), FeatureEmbedder()])
    return beside_static(encoder)


class KeptEmbedder:
    """Embeds a text once, whoever asks and however often; keeps no text, but its digest.

    A public double, as `MemoEmbedder` is, but over runs: the contexts lie in .npz files of a folder
    of the embedder's own, which are added to and never changed.

    Args:
        embedder: whose contexts these are.
        folder: made where it is missing.
    """

    def __init__(self, embedder: Embedder, folder: Path) -> None:
        self._embedder = embedder
        self.id, self.dim = embedder.id, embedder.dim
        self._folder = folder / blake2b(embedder.id.encode(), digest_size=8).hexdigest()
        self._folder.mkdir(parents=True, exist_ok=True)
        self._known: dict[bytes, Context] = {}
        for place in sorted(self._folder.glob("*.npz")):
            with np.load(place) as kept:
                digests = (digest.tobytes() for digest in kept["digests"])
                self._known.update(zip(digests, kept["contexts"], strict=True))

    def embed(self, texts: Sequence[str]) -> Context:
        """Contexts of n texts, shape (n, d), float32."""
        digests = [_digest(text) for text in texts]
        new = {
            digest: text
            for digest, text in zip(digests, texts, strict=True)
            if digest not in self._known
        }
        items = list(new.items())
        for start in range(0, len(items), SHARD):
            self._keep(dict(items[start : start + SHARD]))
        rows = [self._known[digest] for digest in digests]
        return np.array(rows, dtype=np.float32).reshape(len(texts), self.dim)

    def _keep(self, new: dict[bytes, str]) -> None:
        contexts = self._embedder.embed(list(new.values()))
        together = b"".join(new)
        digests = np.frombuffer(together, dtype=np.uint8).reshape(len(new), -1)
        place = self._folder / f"{blake2b(together, digest_size=8).hexdigest()}.npz"
        torn = place.with_suffix(".part")
        with torn.open("wb") as file:
            np.savez(file, digests=digests, contexts=contexts)
        torn.replace(place)
        self._known.update(zip(new, contexts, strict=True))


def _digest(text: str) -> bytes:
    return blake2b(text.encode("utf-8", "surrogatepass"), digest_size=16).digest()
