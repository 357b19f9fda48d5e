"""Which recorded query do these messages ask?"""

from __future__ import annotations

from collections import defaultdict
from typing import TYPE_CHECKING

from metallm.core.query import message_text

if TYPE_CHECKING:
    from collections.abc import Sequence

    from metallm.core.query import Message
    from metallm.tables.recordings import Recordings

ANCHOR = 16
"""Characters that are looked up at once."""

STRIDE = 8
"""Only every eighth place of a message is looked up: a recorded text is known by all of its first
eight anchors, so one of them falls on such a place wherever the text stands."""


class Lookup:
    """Finds recorded queries by their text, in time that does not grow with their number.

    Args:
        recordings: the queries; of several with the same text the first is found.
    """

    def __init__(self, recordings: Recordings) -> None:
        self._exact: dict[str, int] = {}
        for texts in (recordings.queries, recordings.texts):
            for place, text in enumerate(texts):
                self._exact.setdefault(text, place)
        self._anchored: dict[str, list[tuple[int, str]]] = defaultdict(list)
        self._short: list[str] = []
        for text in self._exact:
            if len(text) < ANCHOR + STRIDE - 1:
                self._short.append(text)
                continue
            for offset in range(STRIDE):
                self._anchored[text[offset : offset + ANCHOR]].append((offset, text))
        self._short = sorted((text for text in self._short if text.strip()), key=len)[::-1]

    def find(self, messages: Sequence[Message]) -> int | None:
        """The place of the query among the recordings, or None.

        A user turn that is a recorded text wins; then the longest recorded text that a message
        contains, newest message first, for older ones may be examples.
        """
        texts = [message_text(message) for message in reversed(messages)]
        for message, text in zip(reversed(messages), texts, strict=True):
            if message.get("role") == "user":
                if text in self._exact:
                    return self._exact[text]
                break
        for text in texts:
            found = self._longest_within(text)
            if found is not None:
                return self._exact[found]
        return None

    def _longest_within(self, message: str) -> str | None:
        longest = ""
        for place in range(0, len(message) - ANCHOR + 1, STRIDE):
            for offset, text in self._anchored.get(message[place : place + ANCHOR], ()):
                if (
                    len(text) > len(longest)
                    and place >= offset
                    and message.startswith(text, place - offset)
                ):
                    longest = text
        if longest:
            return longest
        return next((text for text in self._short if text in message), None)
