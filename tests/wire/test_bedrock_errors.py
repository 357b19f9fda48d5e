from __future__ import annotations

import orjson
import pytest

from metallm.wire.bedrock_errors import STATUSES, read_error, status_of, write_error


def test_the_message_is_told_and_the_kind_where_it_stands_in_the_body() -> None:
    told = read_error(b'{"message": "Too many requests, please wait."}')
    assert (told.message, told.type) == ("Too many requests, please wait.", None)
    body = {"__type": "com.amazon.coral.service#ThrottlingException", "message": "x"}
    assert read_error(orjson.dumps(body)).type == "ThrottlingException"
    assert read_error(b"<html>").message == "<html>"
    assert read_error(b"[]").type is None


@pytest.mark.parametrize(("kind", "status"), STATUSES.items())
def test_every_kind_has_its_status_however_it_is_written(kind: str, status: int) -> None:
    assert status_of(kind) == status_of(kind[:1].lower() + kind[1:]) == status


@pytest.mark.parametrize(
    ("status", "kind"),
    [
        (400, "ValidationException"),
        (403, "AccessDeniedException"),
        (418, "ValidationException"),
        (429, "ThrottlingException"),
        (502, "InternalServerException"),
    ],
)
def test_an_error_of_ours_is_told_by_its_status(status: int, kind: str) -> None:
    written = orjson.loads(write_error(b'{"error": {"message": "x"}}', status=status))
    assert written == {"message": "x", "__type": kind}
    own = orjson.dumps(written)
    assert write_error(own, status=status) == own
