from __future__ import annotations

import orjson
import pytest

from metallm.wire.gemini_errors import read_error, write_error

LIMITED = {
    "error": {
        "code": 429,
        "message": "You exceeded your current quota.",
        "status": "RESOURCE_EXHAUSTED",
        "details": [
            {"@type": "type.googleapis.com/google.rpc.QuotaFailure", "violations": []},
            {"@type": "type.googleapis.com/google.rpc.RetryInfo", "retryDelay": "34.07s"},
        ],
    }
}


@pytest.mark.parametrize("body", [LIMITED, [LIMITED]], ids=["object", "list"])
def test_a_limit_tells_how_long_to_wait(body: object) -> None:
    told = read_error(orjson.dumps(body))
    assert told.message == "You exceeded your current quota."
    assert (told.type, told.code) == ("RESOURCE_EXHAUSTED", None)
    assert told.retry_after_s == 34.07


def test_a_refused_key_has_a_reason() -> None:
    info = {"@type": "type.googleapis.com/google.rpc.ErrorInfo", "reason": "API_KEY_INVALID"}
    error = {"code": 400, "message": "API key not valid.", "status": "INVALID_ARGUMENT"}
    told = read_error(orjson.dumps({"error": {**error, "details": [info]}}))
    assert (told.code, told.retry_after_s) == ("API_KEY_INVALID", None)


def test_other_bodies_are_read_as_far_as_they_go() -> None:
    assert read_error(b"<html>").message == "<html>"
    assert read_error(b'{"error": {"details": [1, {"retryDelay": "soon"}]}}').retry_after_s is None


def test_an_error_of_its_own_is_given_back_as_it_is() -> None:
    own = orjson.dumps(LIMITED)
    assert write_error(own, status=429) == own
    written = orjson.loads(write_error(b'{"error": {"message": "x"}}', status=418))
    assert written == {"error": {"code": 418, "message": "x", "status": "INVALID_ARGUMENT"}}
