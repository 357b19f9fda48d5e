from __future__ import annotations

import uuid
from collections.abc import Iterator
from typing import Any

import openai
import orjson
import pytest

from gateway.gates import CHAT, HELLO, Gate, gate
from metallm.core.arm import Arm
from metallm.core.completion import ChatRequest
from metallm.errors import (
    AllArmsFailedError,
    ConfigurationError,
    FeedbackConflictError,
    InputError,
    MetaLLMError,
    ProviderAuthError,
    ProviderError,
    ProviderRateLimitError,
    ProviderRejectedError,
    ProviderTimeoutError,
    ProviderUnavailableError,
    StoreBusyError,
    StoreError,
    StreamCutError,
    TableError,
    UnknownArmError,
    UnknownDecisionError,
    UnknownLabelError,
    UnknownPriceError,
)
from metallm.gateway.errors import error_answer
from metallm.providers.scripted import ScriptedProvider
from metallm.store.memory import MemoryStore
from metallm.wire.openai_errors import write_error

LIMIT = ProviderRateLimitError("a/b", "slow down", retry_after_s=1.2)
SOON = ProviderRateLimitError("c/d", "slow down", retry_after_s=0.3)
DOWN = ProviderUnavailableError("a/b", "down")
NEVER = "false"


@pytest.fixture(scope="module")
def idle() -> Iterator[Gate]:
    """A gateway for requests that change nothing, so that they can share it."""
    with gate() as made:
        yield made


@pytest.mark.parametrize(
    ("error", "status", "code", "again"),
    [
        (InputError("x"), 400, "invalid_request", NEVER),
        (TableError("x"), 400, "invalid_request", NEVER),
        (UnknownArmError("x", ["a"]), 404, "model_not_found", NEVER),
        (UnknownDecisionError("x"), 404, "decision_not_found", NEVER),
        (FeedbackConflictError("x", "1", "0"), 409, "feedback_conflict", NEVER),
        (UnknownLabelError("x", ["a"]), 422, "unknown_label", NEVER),
        (ConfigurationError("x"), 500, "configuration_error", NEVER),
        (UnknownPriceError("x"), 500, "configuration_error", NEVER),
        (StoreError("x"), 503, "log_unavailable", None),
        (StoreBusyError("x"), 503, "log_unavailable", None),
        (LIMIT, 429, "rate_limit_exceeded", None),
        (ProviderTimeoutError("a", "x"), 504, "provider_timeout", None),
        (DOWN, 502, "provider_unavailable", None),
        (ProviderAuthError("a", "x", status=401), 502, "provider_key_refused", NEVER),
        (ProviderRejectedError("a", "x", status=422), 422, "provider_rejected", NEVER),
        (ProviderRejectedError("a", "x"), 400, "provider_rejected", NEVER),
        (StreamCutError("a", "x"), 502, "provider_failed", None),
        (ProviderError("a", "x"), 502, "provider_failed", None),
        (AllArmsFailedError([LIMIT, DOWN]), 502, "all_arms_failed", None),
        (AllArmsFailedError([LIMIT, SOON]), 429, "rate_limit_exceeded", None),
        (MetaLLMError("x"), 500, "internal_error", None),
    ],
)
def test_every_error_of_ours_has_a_status_and_a_code(
    error: MetaLLMError, status: int, code: str, again: str | None
) -> None:
    answer = error_answer(error)
    assert answer.status_code == status
    told = orjson.loads(bytes(answer.body))["error"]
    assert set(told) == {"message", "type", "param", "code"}
    assert told["code"] == code
    assert told["message"] == str(error)
    assert answer.headers.get("x-should-retry") == again


@pytest.mark.parametrize(
    ("error", "seconds", "milliseconds"),
    [
        (LIMIT, "2", "1200"),
        (AllArmsFailedError([LIMIT, SOON]), "1", "300"),
        (ProviderRateLimitError("a", "x"), None, None),
        (AllArmsFailedError([LIMIT, DOWN]), None, None),
    ],
)
def test_how_long_to_wait_is_told_where_a_provider_said_so(
    error: MetaLLMError, seconds: str | None, milliseconds: str | None
) -> None:
    headers = error_answer(error).headers
    assert headers.get("retry-after") == seconds
    assert headers.get("retry-after-ms") == milliseconds


def test_a_refusal_is_handed_on_as_the_provider_put_it() -> None:
    body = write_error("too long", kind="invalid_request_error", code="context_length_exceeded")
    error = ProviderRejectedError("a", "refused", status=413, body=body)
    answer = error_answer(error)
    assert (answer.status_code, answer.body) == (413, body)


@pytest.mark.parametrize("body", [b"", b"<html>", b"[]", b"{}"])
def test_a_refusal_in_no_known_shape_is_told_in_ours(body: bytes) -> None:
    answer = error_answer(ProviderRejectedError("a", "refused", status=404, body=body))
    assert answer.status_code == 404
    assert orjson.loads(bytes(answer.body))["error"]["message"] == "arm 'a': refused"


