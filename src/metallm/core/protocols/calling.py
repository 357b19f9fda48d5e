"""What calls arms."""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol, runtime_checkable

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Mapping, Sequence

    from metallm.core.arm import Arm
    from metallm.core.completion import ChatRequest, Completion, StreamEvent


class Provider(Protocol):
    """Sends a request to an arm."""

    def obstacles(
        self, arms: Sequence[Arm], request: ChatRequest, *, stream: bool, input_tokens: int
    ) -> Mapping[str, str]:
        """Why arms cannot take a request, by their names; those that can are left out.

        It is asked before every decision, and has to be quick.

        Args:
            arms: those that may be asked.
            request: what the caller sent.
            stream: whether it wants a stream.
            input_tokens: a guess of the query's length.
        """
        ...

    async def complete(self, arm: Arm, request: ChatRequest) -> Completion:
        """One whole answer.

        Raises:
            ProviderError: whatever went wrong, after the retries that make sense.
        """
        ...

    def stream(self, arm: Arm, request: ChatRequest) -> AsyncIterator[StreamEvent]:
        """The events of one streamed answer.

        Raises:
            ProviderError: before the first event, after the retries that make sense.
            StreamCutError: after the first event.
        """
        ...

    async def close(self) -> None:
        """Let go of connections."""
        ...


@runtime_checkable
class CountsTokens(Protocol):
    """A provider that can ask an arm how long a request is, without having it answered."""

    async def count_tokens(self, arm: Arm, request: ChatRequest) -> int | None:
        """Tokens by the arm's own count; None where it has none.

        Raises:
            ProviderError: whatever went wrong, after the retries that make sense.
        """
        ...


@runtime_checkable
class Rests(Protocol):
    """A provider that knows how its arms do."""

    def away(self, arm: Arm) -> str | None:
        """Why an arm had better not be asked right now; None where it may be."""
        ...

    def given_up(self, arm: str) -> None:
        """Learn that a late call of an arm was given up, for another had answered.

        Args:
            arm: its name.
        """
        ...
