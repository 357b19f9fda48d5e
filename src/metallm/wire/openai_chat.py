"""OpenAI's chat completions: requests and whole answers, to and from bytes.

Streams are in `openai_stream`, usage in `openai_usage`, errors in `openai_errors`.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import orjson

from metallm.core.completion import ChatRequest
from metallm.errors import InputError, ProviderUnavailableError
from metallm.wire.base import Answer
from metallm.wire.bodies import written
from metallm.wire.documents import answer_json, answer_object
from metallm.wire.logprobs import tokens_of, with_logprobs
from metallm.wire.merging import merged
from metallm.wire.openai_errors import error_in
from metallm.wire.openai_hosts import for_strict_hosts
from metallm.wire.openai_usage import read_usage, write_usage

if TYPE_CHECKING:
    from collections.abc import Mapping

    from metallm.core.arm import Arm
    from metallm.core.price import Usage

PATH = "/chat/completions"
"""Where an API takes these requests, below its base URL."""


def read_request(raw: bytes) -> ChatRequest:
    """A caller's request, every field of it.

    Raises:
        InputError: no JSON object.
    """
    try:
        body = orjson.loads(raw)
    except orjson.JSONDecodeError as error:
        raise InputError(f"the request's body is no JSON: {error}") from error
    if not isinstance(body, dict):
        raise InputError("the request's body must be a JSON object")
    return ChatRequest(body)


def wants_stream(request: ChatRequest) -> bool:
    """Whether the caller asked for a stream."""
    return request.body.get("stream") is True


def wants_usage(request: ChatRequest) -> bool:
    """Whether the caller asked for the extra event with usage at the end of a stream."""
    options = request.body.get("stream_options")
    return isinstance(options, dict) and options.get("include_usage") is True


def write_request(arm: Arm, request: ChatRequest, *, stream: bool) -> bytes:
    """The body to send upstream: the caller's fields, the arm's fixed options over them.

    The request's answer format goes to an arm that is `structured`, unless either has its own.

    Args:
        arm: names the model and holds the options.
        request: what the caller sent; unknown fields are kept.
        stream: True asks for a stream with usage at its end, whatever the caller asked.

    Raises:
        InputError: a value that JSON cannot carry.
    """
    body = with_logprobs(arm, request, merged(arm, request))
    if request.native is not None:
        body = for_strict_hosts(arm, body)
    if stream:
        options = body.get("stream_options")
        kept = options if isinstance(options, dict) else {}
        body["stream"] = True
        body["stream_options"] = {**kept, "include_usage": True}
    else:
        body.pop("stream", None)
        body.pop("stream_options", None)  # refused where nothing is streamed
    return written(body)


def read_answer(arm: str, raw: bytes, *, logprobs: bool = False) -> Answer:
    """Read a whole answer.

    Args:
        arm: the arm's name, for messages.
        raw: the answer's bytes.
        logprobs: whether its tokens are read too.

    Raises:
        ProviderUnavailableError: no JSON, no choices, or an error in place of an answer.
    """
    document = answer_object(arm, answer_json(arm, raw))
    if (problem := error_in(document)) is not None:
        told = problem.kind or "no kind given"
        raise ProviderUnavailableError(
            arm, f"an error came in place of an answer ({told})", status=problem.status
        )
    choices = document.get("choices")
    if not (isinstance(choices, list) and choices and isinstance(choices[0], dict)):
        raise ProviderUnavailableError(arm, "the answer has no choices")
    message = choices[0].get("message")
    if not isinstance(message, dict):
        raise ProviderUnavailableError(arm, "the answer's first choice has no message")
    return Answer(
        content_text(message.get("content")),
        read_usage(document.get("usage"), document.get("service_tier")),
        _text(document.get("model")),
        _text(choices[0].get("finish_reason")),
        tokens_of(choices[0]) if logprobs else (),
    )


def write_answer(
    *,
    answer_id: str,
    created: int,
    model: str,
    text: str,
    usage: Usage | None = None,
    finish_reason: str = "stop",
    logprobs: Mapping[str, Any] | None = None,
) -> bytes:
    """A whole answer with one choice.

    Args:
        answer_id: what goes under "id".
        created: POSIX seconds.
        model: the model that answered.
        text: what it said.
        usage: billed tokens; left out where None.
        finish_reason: why it ended.
        logprobs: of the text's tokens.
    """
    document: dict[str, Any] = {
        "id": answer_id,
        "object": "chat.completion",
        "created": created,
        "model": model,
        "choices": [
            {
                "index": 0,
                "message": {"role": "assistant", "content": text, "refusal": None},
                "logprobs": logprobs,
                "finish_reason": finish_reason,
            }
        ],
    }
    if usage is not None:
        document["usage"] = write_usage(usage)
    return orjson.dumps(document)


def write_model(name: str, *, created: int, owner: str) -> bytes:
    """One model, as GET /models/{id} answers it.

    Args:
        name: the model.
        created: POSIX seconds.
        owner: who offers it.
    """
    return orjson.dumps(_model(name, created, owner))


def write_models(owners: Mapping[str, str], *, created: int) -> bytes:
    """The list that GET /models answers.

    Args:
        owners: owner by model.
        created: POSIX seconds.
    """
    data = [_model(name, created, owner) for name, owner in owners.items()]
    return orjson.dumps({"object": "list", "data": data})


def _model(name: str, created: int, owner: str) -> dict[str, Any]:
    return {"id": name, "object": "model", "created": created, "owned_by": owner}


def content_text(content: object) -> str:
    """The text of a message's content, which is a string, a list of parts, or nothing."""
    if isinstance(content, str):
        return content
    if isinstance(content, list):
        parts = (part.get("text") for part in content if isinstance(part, dict))
        return "".join(part for part in parts if isinstance(part, str))
    return ""


def _text(value: object) -> str | None:
    return value if isinstance(value, str) else None
