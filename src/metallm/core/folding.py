"""Texts in a form in which case, composition and spacing make no difference."""

from __future__ import annotations

import unicodedata


def fold(text: str) -> str:
    """One line in that form, every run of white space a single space."""
    # in ASCII there is nothing to take apart
    if text.isascii():
        return " ".join(text.casefold().split())
    # taken apart first, for some composed letters have capitals that are several; up before down,
    # for the dotless i and its like have a capital that folds to another letter
    apart = unicodedata.normalize("NFD", text)
    folded = unicodedata.normalize("NFD", apart.upper().casefold())
    return " ".join(unicodedata.normalize("NFC", folded).split())


def fold_lines(text: str) -> str:
    """Several lines in that form, still apart."""
    return "\n".join(fold(line) for line in text.splitlines())
