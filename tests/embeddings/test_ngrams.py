from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from metallm.embeddings import ngrams
from metallm.embeddings.ngrams import LENGTH, NgramEmbedder
from metallm.embeddings.static import tokenizer_of_the_table
from metallm.embeddings.words import WordTokenizer
from metallm.inner import gram_sums

TOKENIZER = WordTokenizer(tokenizer_of_the_table())
NGRAMS = NgramEmbedder(TOKENIZER)
ENCODABLE = st.text(st.characters(exclude_categories=["Cs"]), max_size=200)


@given(st.lists(ENCODABLE, max_size=4))
def test_each_context_has_the_length_or_is_0_and_is_the_same_alone(texts: list[str]) -> None:
    found = NGRAMS.embed(texts)
    assert found.shape == (len(texts), NGRAMS.dim)
    assert found.dtype == np.float32
    for row, text in enumerate(texts):
        norm = float(np.linalg.norm(found[row]))
        assert norm == pytest.approx(LENGTH, abs=1e-5) or norm == 0.0
        assert NGRAMS.embed([text])[0].tolist() == found[row].tolist()


def test_texts_that_share_words_are_closer_than_texts_that_do_not() -> None:
    one, two, other = NGRAMS.embed(
        [
            "we overrule the earlier decision of this court",
            "the earlier decision of the court is overruled, as we said",
            "prices of wheat rose again while oil fell",
        ]
    )
    assert one @ two > 2.0 * abs(float(one @ other))


def test_the_order_of_words_counts() -> None:
    one, turned = NGRAMS.embed(["dog bites man", "man bites dog"])
    assert one.tolist() != turned.tolist()
    assert one @ turned > 0.2 * LENGTH**2


def test_tokens_spread_evenly_over_entries_and_signs() -> None:
    single = np.empty((4000, NGRAMS.dim))
    for token in range(4000):
        gram_sums(np.array([token]), np.arange(2.0), single[token], ngrams._PAIR, ngrams._SPREAD)
    assert np.abs(single).sum(axis=1).tolist() == [1.0] * 4000
    hits = np.abs(single).sum(axis=0)
    # 4,000 tokens over 128 entries: 31 each, give or take
    assert hits.min() > 10
    assert hits.max() < 65
    assert abs(float(single.sum())) < 400


def test_a_blank_text_gives_zeros() -> None:
    assert not NGRAMS.embed([""]).any()
