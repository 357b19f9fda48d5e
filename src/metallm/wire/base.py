"""The two seams of a protocol: `Wire`, towards those we ask; `Face`, towards those who ask us."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol, runtime_checkable

from metallm.errors import InputError

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from typing import Any

    from metallm.core.arm import Arm
    from metallm.core.completion import ChatRequest, StreamEvent, Token
    from metallm.core.price import Usage
    from metallm.wire.openai_errors import WireError


class UncarriedError(InputError):
    """A request holds what a wire cannot carry; nothing is dropped in silence.

    Args:
        what: the field, and what about it.
    """


def uncarried(wire: str, translate: Callable[[], object]) -> str | None:
    """What of a request a wire cannot carry, in words, found by translating it; None if nothing.

    Args:
        wire: what the wire is called.
        translate: translates the request.
    """
    try:
        translate()
    except UncarriedError as error:
        return f"{wire} cannot carry {error}"
    return None


@dataclass(frozen=True, slots=True)
class Answer:
    """What is read from a whole answer.

    Args:
        text: the first choice's text, "" where it has none.
        usage: billed tokens; None where the provider sent none.
        model: the model that the provider names.
        finish_reason: why the first choice ended, in OpenAI's words.
        tokens: of the text, where log probabilities came; else none.
    """

    text: str
    usage: Usage | None
    model: str | None = None
    finish_reason: str | None = None
    tokens: tuple[Token, ...] = ()


@dataclass(frozen=True, slots=True)
class Outgoing:
    """One HTTP request as it will be sent, for whoever has to sign the whole of it."""

    method: str
    url: str
    headers: Mapping[str, str]
    body: bytes


class StreamReader(Protocol):
    """Reads one stream, whatever its frames are.

    Attributes:
        done: the stream said that it is over; nothing more is read.
    """

    done: bool

    @property
    def whole(self) -> bool:
        """Whether the answer is complete."""
        ...

    def feed(self, chunk: bytes) -> list[StreamEvent]:
        """The events that are complete with these bytes, which may be cut anywhere.

        Raises:
            StreamCutError: an error event, or one that cannot be read.
        """
        ...

    def finish(self) -> list[StreamEvent]:
        """The events that the end of the bytes completes.

        Raises:
            StreamCutError: as for `feed`, or the answer is not complete.
        """
        ...


@runtime_checkable
class CountingWire(Protocol):
    """A wire whose hosts tell how many tokens a request has, without answering it."""

    def count_path(self, arm: Arm) -> str:
        """Where they are asked, below the arm's base URL."""
        ...

    def write_count(self, arm: Arm, request: ChatRequest) -> bytes:
        """The body to send.

        Raises:
            InputError: a value that cannot be written.
        """
        ...

    def read_count(self, arm: Arm, raw: bytes) -> int:
        """Tokens.

        Raises:
            ProviderUnavailableError: the answer cannot be read.
        """
        ...


class Wire(Protocol):
    """One upstream protocol, both directions, without I/O.

    Answers and events come back in the caller's wire where it is this one, byte for byte as they
    came; else in the canonical form, OpenAI's chat completions (`ChatRequest.answered_in`).

    Attributes:
        name: a name of `core.wires`.
    """

    name: str

    def path(self, arm: Arm, *, stream: bool) -> str:
        """Where requests go, below the arm's base URL."""
        ...

    def headers(self, key: str | None, request: ChatRequest) -> dict[str, str]:
        """What identifies us, and what the caller's headers ask of this wire.

        Args:
            key: the provider's key; None where none is needed, or where the request is signed.
            request: what the caller sent.
        """
        ...

    def obstacle(self, arm: Arm, request: ChatRequest) -> str | None:
        """What of the canonical request this wire cannot carry, in words; None where it can all.

        It is asked before every decision: where nothing special is wanted it must cost nothing.
        """
        ...

    def write_request(self, arm: Arm, request: ChatRequest, *, stream: bool) -> bytes:
        """The body to send upstream: the caller's fields, the arm's fixed options over them.

        Raises:
            InputError: a value that cannot be written.
        """
        ...

    def read_answer(
        self, arm: Arm, raw: bytes, request: ChatRequest, *, now: float
    ) -> tuple[Answer, bytes]:
        """Read a whole answer; its bytes too, as the caller is to get them.

        Args:
            arm: whose answer it is.
            raw: the answer's bytes.
            request: what the caller sent.
            now: POSIX seconds, for an answer that tells no time.

        Raises:
            ProviderUnavailableError: it cannot be read, or is an error in place of an answer.
        """
        ...

    def reader(self, arm: Arm, request: ChatRequest, *, now: float) -> StreamReader:
        """Reads one stream; arguments as for `read_answer`."""
        ...

    def read_error(self, body: bytes) -> WireError:
        """What an error body says; a body in no known shape becomes the message."""
        ...


class StreamWriter(Protocol):
    """Writes one stream, frames and all, as a caller of this wire reads it."""

    def event(self, event: StreamEvent) -> bytes:
        """An event of the arm's stream, in this wire or the canonical form; b"" for nothing yet."""
        ...

    def end(self) -> bytes:
        """What says that the answer is complete."""
        ...

    def error(self, body: bytes, *, status: int) -> bytes:
        """An error that ends the stream in place of `end`; arguments as for `Face.write_error`."""
        ...


@runtime_checkable
class AnsweringFace(Protocol):
    """A face whose answers repeat what was asked."""

    def answering(self, request: ChatRequest) -> Face:
        """The face that answers one request."""
        ...


class Face(Protocol):
    """One protocol from the side of those who are asked: the gateway and the sandbox. No I/O.

    Attributes:
        name: a name of `core.wires`.
    """

    name: str

    def read_request(self, body: dict[str, Any], headers: Mapping[str, str]) -> ChatRequest:
        """A caller's request.

        Args:
            body: its JSON; fields of ours are taken out already.
            headers: the request's, names in lower case.

        Raises:
            InputError: a field that cannot be read; the message names it.
        """
        ...

    def write_answer(self, raw: bytes, *, wire: str, model: str) -> bytes:
        """A whole answer as the caller is to get it.

        Args:
            raw: the answer.
            wire: the wire of it: this one or the canonical one.
            model: what to name as the model.
        """
        ...

    def writer(self, model: str) -> StreamWriter:
        """Writes one stream that names `model`."""
        ...

    def write_error(self, body: bytes, *, status: int) -> bytes:
        """An error as this wire tells it.

        Args:
            body: the error in OpenAI's shape; in this wire's own it is given back as it is.
            status: HTTP status.
        """
        ...
