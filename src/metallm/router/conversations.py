"""Which arm has read a conversation already: another one would have to read it anew, at full price.

Providers bill a prompt's beginning less where they have just read it (prompt caching). To change
the arm within a conversation forfeits that, so the arm that has it is expected to cost the less.
Conversations are known by a session's name, or by what was said so far.
"""

from __future__ import annotations

from collections import OrderedDict
from dataclasses import dataclass
from hashlib import blake2b
from threading import Lock
from typing import TYPE_CHECKING, Literal

from metallm.core.price import list_cost_usd
from metallm.core.query import message_text

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from metallm.core.arm import Arm
    from metallm.core.query import Message, Query

Affinity = Literal["off", "price", "sticky"]

LEAST_TOKENS = 1024
"""Prompts below it are not cached by the large providers."""

KEPT_S = 300.0
"""How long they keep one that nobody asks for."""

MOST = 100_000
"""Conversations that are remembered; past it those that were asked about longest ago go."""


@dataclass(frozen=True, slots=True)
class Read:
    """What an arm has read of a conversation.

    Args:
        arm: its name.
        tokens: of the prompt and its answer, guessed.
        at: when, POSIX seconds.
    """

    arm: str
    tokens: int
    at: float


class Conversations:
    """What arms have read. Safe to use from several threads.

    Args:
        affinity: "off" remembers nothing; "price" lets an arm cost the less for what it has read;
            "sticky" stays with it.
    """

    def __init__(self, affinity: Affinity = "price") -> None:
        self.affinity = affinity
        self._lock = Lock()
        self._read: OrderedDict[bytes, Read] = OrderedDict()

    def known(self, query: Query, session: str | None, now: float) -> Read | None:
        """Who has read the conversation that a query goes on with; None where nobody has.

        Args:
            query: with the whole conversation.
            session: its name, where the caller gives one.
            now: POSIX seconds.
        """
        if self.affinity == "off" or not self._read:
            return None
        key = _session_key(session) if session else _said_before(query.messages)
        if key is None:
            return None
        with self._lock:
            found = self._read.get(key)
        # a session that sticks does so however long the caller thinks
        if found is None or (self.affinity == "price" and now - found.at > KEPT_S):
            return None
        return found

    def remember(self, query: Query, session: str | None, arm: str, text: str, now: float) -> None:
        """Note what an arm has read, and answered.

        Args:
            query: with the whole conversation.
            session: its name, where the caller gives one.
            arm: who answered.
            text: the answer.
            now: POSIX seconds.
        """
        if self.affinity == "off":
            return
        if self.affinity == "price" and query.input_tokens < LEAST_TOKENS:
            return
        answered = (*query.messages, {"role": "assistant", "content": text})
        key = _session_key(session) if session else _key(answered)
        with self._lock:
            self._read.pop(key, None)
            self._read[key] = Read(arm, query.input_tokens + len(text) // 4, now)
            if len(self._read) > MOST:
                self._read.popitem(last=False)


def discount(read: Read, query: Query, arms: Mapping[str, Arm]) -> float:
    """The part of the next query's list cost that the arm bills less, for it has read the rest.

    Args:
        read: who has read what.
        query: the next query.
        arms: by name.

    Returns:
        0 to 1; 0 where nothing is saved, or nobody knows.
    """
    price = arms[read.arm].list_price if read.arm in arms else None
    if price is None or price.cache_read is None or read.tokens < LEAST_TOKENS:
        return 0.0
    saved = (price.input - price.cache_read) * min(read.tokens, query.input_tokens) / 1e6
    listed = list_cost_usd(price, query.input_tokens)
    return min(max(saved / listed, 0.0), 1.0) if listed > 0.0 else 0.0


def _said_before(messages: Sequence[Message]) -> bytes | None:
    """A digest of all up to the last answer; None where there was none."""
    for place in range(len(messages) - 1, -1, -1):
        if messages[place].get("role") == "assistant":
            return _key(messages[: place + 1])
    return None


def _key(messages: Sequence[Message]) -> bytes:
    digest = blake2b(digest_size=16)
    for message in messages:
        for part in (str(message.get("role")), message_text(message)):
            encoded = part.encode("utf-8", "surrogatepass")
            digest.update(len(encoded).to_bytes(8, "little") + encoded)
    return digest.digest()


def _session_key(session: str) -> bytes:
    return blake2b(session.encode("utf-8", "surrogatepass"), digest_size=16, person=b"s").digest()
