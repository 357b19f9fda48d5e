"""Gemini's generateContent as an upstream wire."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any
from urllib.parse import quote

import orjson

from metallm.core.wires import GEMINI
from metallm.wire.base import uncarried
from metallm.wire.bodies import written
from metallm.wire.counting import read_tokens
from metallm.wire.gemini_answer import read_document, to_canonical
from metallm.wire.gemini_asking import CONFIG, write_body, write_fields
from metallm.wire.gemini_errors import read_error
from metallm.wire.gemini_reader import ContentReader
from metallm.wire.logprobs import with_logprobs
from metallm.wire.merging import merged
from metallm.wire.openai_chat import wants_usage

if TYPE_CHECKING:
    from metallm.core.arm import Arm
    from metallm.core.completion import ChatRequest, Native
    from metallm.wire.base import Answer, StreamReader
    from metallm.wire.openai_errors import WireError

IN_THE_URL = ("model", "stream")
"""What this wire says in the URL; whoever takes a request puts it into the body."""


class GeminiWire:
    """Model and method stand in the path; the key in a header, never in the URL."""

    name = GEMINI

    def path(self, arm: Arm, *, stream: bool) -> str:
        """A method of the model."""
        method = "streamGenerateContent?alt=sse" if stream else "generateContent"
        return f"/{quote(_named(arm), safe='/')}:{method}"

    def headers(self, key: str | None, request: ChatRequest) -> dict[str, str]:
        """The key."""
        del request
        return {} if key is None else {"x-goog-api-key": key}

    def obstacle(self, arm: Arm, request: ChatRequest) -> str | None:
        """What cannot be translated, found by translating."""
        if request.native_in(GEMINI) is not None:
            return None
        return uncarried("Gemini's generateContent", lambda: write_body(merged(arm, request)))

    def write_request(self, arm: Arm, request: ChatRequest, *, stream: bool) -> bytes:
        """The caller's own body with the arm's options, or a translation."""
        del stream  # the path tells
        native = request.native_in(GEMINI)
        if native is None:
            body = write_body(with_logprobs(arm, request, merged(arm, request)))
        else:
            body = _passed(arm, native)
        return written(body)

    def read_answer(
        self, arm: Arm, raw: bytes, request: ChatRequest, *, now: float
    ) -> tuple[Answer, bytes]:
        """The answer; its bytes as they came for callers of this wire."""
        answer, document = read_document(arm.name, raw, logprobs=request.logprobs)
        if request.native_in(GEMINI) is not None:
            return answer, raw
        return answer, to_canonical(answer, document, created=int(now), model=arm.upstream_model)

    def reader(self, arm: Arm, request: ChatRequest, *, now: float) -> StreamReader:
        """Reads events, and hands them on as they came to callers of this wire."""
        return ContentReader(
            arm.name,
            native=request.native_in(GEMINI) is not None,
            created=int(now),
            model=arm.upstream_model,
            usage_asked=wants_usage(request),
        )

    def read_error(self, body: bytes) -> WireError:
        """See `gemini_errors.read_error`."""
        return read_error(body)

    def count_path(self, arm: Arm) -> str:
        """A method of the model."""
        return f"/{quote(_named(arm), safe='/')}:countTokens"

    def write_count(self, arm: Arm, request: ChatRequest) -> bytes:
        """The whole request, within the one for a count."""
        body = orjson.loads(self.write_request(arm, request, stream=False))
        return orjson.dumps({"generateContentRequest": {"model": _named(arm), **body}})

    def read_count(self, arm: Arm, raw: bytes) -> int:
        """Tokens of the input."""
        return read_tokens(arm, raw, "totalTokens")


def _named(arm: Arm) -> str:
    """The model's full name, as a path begins with."""
    model = arm.upstream_model
    return model if model.startswith(("models/", "tunedModels/")) else f"models/{model}"


def _passed(arm: Arm, native: Native) -> dict[str, Any]:
    options = write_fields(arm.options)
    body = {**native.body, **options}
    config = native.body.get(CONFIG)
    if isinstance(config, dict) and CONFIG in options:
        body[CONFIG] = {**config, **options[CONFIG]}
    for name in (*IN_THE_URL, *arm.ignores):
        body.pop(name, None)
    return body