@pytest.mark.parametrize(
    ("failure", "raised"),
    [
        (ProviderRejectedError("sim/dear", "x", status=400), openai.BadRequestError),
        (ProviderRejectedError("sim/dear", "x", status=422), openai.UnprocessableEntityError),
        (ProviderRateLimitError("sim/dear", "x"), openai.RateLimitError),
        (ProviderTimeoutError("sim/dear", "x"), openai.InternalServerError),
        (ProviderUnavailableError("sim/dear", "x"), openai.InternalServerError),
        (ProviderAuthError("sim/dear", "x", status=401), openai.InternalServerError),
    ],
)
def test_the_official_client_raises_its_own_exception(
    failure: ProviderError, raised: type[openai.APIStatusError]
) -> None:
    with gate({"sim/dear": failure}) as made, made.client() as client:
        with pytest.raises(raised) as caught:
            client.chat.completions.create(model="sim/dear", messages=HELLO)
        assert caught.value.request_id is not None
        with pytest.raises(openai.NotFoundError):
            client.chat.completions.create(model="nobody/nothing", messages=HELLO)


def test_the_official_client_waits_as_told_and_asks_again() -> None:
    script: Any = {
        "sim/dear": [ProviderRateLimitError("sim/dear", "x", retry_after_s=0.01), "in the end"]
    }
    with gate(script) as made, made.client(max_retries=1) as client:
        answer = client.chat.completions.create(model="sim/dear", messages=HELLO)
        assert answer.choices[0].message.content == "in the end"


def test_the_official_client_does_not_repeat_what_cannot_help() -> None:
    failure = ProviderAuthError("sim/dear", "the provider refuses our key (401)", status=401)
    with gate({"sim/dear": failure}) as made, made.client(max_retries=3) as client:
        with pytest.raises(openai.InternalServerError, match="refuses our key"):
            client.chat.completions.create(model="sim/dear", messages=HELLO)
        assert made.provider.count() == 1


def test_when_every_arm_fails_all_of_them_are_told() -> None:
    script: Any = {
        "sim/cheap": ProviderUnavailableError("sim/cheap", "gone"),
        "sim/dear": ProviderTimeoutError("sim/dear", "slow"),
    }
    with gate(script) as made:
        reply = made.chat()
        assert (reply.status, reply.error["code"]) == (502, "all_arms_failed")
        assert "gone" in reply.error["message"]
        assert "slow" in reply.error["message"]


@pytest.mark.parametrize(
    ("method", "path", "status", "code"),
    [
        ("GET", CHAT, 405, "method_not_allowed"),
        ("DELETE", "/v1/models", 405, "method_not_allowed"),
        ("GET", "/v1/feedback", 405, "method_not_allowed"),
        ("GET", "/v1/nothing", 404, "unknown_path"),
        ("POST", "/", 404, "unknown_path"),
    ],
)
def test_what_is_not_served_is_told_in_the_same_shape(
    idle: Gate, method: str, path: str, status: int, code: str
) -> None:
    reply = idle.send(method, path)
    assert (reply.status, reply.error["code"]) == (status, code)
    assert reply.headers["x-request-id"]
    assert ("allow" in reply.headers) == (status == 405)


def test_an_unforeseen_error_tells_a_request_id_and_no_internals() -> None:
    def broken(arm: Arm, request: ChatRequest) -> str:
        raise RuntimeError(request.body["messages"])

    with gate(provider=ScriptedProvider(broken)) as made:
        reply = made.send(
            "POST",
            CHAT,
            {"model": "auto", "messages": HELLO},
            headers={"x-request-id": "mine-7"},
        )
        assert (reply.status, reply.error["code"]) == (500, "internal_error")
        assert "mine-7" in reply.error["message"]
        assert reply.headers["x-request-id"] == "mine-7"
        assert b"hello there" not in reply.body
        internal = next(line for line in made.lines() if line["event"] == "internal error")
        assert internal["error"] == "RuntimeError"
        assert internal["request_id"] == "mine-7"
        assert "in broken" in internal["trace"]
        assert "hello there" not in made.log.getvalue()


def test_a_log_that_cannot_be_written_is_told_before_any_arm_is_asked() -> None:
    class Full(MemoryStore):
        def append(self, records: Any) -> Any:
            from concurrent.futures import Future

            done: Future[None] = Future()
            done.set_exception(StoreError("the disk is full"))
            return done

    with gate(store=Full()) as made:
        reply = made.chat()
        assert (reply.status, reply.error["code"]) == (503, "log_unavailable")
        assert made.provider.calls == []


def test_where_the_log_fails_in_between_no_further_arm_is_asked_until_it_writes_again() -> None:
    class Failing(MemoryStore):
        full = False

        def append(self, records: Any) -> Any:
            from concurrent.futures import Future

            if not self.full:
                return super().append(records)
            done: Future[None] = Future()
            done.set_exception(StoreError("the disk is full"))
            return done

    store = Failing()
    with gate(store=store) as made:
        assert made.chat().status == 200
        store.full = True
        assert made.chat().status == 503
        asked = made.provider.count()
        assert [made.chat().status for _ in range(3)] == [503, 503, 503]
        assert made.provider.count() == asked
        store.full = False
        assert [made.chat().status for _ in range(2)] == [200, 200]
        assert made.provider.count() == asked + 2


@pytest.mark.parametrize("sent", ["", "x" * 129, "tab\there", "größe"])
def test_a_request_id_that_is_not_sane_is_replaced(idle: Gate, sent: str) -> None:
    reply = idle.send("GET", "/healthz", headers={"x-request-id": sent})
    assert uuid.UUID(reply.headers["x-request-id"]).version == 4
