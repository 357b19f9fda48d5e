"""What is sent to an arm and what comes back."""

from __future__ import annotations

from dataclasses import dataclass, field
from types import MappingProxyType
from typing import TYPE_CHECKING, Any

from metallm.core.wires import OPENAI

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Mapping

    from metallm.core.price import Usage
    from metallm.core.protocols import Payer
    from metallm.errors import ProviderError

    BeforeAgain = Callable[[ProviderError], Awaitable[None]]
    """Awaited with the error of an attempt before the next one is made."""


def _none() -> Mapping[str, str]:
    return MappingProxyType({})


@dataclass(frozen=True, slots=True)
class Native:
    """A request as a caller put it who speaks another wire than OpenAI's.

    Args:
        wire: the caller's, a name of `core.wires`.
        body: every field that the caller sent; an arm of the same wire gets it as it stands, so
            that nothing is lost.
        headers: of the caller, those that are part of what it asks of its wire.
        bound: what of the body no other wire can carry, by place; arms of other wires cannot take
            the request where there is any.
    """

    wire: str
    body: Mapping[str, Any]
    headers: Mapping[str, str] = field(default_factory=_none)
    bound: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class ChatRequest:
    """One request in the canonical form: the shape of OpenAI's chat completions.

    Args:
        body: every field that the caller sent, unknown ones too; "model" is filled in per arm.
        answer_format: the `response_format` to send to arms that are `structured`, where the body
            has none; None for none.
        native: what the caller sent, where that was in another wire and `body` is its translation.
        payer: who pays, where that is kept count of.
        before_again: awaited with an attempt's error before the next attempt is made for a payer
            who holds a budget; what it raises is raised, and the attempt is not made.
        logprobs: whether arms that tell log probabilities of their answers' tokens are to do so.
    """

    body: Mapping[str, Any]
    answer_format: Mapping[str, Any] | None = None
    native: Native | None = None
    payer: Payer | None = field(default=None, compare=False, repr=False)
    logprobs: bool = False
    before_again: BeforeAgain | None = field(default=None, compare=False, repr=False)

    @property
    def wire(self) -> str:
        """The wire that the caller speaks."""
        return OPENAI if self.native is None else self.native.wire

    def native_in(self, wire: str) -> Native | None:
        """What the caller sent, where it speaks a wire; None where it speaks another.

        Args:
            wire: a name of `core.wires`.
        """
        native = self.native
        return native if native is not None and native.wire == wire else None

    def answered_in(self, upstream: str) -> str:
        """The wire of what is handed back: the caller's where the arm speaks it, or OpenAI's.

        Args:
            upstream: the arm's wire.
        """
        return upstream if self.native is not None and self.native.wire == upstream else OPENAI


@dataclass(frozen=True, slots=True)
class Token:
    """A piece of an answer, and what might have stood in its place.

    Args:
        said: its text, UTF-8; a character may be cut in two.
        logprob: the natural logarithm of its probability.
        others: texts that were likely here and their log probabilities; `said` may be among them.
    """

    said: bytes
    logprob: float
    others: tuple[tuple[bytes, float], ...] = ()


@dataclass(frozen=True, slots=True)
class Completion:
    """One whole answer.

    Args:
        arm: the arm that answered.
        text: the first choice's text, "" where it has none (tool calls).
        usage: billed tokens; None where the provider sent none.
        latency_s: seconds from the request to the last byte.
        raw: the answer as bytes, in `wire`.
        wire: the caller's where the arm speaks it too, OpenAI's otherwise.
        tokens: of the text, where log probabilities were asked for and given; else none.
    """

    arm: str
    text: str
    usage: Usage | None
    latency_s: float
    raw: bytes
    wire: str = OPENAI
    tokens: tuple[Token, ...] = ()


@dataclass(frozen=True, slots=True)
class StreamEvent:
    """One event of a streamed answer.

    Args:
        data: the event's JSON as bytes, in `wire`, to be passed on unless `only_usage`.
        text: the text that this event adds.
        usage: billed tokens, on the event that carries them.
        only_usage: True for the extra event that was asked for by us and not by the caller.
        wire: the caller's where the arm speaks it too, OpenAI's otherwise.
    """

    data: bytes
    text: str = ""
    usage: Usage | None = None
    only_usage: bool = False
    wire: str = OPENAI
