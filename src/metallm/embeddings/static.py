"""A static embedder: the mean of a table's token vectors. Microseconds, no network, no GPU.

The table and the tokenizer lie in the wordllama wheel (MIT; its README says that the table derives
from token embeddings of LLaMA-2 and Phi-3). They are read from there without importing the
package: its loader looks for the tokenizer in the wrong folder and then asks a hub.
"""

from __future__ import annotations

import math
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from metallm import inner
from metallm.embeddings.words import WordTokenizer
from metallm.errors import ConfigurationError

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray
    from tokenizers import Tokenizer

    from metallm.core.arrays import Context

MAX_TOKENS = 256
"""Longer texts are cut: 64, 128 and 256 tokens were measured to route alike."""

MAX_CHARACTERS = 8 * MAX_TOKENS
"""What is cut before tokenising, so that a book costs no more than a page."""

_WEIGHTS = Path("weights") / "l2_supercat_256.safetensors"
_TOKENIZER = Path("tokenizers") / "l2_supercat_tokenizer_config.json"


class StaticEmbedder:
    """Mean of the token rows, scaled to length 1. A text without a known token gives zeros.

    Attributes:
        tokenizer: text to token ids, those of the table's rows.
    """

    id = "wordllama-l2-supercat-256"

    def __init__(self) -> None:
        # a compiled file of some megabytes: only when an embedder is made
        from safetensors.numpy import load_file  # noqa: PLC0415

        (table,) = load_file(_package_folder() / _WEIGHTS).values()
        # twice the memory of the file's halves, but adding them up takes a fifth of the time
        self._table: NDArray[np.float32] = table.astype(np.float32)
        self.tokenizer = WordTokenizer(tokenizer_of_the_table())
        self.dim = int(table.shape[1])

    def embed(self, texts: Sequence[str]) -> Context:
        """Contexts of n texts, shape (n, d), float32, each of length 1."""
        out = np.zeros((len(texts), self.dim), dtype=np.float32)
        self.write(texts, out)
        return out

    def write(self, texts: Sequence[str], out: Context) -> None:
        """As `embed`, into zeros of shape (n, d)."""
        for row, text in enumerate(texts):
            ids = self.tokenizer.ids(text[:MAX_CHARACTERS])[:MAX_TOKENS]
            total = np.empty(self.dim, dtype=np.float32)
            inner.token_sum(self._table, ids, total)
            length = math.sqrt(total.dot(total))
            if length > 0.0:
                np.divide(total, length, out=out[row])


def tokenizer_of_the_table() -> Tokenizer:
    """The tokenizer that belongs to the table, with neither padding nor truncation.

    Raises:
        ConfigurationError: the package that holds it is missing.
    """
    from tokenizers import Tokenizer  # noqa: PLC0415 - compiled, as above

    tokenizer = Tokenizer.from_file(str(_package_folder() / _TOKENIZER))
    tokenizer.no_padding()
    tokenizer.no_truncation()
    return tokenizer


def _package_folder() -> Path:
    spec = find_spec("wordllama")
    if spec is None or not spec.submodule_search_locations:
        raise ConfigurationError("the package wordllama is missing: pip install wordllama")
    return Path(spec.submodule_search_locations[0])
