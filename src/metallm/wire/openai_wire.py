"""OpenAI's chat completions as an upstream wire: nearly all of it passes as it is."""

from __future__ import annotations

from typing import TYPE_CHECKING

from metallm.core.wires import OPENAI
from metallm.wire.openai_chat import PATH, read_answer, wants_usage, write_request
from metallm.wire.openai_errors import read_error
from metallm.wire.openai_hosts import obstacle
from metallm.wire.openai_stream import StreamReader

if TYPE_CHECKING:
    from metallm.core.arm import Arm
    from metallm.core.completion import ChatRequest
    from metallm.wire.base import Answer
    from metallm.wire.openai_errors import WireError


class OpenAIWire:
    """The canonical wire: requests and answers pass through, with only what must be read parsed."""

    name = OPENAI

    def path(self, arm: Arm, *, stream: bool) -> str:
        """The same for whole answers and streams."""
        del arm, stream
        return PATH

    def headers(self, key: str | None, request: ChatRequest) -> dict[str, str]:
        """The key as a bearer token."""
        del request
        return {} if key is None else {"Authorization": f"Bearer {key}"}

    def obstacle(self, arm: Arm, request: ChatRequest) -> str | None:
        """None for what came in this wire: whether a host takes it is the host's to say."""
        return None if request.native is None else obstacle(arm, request.body)

    def write_request(self, arm: Arm, request: ChatRequest, *, stream: bool) -> bytes:
        """See `openai_chat.write_request`."""
        return write_request(arm, request, stream=stream)

    def read_answer(
        self, arm: Arm, raw: bytes, request: ChatRequest, *, now: float
    ) -> tuple[Answer, bytes]:
        """The answer, and its bytes as they came."""
        del now
        return read_answer(arm.name, raw, logprobs=request.logprobs), raw

    def reader(self, arm: Arm, request: ChatRequest, *, now: float) -> StreamReader:
        """See `openai_stream.StreamReader`."""
        del now
        return StreamReader(arm.name, usage_asked=wants_usage(request))

    def read_error(self, body: bytes) -> WireError:
        """See `openai_errors.read_error`."""
        return read_error(body)
