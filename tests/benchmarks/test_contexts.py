from __future__ import annotations

import json
import sys
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pytest

import route
from doubles import HashEmbedder
from metallm.assembly import default_embedder
from metallm.core.arrays import Context
from metallm.embeddings.features import FeatureEmbedder
from metallm.embeddings.form import FormEmbedder
from routing import contexts
from routing.contexts import KeptEmbedder, named_embedder


class Counting(HashEmbedder):
    """Counts what it was asked for."""

    def __init__(self, model: Path | None = None) -> None:
        self.asked: list[str] = []

    def embed(self, texts: Sequence[str]) -> Context:
        self.asked += texts
        return super().embed(texts)


def test_a_text_is_embedded_once_over_runs_and_is_not_kept_itself(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(contexts, "SHARD", 2)
    texts = ["a secret", "b", "c", "b", "d"]
    first, second = Counting(), Counting()
    found = KeptEmbedder(first, tmp_path).embed(texts)
    assert found.tolist() == HashEmbedder().embed(texts).tolist()
    assert first.asked == ["a secret", "b", "c", "d"]
    again = KeptEmbedder(second, tmp_path).embed([*texts, "new"])
    assert again[:5].tolist() == found.tolist()
    assert second.asked == ["new"]
    assert found.dtype == again.dtype == np.float32
    files = list(tmp_path.rglob("*.npz"))
    assert len(files) == 3
    assert not any(b"secret" in file.read_bytes() for file in files)


def test_embedders_of_other_ids_never_share_what_is_kept(tmp_path: Path) -> None:
    KeptEmbedder(Counting(), tmp_path).embed(["a"])
    other = Counting()
    other.id = "another"
    KeptEmbedder(other, tmp_path).embed(["a"])
    assert other.asked == ["a"]


def test_a_file_that_was_being_written_is_passed_over(tmp_path: Path) -> None:
    KeptEmbedder(Counting(), tmp_path).embed(["a"])
    (whole,) = tmp_path.rglob("*.npz")
    whole.rename(whole.with_suffix(".part"))
    again = Counting()
    KeptEmbedder(again, tmp_path).embed(["a"])
    assert again.asked == ["a"]


def test_names_stand_for_table_encoder_and_both_always_with_features_last(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(contexts, "SentenceEmbedder", Counting)
    both, alone = named_embedder("sentence"), named_embedder("encoder")
    assert named_embedder("static").id == default_embedder().id
    assert alone.id == f"hash-8+{FormEmbedder.id}+{FeatureEmbedder.id}"
    assert both.dim == default_embedder().dim + HashEmbedder.dim
    features = FeatureEmbedder().embed(["Why?"])
    for each in (both, alone):
        assert each.embed(["Why?"])[:, -FeatureEmbedder.dim :].tolist() == features.tolist()


def test_results_stand_under_the_id_of_the_embedder(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(contexts, "SentenceEmbedder", Counting)
    results = folder / "r.jsonl"
    shared = [str(folder / "first.parquet"), "--no-peers", "--only", "offline", "--shuffles", "1"]
    for name in ("static", "encoder"):
        route.main([*shared, "--results", str(results), "--embedder", name, "--cache", str(folder)])
    keys = [json.loads(line)["key"].split("/")[2] for line in results.read_text().splitlines()]
    half = len(keys) // 2
    assert set(keys[:half]) == {"quick"}
    assert set(keys[half:]) == {f"hash-8+{FormEmbedder.id}+{FeatureEmbedder.id}"}
    assert list(folder.rglob("*.npz"))


def test_without_the_extra_the_benchmark_says_so(
    folder: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setitem(sys.modules, "onnxruntime", None)
    route.main([str(folder), "--embedder", "sentence"])
    assert "skipped: onnxruntime is not installed: pip install" in capsys.readouterr().err
