"""The check is held against a client that signs by another's code."""

from __future__ import annotations

from typing import Any

import pytest

from metallm.sandbox.signatures import KNOWN, problem

auth = pytest.importorskip("botocore.auth")
awsrequest = pytest.importorskip("botocore.awsrequest")
credentials = pytest.importorskip("botocore.credentials")

PATH = "/model/anthropic.claude-v1%3A0/converse"
BODY = b'{"messages": []}'


def signed(
    key: str = "sandbox", secret: str = KNOWN["sandbox"], service: str = "bedrock", **more: Any
) -> dict[str, str]:
    url = f"http://127.0.0.1:9100{PATH}"
    request = awsrequest.AWSRequest("POST", url, {"Content-Type": "application/json"}, BODY)
    given = credentials.Credentials(key, secret, **more)
    auth.SigV4Auth(given, service, "us-east-1").add_auth(request)
    headers = {name.lower(): value for name, value in request.headers.items()}
    return {**headers, "host": "127.0.0.1:9100"}


def told(headers: dict[str, str], path: str = PATH, body: bytes = BODY, **options: Any) -> str:
    return problem(path, headers, body, service="bedrock", **options) or ""


def test_what_botocore_signs_is_let_in() -> None:
    assert told(signed()) == ""
    assert told(signed(token="session")) == ""


def test_whatever_is_changed_after_it_was_signed_is_seen() -> None:
    wrong = "the signature does not fit the request"
    assert wrong in told(signed(), body=b"{}")
    assert wrong in told(signed(), path="/model/another/converse")
    assert wrong in told({**signed(), "host": "elsewhere"})
    assert wrong in told({**signed(), "x-amz-date": "20200101T000000Z"})
    assert wrong in told(signed(secret="guessed"))


def test_who_is_not_known_is_told_who_is() -> None:
    assert "'sandbox' with the secret 'sandbox'" in told(signed(key="AKIDEXAMPLE"))
    assert told(signed(key="AKIDEXAMPLE", secret="s"), secrets={"AKIDEXAMPLE": "s"}) == ""


@pytest.mark.parametrize("given", ["", "Bearer guessed", "AWS4-HMAC-SHA256 Credential=x"])
def test_what_is_not_signed_is_told(given: str) -> None:
    assert "the request is not signed" in told({"authorization": given})


def test_a_signature_for_another_service_is_refused() -> None:
    assert "has to be for 'bedrock'" in told(signed(service="s3"))


def test_the_host_has_to_be_signed() -> None:
    headers = signed()
    bare = headers["authorization"].replace("content-type;host;x-amz-date", "content-type")
    assert "cover host, x-amz-date" in told({**headers, "authorization": bare})


def test_a_key_of_bedrocks_is_let_in_too() -> None:
    assert told({"authorization": "Bearer sandbox"}) == ""
