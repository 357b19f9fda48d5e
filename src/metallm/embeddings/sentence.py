"""A sentence encoder: the mean of its tokens' last states. Milliseconds, no network, no GPU.

The optional extra `sentence`. Encoders of the kind of all-MiniLM-L6-v2 (Reimers and Gurevych 2019,
arXiv 1908.10084; Wang et al. 2020, arXiv 2002.10957): the tokens' states are averaged and scaled to
length 1. Which files are read, and from where, is said in `metallm.embeddings.sentence_files`.

Each text is run alone. An encoder whose sums are done on eight bits sets its scale by all that it
is shown at once, so that a text's context would depend on what came with it; and from 100 tokens on
a batch is no quicker on one thread.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from metallm.embeddings.sentence_files import SentenceFiles
from metallm.embeddings.surrogates import without_lone
from metallm.errors import ConfigurationError, MissingExtraError

if TYPE_CHECKING:
    from collections.abc import Sequence
    from os import PathLike

    from numpy.typing import NDArray

    from metallm.core.arrays import Context

MAX_TOKENS = 128
"""Longer texts are cut: 64, 128 and 256 tokens were measured to route alike."""

MAX_CHARACTERS = 8 * MAX_TOKENS
"""What is cut before tokenising, so that a book costs no more than a page."""

_INPUTS = ("input_ids", "attention_mask", "token_type_ids")
_LEAST_LENGTH = 1e-12


class SentenceEmbedder:
    """Contexts of length 1 from a sentence encoder. Safe to use from several threads.

    Args:
        model: folder with an encoder and its tokenizer, or the encoder's .onnx file; None for the
            weights that the extra `sentence` installs.
        threads: of one text's sums. The bits of a context may depend on it.

    Raises:
        MissingExtraError: the extra is not installed.
        ConfigurationError: files that are missing, or hold no such encoder.
    """

    def __init__(self, model: str | PathLike[str] | None = None, *, threads: int = 1) -> None:
        runtime = _runtime()
        files = SentenceFiles.installed() if model is None else SentenceFiles.at(model)
        self.id = f"sentence-{files.digest}-{MAX_TOKENS}"
        self._tokenizer = files.tokenizer
        self._tokenizer.no_padding()
        self._tokenizer.enable_truncation(MAX_TOKENS)
        self._session = _session(runtime, files, threads)
        self._inputs = _inputs(self._session, files)
        states = self._states("a")
        if states.ndim != 2 or not np.isfinite(states).all():
            raise ConfigurationError(
                f"{files.place} is no sentence encoder: its first output has to be the states of "
                "the tokens, of shape (texts, tokens, entries)"
            )
        self.dim = int(states.shape[1])

    def embed(self, texts: Sequence[str]) -> Context:
        """Contexts of n texts, shape (n, d), float32, each of length 1."""
        out = np.empty((len(texts), self.dim), dtype=np.float32)
        for row, text in enumerate(texts):
            mean = self._states(text).mean(axis=0, dtype=np.float32)
            np.divide(mean, max(float(np.sqrt(mean.dot(mean))), _LEAST_LENGTH), out=out[row])
        return out

    def _states(self, text: str) -> NDArray[np.float32]:
        """Last states of a text's tokens, those before and after the text included."""
        whole = without_lone(text[:MAX_CHARACTERS])
        ids = np.array([self._tokenizer.encode(whole).ids], dtype=np.int64)
        told = {
            "input_ids": ids,
            # nothing is padded: all tokens count, all are of the first sentence
            "attention_mask": np.ones_like(ids),
            "token_type_ids": np.zeros_like(ids),
        }
        found = self._session.run(None, {name: told[name] for name in self._inputs})[0]
        states: NDArray[np.float32] = np.asarray(found)[0]
        return states


def _runtime() -> Any:
    try:
        import onnxruntime  # noqa: PLC0415 - the extra, 80 MB
    except ImportError as error:
        raise MissingExtraError("onnxruntime", "sentence") from error
    return onnxruntime


def _session(runtime: Any, files: SentenceFiles, threads: int) -> Any:
    if threads < 1:
        raise ConfigurationError(f"threads has to be 1 or more, not {threads}")
    options = runtime.SessionOptions()
    options.intra_op_num_threads = threads
    options.inter_op_num_threads = 1
    options.log_severity_level = 3  # errors alone; they are raised too
    try:
        return runtime.InferenceSession(files.model, options, providers=["CPUExecutionProvider"])
    except Exception as error:  # its errors have no root of their own
        raise ConfigurationError(f"{files.place} cannot be read as an ONNX model: {error}") from (
            error
        )


def _inputs(session: Any, files: SentenceFiles) -> tuple[str, ...]:
    """Names of what the encoder takes, in its order."""
    names = tuple(str(each.name) for each in session.get_inputs())
    if "input_ids" not in names or not set(names) <= set(_INPUTS):
        raise ConfigurationError(
            f"{files.place} is no sentence encoder: it takes {', '.join(names)}, not some of "
            f"{', '.join(_INPUTS)}"
        )
    return names
