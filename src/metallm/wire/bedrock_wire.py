"""Bedrock's Converse and ConverseStream as an upstream wire."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any
from urllib.parse import quote

import orjson

from metallm.core.wires import BEDROCK
from metallm.errors import InputError, ProviderUnavailableError
from metallm.wire.base import UncarriedError
from metallm.wire.bedrock_answer import id_of, read_document, to_canonical
from metallm.wire.bedrock_asking import MERGED, write_body, write_fields
from metallm.wire.bedrock_errors import read_error
from metallm.wire.bedrock_reader import ConverseReader
from metallm.wire.merging import merged
from metallm.wire.openai_chat import plain, wants_usage
from metallm.wire.openai_usage import count

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
        if _native(request) is not None:
            return None
        try:
            write_body(merged(arm, request))
        except UncarriedError as error:
            return f"Bedrock's Converse cannot carry {error}"
        return None

    def write_request(self, arm: Arm, request: ChatRequest, *, stream: bool) -> bytes:
        """The caller's own body with the arm's options, or a translation."""
        del stream  # the path tells
        native = _native(request)
        body = write_body(merged(arm, request)) if native is None else _passed(arm, native)
        try:
            return orjson.dumps(body, default=plain)
        except orjson.JSONEncodeError as error:
            raise InputError(f"the request cannot be written as JSON: {error}") from error

    def read_answer(
        self, arm: Arm, raw: bytes, request: ChatRequest, *, now: float
    ) -> tuple[Answer, bytes]:
        """The answer; its bytes as they came for callers of this wire."""
        answer, message = read_document(arm, raw)
        if _native(request) is not None:
            return answer, raw
        created, model = int(now), arm.upstream_model
        named: dict[str, Any] = {"answer_id": id_of(raw, created), "model": model}
        return answer, to_canonical(answer, message, created=created, **named)

    def reader(self, arm: Arm, request: ChatRequest, *, now: float) -> StreamReader:
        """Reads events, and hands them on as they came to callers of this wire.

        Raises:
            MissingExtraError: botocore is not installed.
        """
        native = _native(request) is not None
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
        body = orjson.loads(self.write_request(arm, request, stream=False))
        counted = {name: body[name] for name in COUNTED if name in body}
        return orjson.dumps({"input": {"converse": counted}})

    def read_count(self, arm: Arm, raw: bytes) -> int:
        """Tokens of the input."""
        try:
            tokens = count(orjson.loads(raw)["inputTokens"])
        except (orjson.JSONDecodeError, KeyError, TypeError):
            tokens = None
        if tokens is None:
            raise ProviderUnavailableError(arm.name, "the answer counts no tokens")
        return tokens

    def _path(self, arm: Arm, operation: str) -> str:
        return f"/model/{quote(arm.upstream_model, safe='')}/{operation}"


def _native(request: ChatRequest) -> Native | None:
    """What the caller sent, where it speaks this wire."""
    native = request.native
    return native if native is not None and native.wire == BEDROCK else None


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
