from __future__ import annotations

import re
import threading

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tokenizers import Tokenizer
from tokenizers.models import BPE

from metallm.embeddings import words
from metallm.embeddings.static import tokenizer_of_the_table
from metallm.embeddings.words import WordTokenizer
from metallm.errors import ConfigurationError

WHOLE = tokenizer_of_the_table()
BY_WORD = WordTokenizer(WHOLE)
ENCODABLE = st.text(st.characters(exclude_categories=["Cs"]), max_size=60)
pieces = st.sampled_from(
    [" ", "  ", "\n", "\t", "▁", "<s>", "</s>", "<unk>", "<", "a", "The", "don't", "=>", "é", "🙂"]
)

numbers_with_signs = st.builds(
    str.__add__, st.text("0123456789", min_size=1, max_size=22), st.text("?!.,;:%)", max_size=2)
)


def _whole(text: str) -> list[int]:
    ids: list[int] = WHOLE.encode(text, add_special_tokens=False).ids
    return ids


def test_a_lone_surrogate_is_cut_as_the_sign_for_what_is_unknown() -> None:
    for odd in ("\ud800", "a \udfffb c", "<s>\ud83d", "▁\udc80", "  \ud800 "):
        known = re.sub("[\ud800-\udfff]", "\ufffd", odd)
        assert BY_WORD.ids(odd).tolist() == _whole(known)


@given(st.one_of(ENCODABLE, st.lists(pieces, max_size=14).map("".join)))
@settings(max_examples=300)
def test_a_text_has_the_ids_that_the_whole_text_gets(text: str) -> None:
    assert BY_WORD.ids(text).tolist() == _whole(text)
    assert BY_WORD.ids(text).tolist() == _whole(text)  # once more, from what is kept


def test_spaces_in_a_row_and_at_the_ends_count() -> None:
    for text in ("", " ", "  ", " a", "a ", "a  b", "x:\n    return  y\n", "   "):
        assert BY_WORD.ids(text).tolist() == _whole(text)


def test_a_full_memory_forgets_and_goes_on(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(words, "CAPACITY", 5)
    small = WordTokenizer(WHOLE)
    for text in ("one two three four", "five six seven", "one nine", " a  b ", "one two"):
        assert small.ids(text).tolist() == _whole(text)
        assert len(small._known) <= 6


def test_long_words_are_not_kept() -> None:
    tokenizer = WordTokenizer(WHOLE)
    text = "x" * 300 + " short"
    assert tokenizer.ids(text).tolist() == _whole(text)
    assert "short" in tokenizer._known
    assert max(map(len, tokenizer._known)) <= words.LONGEST


def test_numbers_are_not_kept() -> None:
    tokenizer = WordTokenizer(WHOLE)
    for text in ("in 1984 and 12345?", "in 1984 and 42 of us"):
        assert tokenizer.ids(text).tolist() == _whole(text)
    assert set(tokenizer._known) == {"", "in", "and", "of", "us"}


def test_threads_may_share_it() -> None:
    tokenizer = WordTokenizer(WHOLE)
    wrong: list[str] = []

    def ask(first: int) -> None:
        for number in range(first, first + 300):
            text = f"word{number % 97} and {number}"
            if tokenizer.ids(text).tolist() != _whole(text):
                wrong.append(text)

    threads = [threading.Thread(target=ask, args=(place * 50,)) for place in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert not wrong


def test_a_tokenizer_whose_tokens_reach_over_words_is_refused() -> None:
    across = Tokenizer(BPE(vocab={"▁": 0, "a": 1, "a▁": 2}, merges=[("a", "▁")]))
    with pytest.raises(ConfigurationError, match="'a▁' reaches over"):
        WordTokenizer(across)
    with pytest.raises(ConfigurationError, match="has none for '▁'"):
        WordTokenizer(Tokenizer(BPE(vocab={"a": 0}, merges=[])))


@given(st.lists(numbers_with_signs, max_size=6))
def test_numbers_have_the_ids_that_the_tokenizer_gives_them(numbers: list[str]) -> None:
    text = " ".join(["about", *numbers])
    assert BY_WORD.ids(text).tolist() == _whole(text)
