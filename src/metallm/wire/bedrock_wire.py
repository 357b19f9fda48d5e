"""Bedrock's Converse and ConverseStream as an upstream wire."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any
from urllib.parse import quote

from metallm.core.wires import BEDROCK
from metallm.wire.base import uncarried
from metallm.wire.bedrock_answer import id_of, read_document, to_canonical
from metallm.wire.bedrock_asking import MERGED, write_body, write_fields
from metallm.wire.bedrock_errors import read_error
from metallm.wire.bedrock_reader import ConverseReader
from metallm.wire.bodies import written
from metallm.wire.counting import counted, read_tokens
from metallm.wire.merging import merged
from metallm.wire.openai_chat import wants_usage

if TYPE_CHECKING:
    from metallm.core.arm import Arm
    from metallm.core.completion import ChatRequest, Native
    from metallm.wire.base import Answer, StreamReader
    from metallm.wire.openai_errors import WireError

IN_THE_URL = ("model", "stream")
"""What this wire says in the URL; whoever takes a request puts it into the body."""

COUNTED = ("additionalModelRequestFields", "messages", "system", "toolConfig")
"""Fields that the count of tokens takes."""


class BedrockWire:
    """Model and operation stand in the path; requests are signed by whoever sends them."""

    name = BEDROCK

    def path(self, arm: Arm, *, stream: bool) -> str:
        """An operation on the model, whose id is percent-encoded, slashes and colons too."""
        return self._path(arm, "converse-stream" if stream else "converse")

    def headers(self, key: str | None, request: ChatRequest) -> dict[str, str]:
        """A key of Bedrock's as a bearer token; nothing where the request is signed."""
        del request
        return {} if key is None else {"Authorization": f"Bearer {key}"}

    def obstacle(self, arm: Arm, request: ChatRequest) -> str | None:
        """What cannot be translated, found by translating."""
        if request.native_in(BEDROCK) is not None:
            return None
        return uncarried("Bedrock's Converse", lambda: write_body(merged(arm, request)))

    def write_request(self, arm: Arm, request: ChatRequest, *, stream: bool) -> bytes:
        """The caller's own body with the arm's options, or a translation."""
        del stream  # the path tells
        native = request.native_in(BEDROCK)
        body = write_body(merged(arm, request)) if native is None else _passed(arm, native)
        return written(body)

    def read_answer(
        self, arm: Arm, raw: bytes, request: ChatRequest, *, now: float
    ) -> tuple[Answer, bytes]:
        """The answer; its bytes as they came for callers of this wire."""
        answer, message = read_document(arm, raw)
        if request.native_in(BEDROCK) is not None:
            return answer, raw
        created, model = int(now), arm.upstream_model
        named: dict[str, Any] = {"answer_id": id_of(raw, created), "model": model}
        return answer, to_canonical(answer, message, created=created, **named)

    def reader(self, arm: Arm, request: ChatRequest, *, now: float) -> StreamReader:
        """Reads events, and hands them on as they came to callers of this wire.

        Raises:
            MissingExtraError: botocore is not installed.
        """
        native = request.native_in(BEDROCK) is not None
        return ConverseReader(
            arm, native=native, created=int(now), usage_asked=wants_usage(request)
        )

    def read_error(self, body: bytes) -> WireError:
        """See `bedrock_errors.read_error`."""
        return read_error(body)

    def count_path(self, arm: Arm) -> str:
        """An operation on the model."""
        return self._path(arm, "count-tokens")

    def write_count(self, arm: Arm, request: ChatRequest) -> bytes:
        """The request without what has no influence on its length."""
        sent = counted(self.write_request(arm, request, stream=False), COUNTED)
        return written({"input": {"converse": sent}})

    def read_count(self, arm: Arm, raw: bytes) -> int:
        """Tokens of the input."""
        return read_tokens(arm, raw, "inputTokens")

    def _path(self, arm: Arm, operation: str) -> str:
        return f"/model/{quote(arm.upstream_model, safe='')}/{operation}"


def _passed(arm: Arm, native: Native) -> dict[str, Any]:
    options = write_fields(arm.options, arm.upstream_model)
    body = {**native.body, **options}
    for name in MERGED:
        given = native.body.get(name)
        if isinstance(given, dict) and name in options:
            body[name] = {**given, **options[name]}
    for name in (*IN_THE_URL, *arm.ignores):
        body.pop(name, None)
    return body
