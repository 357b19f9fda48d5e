from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from metallm.assembly import default_embedder
from metallm.core.protocols import Embedder
from metallm.embeddings.features import NAMES, FeatureEmbedder
from metallm.embeddings.joined import JoinedEmbedder
from metallm.embeddings.static import StaticEmbedder

STATIC = StaticEmbedder()
FEATURES = FeatureEmbedder()


@pytest.mark.parametrize("embedder", [STATIC, FEATURES, default_embedder()])
def test_a_batch_is_what_each_text_gives_alone(embedder: Embedder) -> None:
    texts = ["What is 2 + 2?", "", "def f(x): return x", "héllo wörld 🙂", "a" * 10_000]
    batch = embedder.embed(texts)
    assert batch.shape == (5, embedder.dim)
    assert batch.dtype == np.float32
    assert np.isfinite(batch).all()
    for row, text in enumerate(texts):
        assert embedder.embed([text])[0].tolist() == batch[row].tolist()
    assert embedder.embed([]).shape == (0, embedder.dim)


def test_static_contexts_have_length_1_and_know_what_is_alike() -> None:
    dog, puppy, tax = STATIC.embed(
        ["The dog ran in the park.", "A puppy played outside.", "The tax rate rose by 3 percent."]
    )
    assert np.linalg.norm(dog) == pytest.approx(1.0, abs=1e-5)
    assert dog @ puppy > dog @ tax + 0.1


def test_a_text_without_a_token_is_all_zeros() -> None:
    assert not STATIC.embed([""]).any()


def _feature(name: str, text: str) -> float:
    return float(FEATURES.embed([text])[0, NAMES.index(name)])


@pytest.mark.parametrize(
    ("name", "more", "less"),
    [
        ("log_characters", "a long text of many words " * 20, "short"),
        ("digits", "1234 5678", "one two"),
        ("options", "Pick:\nA. red\nB. blue\nC. green\n", "Pick red, blue or green"),
        ("question_marks", "really? why?", "really."),
        ("ends_in_question", "is it so?", "is it so? yes"),
        ("code", "import os\ndef f():\n    return 1", "import duties on cars"),
        ("mathematics", r"solve $x^2 + 1 = 5$ with \frac", "solve this riddle"),
        ("blanks", "the capital is ____", "the capital is Paris"),
        ("non_ascii", "こんにちは", "hello"),
        ("uppercase", "THIS IS LOUD", "this is not"),
        ("words_3", "it is not never no", "it is so"),
    ],
)
def test_features_move_with_what_they_are_named_for(name: str, more: str, less: str) -> None:
    assert _feature(name, more) > _feature(name, less)


@given(st.text(max_size=300))
def test_any_text_has_finite_features(text: str) -> None:
    row = FEATURES.embed([text])[0]
    assert np.isfinite(row).all()
    assert np.abs(row).max() < 10.0


def test_joined_contexts_stand_side_by_side_in_order() -> None:
    joined = JoinedEmbedder([STATIC, FEATURES])
    context = joined.embed(["How many apples?"])
    assert joined.dim == STATIC.dim + FEATURES.dim
    assert context[:, : STATIC.dim].tolist() == STATIC.embed(["How many apples?"]).tolist()
    assert context[:, STATIC.dim :].tolist() == FEATURES.embed(["How many apples?"]).tolist()
    assert STATIC.id in joined.id
    assert FEATURES.id in joined.id
