"""OpenAI's Responses as an upstream wire."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

from metallm.core.needs import REASONING
from metallm.core.wires import RESPONSES
from metallm.wire.base import uncarried
from metallm.wire.bodies import written
from metallm.wire.counting import counted, read_tokens
from metallm.wire.logprobs import tokens_of, with_logprobs
from metallm.wire.merging import merged
from metallm.wire.openai_chat import wants_usage
from metallm.wire.openai_errors import read_error
from metallm.wire.responses_asking import write_body, write_fields
from metallm.wire.responses_chunks import Chunks
from metallm.wire.responses_reader import ResponsesReader
from metallm.wire.responses_reading import canonical_logprobs, read_response, to_canonical
from metallm.wire.responses_thoughts import readable

if TYPE_CHECKING:
    from metallm.core.arm import Arm
    from metallm.core.completion import ChatRequest, Native
    from metallm.wire.base import Answer
    from metallm.wire.openai_errors import WireError

PATH = "/responses"

COUNTED = (
    "input",
    "instructions",
    "model",
    "parallel_tool_calls",
    "reasoning",
    "text",
    "tool_choice",
    "tools",
)
"""Fields that the count of tokens takes."""


class ResponsesWire:
    """Requests of this wire's own clients pass as they came; others are translated."""

    name = RESPONSES

    def path(self, arm: Arm, *, stream: bool) -> str:
        """The same for whole answers and streams."""
        del arm, stream
        return PATH

    def headers(self, key: str | None, request: ChatRequest) -> dict[str, str]:
        """The key as a bearer token."""
        del request
        return {} if key is None else {"Authorization": f"Bearer {key}"}

    def obstacle(self, arm: Arm, request: ChatRequest) -> str | None:
        """What cannot be translated, found by translating."""
        if request.native_in(RESPONSES) is not None:
            return None
        return uncarried("OpenAI's Responses", lambda: _translated(arm, request))

    def write_request(self, arm: Arm, request: ChatRequest, *, stream: bool) -> bytes:
        """The caller's own body with the arm's model and options, or a translation."""
        native = request.native_in(RESPONSES)
        body = _translated(arm, request) if native is None else _passed(arm, native)
        body.pop("stream", None)
        if stream:
            body["stream"] = True
        return written(body)

    def read_answer(
        self, arm: Arm, raw: bytes, request: ChatRequest, *, now: float
    ) -> tuple[Answer, bytes]:
        """The answer; its bytes as they came for callers of this wire."""
        answer, document = read_response(arm.name, raw)
        if request.native_in(RESPONSES) is not None:
            return answer, raw
        if request.logprobs:
            tokens = tokens_of({"logprobs": canonical_logprobs(document)})
            answer = replace(answer, tokens=tokens)
        return answer, to_canonical(answer, document, created=int(now))

    def reader(self, arm: Arm, request: ChatRequest, *, now: float) -> ResponsesReader:
        """Reads events, and hands them on as they came to callers of this wire."""
        if request.native_in(RESPONSES) is not None:
            return ResponsesReader(arm.name, None)
        chunks = Chunks(created=int(now), model=arm.upstream_model)
        return ResponsesReader(arm.name, chunks, usage_asked=wants_usage(request))

    def read_error(self, body: bytes) -> WireError:
        """The shape of all of OpenAI's errors."""
        return read_error(body)

    def count_path(self, arm: Arm) -> str:
        """The same for all arms."""
        del arm
        return f"{PATH}/input_tokens"

    def write_count(self, arm: Arm, request: ChatRequest) -> bytes:
        """The request without what has no influence on its length."""
        return written(counted(self.write_request(arm, request, stream=False), COUNTED))

    def read_count(self, arm: Arm, raw: bytes) -> int:
        """Tokens of the input."""
        return read_tokens(arm, raw, "input_tokens")


def _translated(arm: Arm, request: ChatRequest) -> dict[str, Any]:
    body = with_logprobs(arm, request, merged(arm, request))
    if request.native is not None and REASONING in arm.lacks:
        body.pop("reasoning_effort", None)  # on other wires it is allowed, and not asked for
    return write_body(body)


def _passed(arm: Arm, native: Native) -> dict[str, Any]:
    options = write_fields(arm.options)
    # nothing is kept for our callers, and there it would be
    body = {"store": False, **native.body, **options, "model": arm.upstream_model}
    for name in arm.ignores:
        body.pop(name, None)
    limit, most = body.get("max_output_tokens"), arm.max_output_tokens
    if most is not None and isinstance(limit, int) and limit > most:
        body["max_output_tokens"] = most
    if isinstance(body.get("input"), list):
        body["input"] = [item for each in body["input"] for item in readable(each)]
    return body
