"""Texts as people write them and as nobody does, for what has to hold of any text."""

from __future__ import annotations

from hypothesis import strategies as st

PIECES = [
    " ", "  ", "\n", "\t", "\r\n", "\v", "\x1c", "\0", "_", "__", "-", ":", "::", ".", "...", ". ",
    ", ", ";", "; \n", "{ \n", "{", "(", ")", "()", "[MASK]", "<mask>", "[mas", "<", "</", "</b",
    "=>", "=", "+", "*", "/", "\\", "\\frac", "$", "$x$", "$$", "^", "^2", "^{3", "`", "```", "'",
    "''", '"', "“", "@", "#", "#include", "http", "https://", "?", "? ", "!", "A. ", "(b) ", "c)",
    "J: ", "K: ", "1.", "0) ", "((9) ", "12", "3.5", "1,000", "7,", "²", "٣", "½", "a", "The",
    "don't", "can't", "rock'n'roll", "isn’t", "what", "Which", "NOT", "a_b", "X1", "def ", "class ",
    "import ", "return ", "SELECT ", "defs", "explanation", "Python", "LIST", "é", "🙂", "ΑΣ", "Σ'",
    "İ", "ſ", "K", "ª", "\x85", "\u2028", "\ufeff", "▁", "<s>", "<unk>", "x" * 45,
    "\ud800", "\udc80",
]  # fmt: skip
ASCII_PIECES = [piece for piece in PIECES if piece.isascii()]


def _joined(pieces: list[str]) -> st.SearchStrategy[str]:
    several = st.lists(st.sampled_from(pieces), max_size=30)
    return st.builds(str.join, st.sampled_from(["", " "]), several)


ascii_texts = st.one_of(_joined(ASCII_PIECES), st.text(st.characters(codec="ascii"), max_size=120))
texts = st.one_of(_joined(PIECES), ascii_texts, st.text(max_size=120))
