"""The ids of what a student reads."""

from __future__ import annotations

from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from loops import BOTH, compiled, needs_compiled
from metallm.embeddings.grams import MAX_CHARACTERS, grams
from metallm.inner import pure
from metallm.inner.pure.grams import CHARACTERS, RANGES
from odd_texts import texts


def _words(text: str) -> set[int]:
    return {int(each) for each in grams(text) if each < CHARACTERS}


def _parts(text: str) -> set[int]:
    return {int(each) for each in grams(text) if each >= CHARACTERS}


@needs_compiled
@given(st.one_of(texts, st.text(st.characters(), max_size=60)))
@settings(max_examples=500)
def test_both_loops_find_the_same_ids(text: str) -> None:
    fast = compiled()
    assert fast is not None
    assert fast.gram_ids(text) == pure.gram_ids(text)


@needs_compiled
def test_both_loops_tell_all_signs_apart_alike() -> None:
    fast = compiled()
    assert fast is not None
    edges = {last + by for last, _ in RANGES for by in (-1, 0, 1) if 0 <= last + by < 0x110000}
    for sign in map(chr, sorted(edges)):
        text = f"a{sign}b {sign}{sign} c"
        assert fast.gram_ids(text) == pure.gram_ids(text), hex(ord(sign))


@given(texts)
def test_ids_are_sorted_and_distinct(text: str) -> None:
    ids = grams(text)
    assert ids.dtype == np.uint16
    assert not ids.flags.writeable
    assert (np.diff(ids.astype(int)) > 0).all()


@pytest.mark.parametrize("loops", BOTH)
def test_ids_stay_what_they_are(loops: object) -> None:
    """A log is read years later: none of these numbers may ever change."""
    known = np.frombuffer(loops.gram_ids("the cat sat 漢字"), np.uint16)  # type: ignore[attr-defined]
    assert known.tolist() == IDS


IDS = [
    386, 4021, 11309, 11840, 15653, 24886, 27355, 28484, 29701, 34951, 35462, 35466,
    36025, 36789, 36856, 40082, 40194, 40296, 41703, 44391, 44608, 47313, 51872, 55750,
    56343, 61474, 61966, 62469, 62875,
]  # fmt: skip


def test_nothing_is_found_in_nothing() -> None:
    for text in ("", " ", "\n\t \u3000", "\u2028"):
        assert grams(text).tolist() == []


def test_words_and_pairs_are_counted_once_each() -> None:
    assert len(_words("one")) == 1
    assert len(_words("one two three")) == 3 + 2
    assert _words("one, two!") == _words("one two") == _words("ONE Two")
    assert _words("two one") != _words("one two")


def test_parts_have_three_to_five_signs_with_the_blanks_around() -> None:
    padded = " cats "
    count = sum(len(padded) - length + 1 for length in (3, 4, 5))
    assert len(_parts("cats")) == count
    assert _parts("cats dogs") == _parts("cats") | _parts("dogs")
    assert len(_parts("a")) == 1
    assert _parts("mat's") != _parts("mats")


def test_scripts_without_blanks_have_words_too() -> None:
    for text in ("漢字仮名", "ひらがな", "ภาษา", "ខ្មែរ"):
        signs = [*text]
        expected = {*signs, *pairwise(signs)}
        assert len(_words(text)) == len(expected), text
    assert _words("漢字") >= _words("漢")
    assert len(_words("Ελλάδα Россия עברית العربية")) == 4 + 3


def test_the_end_of_a_long_text_is_not_read() -> None:
    long = "word and other " * 70_000  # a megabyte
    assert grams(long).tolist() == grams(long[:MAX_CHARACTERS]).tolist()
    assert len(grams("İ" * 10_000)) > 0  # two signs each in lower case


def test_halves_of_surrogate_pairs_are_signs_like_others() -> None:
    assert _words("a \ud800 b") == _words("a b")
    assert _parts("a \ud800 b") > _parts("a b")
