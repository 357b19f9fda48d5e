"""Where the sandbox is asked, in each wire: paths, and what they say of a request."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from metallm.core.wires import ANTHROPIC, BEDROCK, GEMINI, OPENAI, RESPONSES
from metallm.errors import InputError
from metallm.sandbox.signatures import problem
from metallm.wire.bedrock_errors import kind_of
from metallm.wire.openai_chat import read_request

if TYPE_CHECKING:
    from starlette.requests import Request

EVENTS = "text/event-stream"


@dataclass(frozen=True, slots=True)
class Door:
    """One path.

    Args:
        path: with {model} where the model stands in it.
        wire: what is spoken there.
        stream: whether streams are asked for there; None where the body tells.
        media_type: of streams.
        within: where the request stands in a body that asks for a count.
        counted: what the answer to such a body is called; None where an answer is asked for.
    """

    path: str
    wire: str
    stream: bool | None = None
    media_type: str = EVENTS
    within: tuple[str, ...] = ()
    counted: str | None = None


_GEMINI = tuple(f"/{version}/models/{{model:path}}" for version in ("v1", "v1beta"))
_BEDROCK = "/model/{model:path}"

DOORS = (
    Door("/v1/chat/completions", OPENAI),
    Door("/v1/responses", RESPONSES),
    Door("/v1/responses/input_tokens", RESPONSES, counted="input_tokens"),
    Door("/v1/messages", ANTHROPIC),
    Door("/v1/messages/count_tokens", ANTHROPIC, counted="input_tokens"),
    *(Door(f"{root}:generateContent", GEMINI, stream=False) for root in _GEMINI),
    *(Door(f"{root}:streamGenerateContent", GEMINI, stream=True) for root in _GEMINI),
    *(
        Door(
            f"{root}:countTokens",
            GEMINI,
            within=("generateContentRequest",),
            counted="totalTokens",
        )
        for root in _GEMINI
    ),
    Door(f"{_BEDROCK}/converse", BEDROCK, stream=False),
    Door(
        f"{_BEDROCK}/converse-stream",
        BEDROCK,
        stream=True,
        media_type="application/vnd.amazon.eventstream",
    ),
    Door(f"{_BEDROCK}/count-tokens", BEDROCK, within=("input", "converse"), counted="inputTokens"),
)


def read_body(door: Door, request: Request, raw: bytes) -> dict[str, Any]:
    """The request's JSON, with what its URL says under "model" and "stream".

    Raises:
        InputError: no JSON object.
    """
    body = dict(read_request(raw).body)
    for name in door.within:
        inner = body.get(name, body)
        if not isinstance(inner, dict):
            raise InputError(f"{name} must be a JSON object")
        body = dict(inner)
    if "model" in request.path_params:
        body["model"] = request.path_params["model"]
        body["stream"] = door.stream
    return body


def unsigned(door: Door, request: Request, raw: bytes) -> str | None:
    """Why a request is not let in; None where it is, or where anybody is."""
    if door.wire != BEDROCK:
        return None
    path = request.scope["raw_path"].decode()
    return problem(path, request.headers, raw, service="bedrock")


def error_headers(wire: str, status: int) -> dict[str, str]:
    """Headers that tell of an error."""
    return {"x-amzn-ErrorType": kind_of(status)} if wire == BEDROCK else {}
