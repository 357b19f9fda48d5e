from __future__ import annotations

import time

import orjson
import pytest

from metallm.core.wires import GEMINI, OPENAI
from metallm.errors import (
    ProviderAuthError,
    ProviderError,
    ProviderRateLimitError,
    ProviderRejectedError,
    ProviderUnavailableError,
)
from metallm.providers.failures import failure, redact, redact_bytes
from metallm.providers.retry import AttemptError
from metallm.wire.openai_errors import write_error
from metallm.wire.wires import WIRES


def of(status: int, body: bytes = b"", wire: str = OPENAI, **headers: str) -> AttemptError:
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    return failure(
        "openai/gpt-4",
        status,
        named,
        body,
        wire=WIRES[wire],
        answered_in=OPENAI,
        key="the-key-1",
        now=0.0,
    )


@pytest.mark.parametrize(
    ("status", "kind", "again"),
    [
        (301, ProviderUnavailableError, False),
        (400, ProviderRejectedError, False),
        (401, ProviderAuthError, False),
        (402, ProviderAuthError, False),
        (403, ProviderAuthError, False),
        (404, ProviderRejectedError, False),
        (408, ProviderUnavailableError, True),
        (409, ProviderUnavailableError, True),
        (413, ProviderRejectedError, False),
        (422, ProviderRejectedError, False),
        (424, ProviderUnavailableError, True),
        (429, ProviderRateLimitError, True),
        (500, ProviderUnavailableError, True),
        (529, ProviderUnavailableError, True),
    ],
)
def test_every_status_has_its_error(status: int, kind: type[ProviderError], again: bool) -> None:
    failed = of(status)
    assert type(failed.error) is kind
    assert failed.error.status == status
    assert failed.error.arm == "openai/gpt-4"
    assert str(status) in str(failed.error)
    assert failed.again is again


def test_a_rate_limit_tells_how_long_to_wait() -> None:
    failed = of(429, write_error("slow down", kind="rate_limit"), retry_after="12")
    assert isinstance(failed.error, ProviderRateLimitError)
    assert failed.error.retry_after_s == failed.retry_after_s == 12.0
    assert "slow down" in str(failed.error)


def test_a_wait_may_stand_in_the_body_and_a_header_wins() -> None:
    detail = {"retryDelay": "3.5s"}
    body = orjson.dumps({"error": {"code": 429, "message": "x", "details": [detail]}})
    assert of(429, body, GEMINI).retry_after_s == 3.5
    assert of(429, body, GEMINI, retry_after="7").retry_after_s == 7.0


def test_a_refused_key_is_told_as_such_whatever_its_status() -> None:
    detail = {"reason": "API_KEY_INVALID"}
    body = orjson.dumps({"error": {"code": 400, "message": "not valid", "details": [detail]}})
    assert type(of(400, body, GEMINI).error) is ProviderAuthError


def test_an_empty_purse_is_not_asked_again() -> None:
    assert not of(429, write_error("pay", kind="x", code="insufficient_quota")).again
    assert not of(429, write_error("pay", kind="insufficient_quota")).again


def test_the_providers_word_on_retrying_wins() -> None:
    assert not of(500, x_should_retry="false").again
    assert of(400, x_should_retry="true").again
    assert of(500, x_should_retry="perhaps").again


def test_a_refusal_keeps_the_body_and_its_message_never_quotes_the_query() -> None:
    body = write_error("cannot read 'my secret query'", kind="invalid", param="messages", code="c")
    error = of(400, body).error
    assert isinstance(error, ProviderRejectedError)
    assert error.body == body
    assert str(error) == (
        "arm 'openai/gpt-4': the provider refuses this query (400, invalid, c, param messages)"
    )


def test_a_key_appears_neither_in_messages_nor_in_bodies() -> None:
    body = write_error(
        "wrong key the-key-1, or sk-abcdef123456, or sk-pr***************wxyz", kind="x"
    )
    for status in (400, 401, 429, 500):
        error = of(status, body).error
        kept = error.body.decode() if isinstance(error, ProviderRejectedError) else ""
        for part in ("the-key-1", "abcdef", "sk-", "wxyz"):
            assert part not in str(error) + kept


@pytest.mark.parametrize(
    ("text", "hidden"),
    [
        ("Incorrect API key provided: my-key-9.", "Incorrect API key provided: [key]."),
        ("key gsk_12345678 end", "key [key] end"),
        ("AIzaSyA1234567890", "[key]"),
        ("Authorization: Bearer abc.def-123==", "Authorization: Bearer [key]"),
        ("sk-p****************cdef!", "[key]!"),
        ("a risk-averse task-oriented text ** stays", "a risk-averse task-oriented text ** stays"),
    ],
)
def test_what_looks_like_a_key_is_hidden(text: str, hidden: str) -> None:
    assert redact(text, "my-key-9") == hidden


def test_a_very_short_key_does_not_riddle_the_text() -> None:
    assert redact("all is a lie", "a") == "all is a lie"
    assert redact("all", None) == "all"


def test_bytes_keep_whatever_is_no_key() -> None:
    raw = "ä € \x00".encode() + b"\xff\xfe ke\xc3\xbfy"
    assert redact_bytes(raw, None) == raw
    assert redact_bytes(raw, "keÿy") == "ä € \x00".encode() + b"\xff\xfe [key]"


def test_hiding_keys_stays_quick_on_long_bodies() -> None:
    start = time.process_time()
    redact("a" * 64_000, "key-1")
    assert time.process_time() - start < 1.0
