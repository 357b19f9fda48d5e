"""Writes a sentence encoder whose sums are done on eight bits, for `sentence_model`.

    python benchmarks/speed/int8_encoder.py FOLDER [--sentence-model PATH]

About twice as quick on processors with VNNI (and another vector space: another id). Needs
`pip install onnx` beside the extra `sentence`; what is written needs the extra alone. Weights are
scaled by channel: one scale for a whole matrix was measured to turn contexts by up to 25 degrees.
"""

from __future__ import annotations

import argparse
import sys
import tempfile
from importlib.util import find_spec
from pathlib import Path

from metallm.embeddings.sentence_files import SentenceFiles

NEEDS = ("onnx", "onnxruntime")


def main(arguments: list[str] | None = None) -> None:
    """Read an encoder, quantize it, and write it with its tokenizer."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("folder", type=Path, help="where model.onnx and tokenizer.json go")
    parser.add_argument("--sentence-model", help="the encoder; the extra's where none is given")
    options = parser.parse_args(arguments)
    missing = [name for name in NEEDS if find_spec(name) is None]
    if missing:
        print(f"skipped: pip install {' '.join(missing)}", file=sys.stderr)
        return
    given = options.sentence_model
    files = SentenceFiles.installed() if given is None else SentenceFiles.at(given)
    options.folder.mkdir(parents=True, exist_ok=True)
    quantize(files.model, options.folder / "model.onnx")
    files.tokenizer.save(str(options.folder / "tokenizer.json"))
    print(f"written: {options.folder}")


def quantize(model: bytes, place: Path) -> None:
    """Write a model with int8 weights and int8 sums.

    Args:
        model: bytes of an ONNX model.
        place: of the file to write.
    """
    import onnxruntime
    from onnxruntime.quantization import QuantType, quantize_dynamic

    with tempfile.TemporaryDirectory() as folder:
        # weights that are stored as products of numbers have to become plain ones first
        plain = Path(folder) / "plain.onnx"
        options = onnxruntime.SessionOptions()
        options.graph_optimization_level = onnxruntime.GraphOptimizationLevel.ORT_ENABLE_BASIC
        options.optimized_model_filepath = str(plain)
        onnxruntime.InferenceSession(model, options, providers=["CPUExecutionProvider"])
        quantize_dynamic(
            plain,
            place,
            op_types_to_quantize=["MatMul", "Gather"],
            per_channel=True,
            weight_type=QuantType.QInt8,
        )


if __name__ == "__main__":
    main()
