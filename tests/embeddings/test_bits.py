"""However contexts are made, they keep the bits that the plain way gives: logs hold them."""

from __future__ import annotations

import numpy as np
from hypothesis import given, settings

from metallm.assembly import default_embedder
from metallm.embeddings.features import FeatureEmbedder
from metallm.embeddings.form import FormEmbedder
from metallm.embeddings.joined import JoinedEmbedder
from metallm.embeddings.ngrams import NgramEmbedder
from metallm.embeddings.static import StaticEmbedder, tokenizer_of_the_table
from odd_texts import texts
from plain_contexts import cut, hashed_form, hashed_grams, token_mean

STATIC = StaticEmbedder()
NGRAMS = NgramEmbedder(STATIC.tokenizer)
FORM = FormEmbedder()
WHOLE = tokenizer_of_the_table()


def _ids(text: str) -> list[int]:
    ids: list[int] = WHOLE.encode(cut(text), add_special_tokens=False).ids
    return ids


@given(texts)
@settings(max_examples=300)
def test_tokens_are_averaged_and_hashed_to_the_same_bits(text: str) -> None:
    ids = _ids(text)
    assert STATIC.embed([text])[0].tobytes() == token_mean(STATIC._table, ids).tobytes()
    assert NGRAMS.embed([text])[0].tobytes() == hashed_grams(ids).tobytes()


@given(texts)
@settings(max_examples=300)
def test_first_and_last_words_are_hashed_to_the_same_bits(text: str) -> None:
    assert FORM.embed([text])[0].tobytes() == hashed_form(text).tobytes()


def test_every_token_has_its_row() -> None:
    # a sum that begins with a row, or with nothing and then the row, may differ in a zero's sign
    assert not np.signbit(STATIC._table[STATIC._table == 0.0]).any()


def test_long_texts_are_cut_alike() -> None:
    for text in ("word " * 3000, "x" * 9000, "9" * 5000, " " * 5000, "a'b " * 2000):
        ids = _ids(text)
        assert STATIC.embed([text])[0].tobytes() == token_mean(STATIC._table, ids).tobytes()
        assert NGRAMS.embed([text])[0].tobytes() == hashed_grams(ids).tobytes()
        assert FORM.embed([text])[0].tobytes() == hashed_form(text).tobytes()


@given(texts)
def test_parts_that_write_in_place_give_what_they_give_alone(text: str) -> None:
    joined = JoinedEmbedder([STATIC, NGRAMS, FORM, FeatureEmbedder()])
    alone = [part.embed([text]) for part in (STATIC, NGRAMS, FORM, FeatureEmbedder())]
    assert joined.embed([text]).tobytes() == np.concatenate(alone, axis=1).tobytes()
    assert joined.id == default_embedder().id


def test_a_lone_surrogate_counts_as_the_sign_for_what_is_unknown() -> None:
    odd, known = "what is \ud800 this\udfff?", "what is \ufffd this\ufffd?"
    assert STATIC.embed([odd]).tobytes() == STATIC.embed([known]).tobytes()
    assert NGRAMS.embed([odd]).tobytes() == NGRAMS.embed([known]).tobytes()
    assert np.isfinite(default_embedder().embed([odd, "\udc80"])).all()
