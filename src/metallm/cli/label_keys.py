"""What a person types to label a text, and what of a text may reach the terminal."""

from __future__ import annotations

import sys
import unicodedata
from enum import Enum
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence

MOST_SHOWN = 4000
"""Characters of a text that are shown."""


class Command(Enum):
    """What can be done beside naming a label; the value is what is typed."""

    SKIP = "s"
    BACK = "b"
    QUIT = "q"


class Keys:
    """The keys for one query's labels.

    Labels are numbered from 1; where some of them look like numbers themselves, they stand for
    themselves and none is numbered. Up to nine take one key, more take their first letters or
    their number, and Enter.

    Args:
        labels: in the order in which they are shown.
    """

    def __init__(self, labels: Sequence[str]) -> None:
        self._labels = labels
        self._numbered = not any(label.strip().isdecimal() for label in labels)
        short = all(len(label) == 1 for label in labels)
        self.single = len(labels) <= 9 if self._numbered else short

    def shown(self) -> str:
        """The labels with their keys, and the commands."""
        names = [
            f"{number} {harmless(label)}" if self._numbered else harmless(label)
            for number, label in enumerate(self._labels, 1)
        ]
        how = "" if self.single else " (number or first letters, Enter)"
        return f"{'   '.join(names)}{how}   |  s skip  b back  q quit"

    def meant(self, typed: str) -> str | Command | None:
        """The label or command that was typed; None where that is none, or several.

        Args:
            typed: a key or a line, without its end.
        """
        typed = typed.strip().casefold()
        if typed in {each.value for each in Command}:
            return Command(typed)
        if self._numbered and typed.isdecimal():
            place = int(typed) - 1 if len(typed) < 6 else -1
            return self._labels[place] if 0 <= place < len(self._labels) else None
        spelled = [each for each in self._labels if each.strip().casefold() == typed]
        begun = [each for each in self._labels if each.strip().casefold().startswith(typed)]
        found = spelled or begun
        return found[0] if typed and len(found) == 1 else None

    def read(self) -> str | Command | None:
        """Wait for a key on a terminal, for a line elsewhere; the end of input quits."""
        if sys.stdin.isatty() and self.single:
            import typer

            try:
                return self.meant(typer.getchar())
            except EOFError:
                return Command.QUIT
        line = sys.stdin.readline()
        return self.meant(line) if line else Command.QUIT


def harmless(text: str) -> str:
    r"""A text on one line or several that cannot drive a terminal.

    Control characters, marks that turn the direction of reading and whatever else has no picture
    are spelled out, as \x1b.
    """
    return "".join(_seen(sign) for sign in text)


def _seen(sign: str) -> str:
    if sign in "\n\t" or sign.isprintable():
        return sign
    if unicodedata.category(sign) == "Zs":
        return " "
    return sign.encode("unicode_escape").decode("ascii")


def excerpt(text: str) -> str:
    """As much of a text as is shown, harmless, each line moved in."""
    cut = text[:MOST_SHOWN]
    left = len(text) - len(cut)
    more = f" … ({left} more characters)" if left else ""
    return "\n".join(f"  {line}" for line in (harmless(cut) + more).split("\n"))
