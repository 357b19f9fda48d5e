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
from metallm.errors import ConfigurationError

STATIC = StaticEmbedder()
FEATURES = FeatureEmbedder()

STATIC_BITS = [0.09347475320100784, -0.046785447746515274, -0.1215212345123291]
NGRAM_BITS = [0.0, 0.0, -0.0651744, 0.0, 0.0, 0.0, 0.0, 0.103299]
FORM_BITS = {2: -0.25, 9: -0.25, 48: -0.25, 59: -0.25}
FEATURE_BITS = [
    -0.47045233845710754,
    -0.48083266615867615,
    -0.5100000500679016,
    -0.48041632771492004,
    0.27283138036727905,
    0.37947332859039307,
    0.33283138275146484,
    0.08393876999616623,
    0.2847856879234314,
    0.17958369851112366,
    0.09000000357627869,
    0.0,
    0.0,
    0.0,
    0.41588833928108215,
    0.23070858418941498,
    0.0,
    0.16970564424991608,
    0.0,
    0.21000000834465027,
    -0.30000001192092896,
    0.057944156229496,
    0.0,
    0.0,
    0.0,
    0.0,
    0.0,
    0.0,
    0.0,
    0.0,
    0.0,
    0.0,
    0.0,
    0.0,
    0.0,
    0.3181980550289154,
]


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


def test_contexts_are_the_numbers_that_the_embedder_s_id_stands_for() -> None:
    # a log names its embedder by id: whoever changes these numbers has to change the id
    text = "What's x^2 + 1?\nA. 5\nB. héllo\n\ndef f():  return 10"
    context = default_embedder().embed([text])
    assert context[0, :3].tolist() == pytest.approx(STATIC_BITS, abs=1e-7)
    assert context[0, -FEATURES.dim :].tolist() == pytest.approx(FEATURE_BITS, abs=1e-7)
    assert context[0, 256:264].tolist() == pytest.approx(NGRAM_BITS, abs=1e-6)
    form = context[0, 256 + 128 : -FEATURES.dim]
    assert {place: round(float(form[place]), 6) for place in np.flatnonzero(form)} == FORM_BITS


def test_a_scaled_part_is_scaled_and_the_id_says_so() -> None:
    joined = JoinedEmbedder([STATIC, FEATURES], scales=[0.5, 1.0])
    context = joined.embed(["How many apples?"])
    half = STATIC.embed(["How many apples?"]) * np.float32(0.5)
    assert context[:, : STATIC.dim].tolist() == half.tolist()
    assert context[:, STATIC.dim :].tolist() == FEATURES.embed(["How many apples?"]).tolist()
    assert joined.id == f"0.5*{STATIC.id}+{FEATURES.id}"


@pytest.mark.parametrize("scales", [[1.0], [1.0, 0.0], [1.0, float("nan")]])
def test_each_part_needs_a_scale_above_0(scales: list[float]) -> None:
    with pytest.raises(ConfigurationError, match="need as many scales above 0"):
        JoinedEmbedder([STATIC, FEATURES], scales=scales)
