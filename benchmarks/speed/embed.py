"""What a context costs: microseconds of one thread per text, by embedder and length.

    python benchmarks/speed/embed.py [--sentence-model PATH] [--turns 200] [--json OUT]

Texts are made up and all different, so that nothing is looked up that a router would not have seen.
The encoder needs the extra `sentence` and is skipped, saying so, without it.
"""

from __future__ import annotations

import argparse
import json
import re
import sys
import time
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from metallm.assembly import default_embedder, sentence_embedder
from metallm.embeddings.sentence import SentenceEmbedder
from metallm.errors import ConfigurationError

if TYPE_CHECKING:
    from metallm.core.protocols import Embedder

LENGTHS = (15, 100)
"""Words of a text, each a token of the encoder's."""

WARM = 10

_WORDS = re.findall(
    "[a-z]+",
    "the of and what is how many people time year world state city name work life day man woman "
    "number part group problem fact place water money story issue side kind head house service "
    "friend father power hour game line end member law car night school",
)


def main(arguments: list[str] | None = None) -> None:
    """Time every embedder on every length and tell the medians."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--sentence-model", help="folder or .onnx file of the encoder")
    parser.add_argument("--turns", type=int, default=200, help="texts of each length")
    parser.add_argument("--json", type=Path)
    options = parser.parse_args(arguments)
    embedders: dict[str, Embedder] = {"static": default_embedder()}
    try:
        embedders["encoder"] = SentenceEmbedder(options.sentence_model)
        embedders["sentence"] = sentence_embedder(options.sentence_model)
    except ConfigurationError as error:
        print(f"skipped: {error}", file=sys.stderr)
    figures = {
        f"{name}_us.{length}": median_us(embedder, length, options.turns)
        for name, embedder in embedders.items()
        for length in LENGTHS
    }
    for name, value in figures.items():
        print(f"{name} {value:.1f}")
    if options.json is not None:
        options.json.write_text(json.dumps({"figures": figures}, indent=1), encoding="utf-8")


def median_us(embedder: Embedder, length: int, turns: int) -> float:
    """Median microseconds of one text, each embedded alone.

    Args:
        embedder: text to context.
        length: words of each text.
        turns: texts.
    """
    rng = np.random.default_rng(length)
    texts = [" ".join(rng.choice(_WORDS, length)) for _ in range(WARM + turns)]
    for text in texts[:WARM]:
        embedder.embed([text])
    taken = []
    for text in texts[WARM:]:
        begun = time.perf_counter()
        embedder.embed([text])
        taken.append(time.perf_counter() - begun)
    return float(np.median(taken)) * 1e6


if __name__ == "__main__":
    main()
