"""Anthropic's Messages as an upstream wire."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from metallm.core.wires import ANTHROPIC
from metallm.wire.anthropic_answer import UNSIGNED, read_message, to_canonical
from metallm.wire.anthropic_asking import write_body, write_fields
from metallm.wire.anthropic_chunks import Chunks
from metallm.wire.anthropic_errors import read_error
from metallm.wire.anthropic_reader import MessagesReader
from metallm.wire.base import uncarried
from metallm.wire.bodies import written
from metallm.wire.counting import counted, read_tokens
from metallm.wire.merging import cap, merged
from metallm.wire.openai_chat import wants_usage
from metallm.wire.responses_thoughts import foreign
from metallm.wire.words import kind

if TYPE_CHECKING:
    from collections.abc import Mapping

    from metallm.core.arm import Arm
    from metallm.core.completion import ChatRequest, Native
    from metallm.wire.base import Answer, StreamReader
    from metallm.wire.openai_errors import WireError

PATH = "/messages"
VERSION = "2023-06-01"
"""Of the API; what is newer is asked for by fields and by anthropic-beta."""

HEADERS = ("anthropic-version", "anthropic-beta")
"""Headers of a caller that are part of what it asks."""


COUNTED = ("messages", "model", "output_config", "system", "thinking", "tool_choice", "tools")
"""Fields that the count of tokens takes."""


class AnthropicWire:
    """Requests of Anthropic's own clients pass as they came; others are translated."""

    name = ANTHROPIC

    def path(self, arm: Arm, *, stream: bool) -> str:
        """The same for whole answers and streams."""
        del arm, stream
        return PATH

    def headers(self, key: str | None, request: ChatRequest) -> dict[str, str]:
        """The key and the API's version, and a caller's own version and betas over it."""
        headers = {"anthropic-version": VERSION}
        native = request.native_in(ANTHROPIC)
        if native is not None:
            headers |= native.headers
        return headers if key is None else {**headers, "x-api-key": key}

    def obstacle(self, arm: Arm, request: ChatRequest) -> str | None:
        """What cannot be translated, found by translating."""
        if request.native_in(ANTHROPIC) is not None:
            return None
        return uncarried("Anthropic's Messages", lambda: write_body(merged(arm, request)))

    def write_request(self, arm: Arm, request: ChatRequest, *, stream: bool) -> bytes:
        """The caller's own body with the arm's model and options, or a translation."""
        native = request.native_in(ANTHROPIC)
        body = write_body(merged(arm, request)) if native is None else _passed(arm, native)
        body.pop("stream", None)
        if stream:
            body["stream"] = True
        return written(body)

    def read_answer(
        self, arm: Arm, raw: bytes, request: ChatRequest, *, now: float
    ) -> tuple[Answer, bytes]:
        """The answer; its bytes as they came for callers of this wire."""
        answer, document = read_message(arm.name, raw)
        if request.native_in(ANTHROPIC) is not None:
            return answer, raw
        return answer, to_canonical(answer, document, created=int(now))

    def reader(self, arm: Arm, request: ChatRequest, *, now: float) -> StreamReader:
        """Reads events, and hands them on as they came to callers of this wire."""
        if request.native_in(ANTHROPIC) is not None:
            return MessagesReader(arm.name, None)
        chunks = Chunks(created=int(now), model=arm.upstream_model)
        return MessagesReader(arm.name, chunks, usage_asked=wants_usage(request))

    def read_error(self, body: bytes) -> WireError:
        """See `anthropic_errors.read_error`."""
        return read_error(body)

    def count_path(self, arm: Arm) -> str:
        """The same for all arms."""
        del arm
        return f"{PATH}/count_tokens"

    def write_count(self, arm: Arm, request: ChatRequest) -> bytes:
        """The request without what has no influence on its length, which is refused there."""
        return written(counted(self.write_request(arm, request, stream=False), COUNTED))

    def read_count(self, arm: Arm, raw: bytes) -> int:
        """Tokens of the input."""
        return read_tokens(arm, raw, "input_tokens")


def _passed(arm: Arm, native: Native) -> dict[str, Any]:
    body = {**native.body, **write_fields(arm.options), "model": arm.upstream_model}
    for name in arm.ignores:
        body.pop(name, None)
    cap(arm, body)
    if isinstance(body.get("messages"), list):
        body["messages"] = [_signed(turn) for turn in body["messages"]]
    return body


def _signed(turn: Any) -> Any:
    """A turn without thoughts that no model of Anthropic's had: their signatures are ours."""
    content = turn.get("content") if isinstance(turn, dict) else None
    if not isinstance(content, list) or not any(_unsigned(block) for block in content):
        return turn
    return {**turn, "content": [block for block in content if not _unsigned(block)]}


def _unsigned(block: Mapping[str, Any]) -> bool:
    unsigned = kind(block) == "thinking" and block.get("signature") == UNSIGNED
    return unsigned or foreign(block)
