"""Texts of pets, told apart by their words, and scripted arms that know them more or less."""

from __future__ import annotations

from metallm.core.arm import Arm
from metallm.core.completion import ChatRequest
from metallm.providers.scripted import Scripted

LABELS = ("cat", "dog")
WORDS = {
    "cat": ("purring", "whiskers", "meow", "kitten", "scratched", "litter"),
    "dog": ("barking", "kennel", "woof", "puppy", "fetched", "leash"),
}
ODD = "colourless green ideas sleep furiously, number"


def truth(number: int) -> str:
    """The label of a text."""
    return LABELS[number % 2]


def text(number: int) -> str:
    """One of many texts, half of them of cats."""
    words = WORDS[truth(number)]
    two = words[number // 2 % 6], words[number // 12 % 6]
    return f"the {two[0]} and {two[1]} one from street {number % 7}"


def odd(number: int) -> str:
    """A text unlike the others, of the same label as `text`."""
    return f"{ODD} {number}"


def numbers_in(told: str) -> list[int]:
    """The numbers that a text holds."""
    return [int(word) for word in told.split() if word.isdigit()]


def knows(_arm: Arm, request: ChatRequest) -> Scripted:
    """Right about every text."""
    told = str(request.body["messages"][-1]["content"]).split("Text:\n")[1].split("\n\n")[0]
    if told.startswith(ODD):
        return truth(numbers_in(told)[-1])
    return next(label for label in LABELS if any(word in told for word in WORDS[label]))
