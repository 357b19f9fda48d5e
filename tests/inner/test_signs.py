from __future__ import annotations

import re

from hypothesis import given
from hypothesis import strategies as st

from metallm.inner.pure.signs import Signs

WORD = re.compile(r"[^\W\d_]+(?:['’][^\W\d_]+)?")
texts = st.one_of(st.text(max_size=80), st.text(st.characters(codec="ascii"), max_size=80))


@given(texts)
def test_signs_are_what_one_counts_sign_by_sign(text: str) -> None:
    signs = Signs.of(text)
    assert signs.words == WORD.findall(text.lower())
    assert signs.digits == sum(sign.isdigit() for sign in text)
    assert signs.uppercase == sum(sign.isupper() for sign in text)
    assert signs.others == sum(not sign.isascii() for sign in text)
    assert signs.formula or not set(text) & set("\\$^=+*/<>≤≥")


def test_a_word_holds_one_apostrophe_at_most() -> None:
    assert Signs.of("Don't rock'n'roll, 'tis o'clock'").words == [
        "don't", "rock'n", "roll", "tis", "o'clock",
    ]  # fmt: skip
    assert Signs.of("L’été, don't").words == ["l’été", "don't"]
