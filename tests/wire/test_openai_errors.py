from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from metallm.wire.openai_errors import WireError, read_error, write_error

NAME = st.from_regex(r"\A[a-z_]{1,20}\Z")


@given(NAME, NAME, st.none() | NAME, st.none() | NAME)
def test_what_is_written_is_read_back(
    message: str, kind: str, param: str | None, code: str | None
) -> None:
    body = write_error(message, kind=kind, param=param, code=code)
    assert read_error(body) == WireError(message, kind, param, code)


@given(st.binary())
def test_no_body_is_too_strange_to_be_read(body: bytes) -> None:
    assert len(read_error(body).message) <= 500


@pytest.mark.parametrize(
    ("body", "error"),
    [
        (b'{"error": {"message": "no", "code": 429}}', WireError("no", code="429")),
        (b'{"error": "no"}', WireError("no")),
        (b'{"message": "no", "type": "t"}', WireError("no", "t")),
        (b'{"detail": [{"loc": "x"}]}', WireError('[{"loc":"x"}]')),
        (
            b'[{"error": {"code": 400, "message": "bad\\nkey", "status": "INVALID_ARGUMENT"}}]',
            WireError("bad key", "INVALID_ARGUMENT", code="400"),
        ),
        (b"<html> Bad\n Gateway</html>", WireError("<html> Bad Gateway</html>")),
        (b"null", WireError("None")),
        (b"\xff", WireError("\ufffd")),
        (b"", WireError("")),
        (b"{}", WireError("")),
    ],
)
def test_hosts_tell_errors_in_many_shapes(body: bytes, error: WireError) -> None:
    assert read_error(body) == error


def test_the_kind_leaves_out_the_free_text() -> None:
    error = WireError("secret text", "invalid_request_error", "max_tokens", "too_large")
    assert error.kind == "invalid_request_error, too_large, param max_tokens"
    assert WireError("secret").kind == ""
    assert error.status is None
    assert WireError(code="503").status == 503
    assert WireError(code="200").status is None
