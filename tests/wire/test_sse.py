from __future__ import annotations

import itertools

import pytest
from hypothesis import given
from hypothesis import strategies as st

from metallm.wire.sse import SSEReader, write_comment, write_event

PAYLOADS = st.lists(st.text(st.characters(codec="utf-8", exclude_characters="\r\n")), max_size=6)
LINE_ENDS = st.sampled_from([b"\n", b"\r\n", b"\r"])


def read_all(chunks: list[bytes]) -> list[bytes]:
    reader = SSEReader()
    payloads = [payload for chunk in chunks for payload in reader.feed(chunk)]
    return payloads + reader.finish()


def cut(raw: bytes, places: list[int]) -> list[bytes]:
    edges = [0, *sorted(place % (len(raw) + 1) for place in places), len(raw)]
    return [raw[start:end] for start, end in itertools.pairwise(edges)]


@given(PAYLOADS, LINE_ENDS, st.lists(st.integers(min_value=0)), st.booleans())
def test_bytes_cut_anywhere_give_the_events_that_were_written(
    payloads: list[str], line_end: bytes, places: list[int], bom: bool
) -> None:
    raw = b"".join(
        write_comment("still here") + b"event: message\nid: 7\n" + write_event(payload.encode())
        for payload in payloads
    ).replace(b"\n", line_end)
    if bom:
        raw = b"\xef\xbb\xbf" + raw
    assert read_all(cut(raw, places)) == [payload.encode() for payload in payloads]


@given(st.binary(max_size=60), st.lists(st.integers(min_value=0)))
def test_any_bytes_give_the_same_events_however_they_are_cut(raw: bytes, places: list[int]) -> None:
    raw = raw.replace(b"x", b"\ndata:").replace(b"y", b"\r\n\r\n")
    assert read_all(cut(raw, places)) == read_all([raw])


@given(st.text(), st.lists(st.integers(min_value=0)))
def test_a_payload_of_many_lines_comes_back_with_line_feeds(text: str, places: list[int]) -> None:
    raw = text.encode()
    expected = raw.replace(b"\r\n", b"\n").replace(b"\r", b"\n")
    assert read_all(cut(write_event(raw), places)) == [expected]


@pytest.mark.parametrize(
    ("raw", "payloads"),
    [
        (b"data: a\n\n", [b"a"]),
        (b"data:a\n\n", [b"a"]),
        (b"data:  a\n\n", [b" a"]),
        (b"data\n\n", [b""]),
        (b"data: a\ndata\ndata: b\n\n", [b"a\n\nb"]),
        (b"data: a\n\ndata: [DONE]", [b"a", b"[DONE]"]),
        (b"data: a\r\n\r\ndata: b\r\n\r\n", [b"a", b"b"]),
        (b": hello\n\n\n\nretry: 3\n\n", []),
        (b"database: a\n\n", []),
        (b"", []),
        (b"\xef\xbb\xbf", []),
        (b"\xef\xbb", []),
    ],
)
def test_the_format_is_read_as_the_standard_says(raw: bytes, payloads: list[bytes]) -> None:
    assert read_all([raw]) == payloads
    assert read_all([raw[i : i + 1] for i in range(len(raw))]) == payloads


def test_an_event_is_given_as_soon_as_its_empty_line_is_there() -> None:
    reader = SSEReader()
    assert reader.feed(b"data: a\r") == []
    assert reader.feed(b"\n\r") == [b"a"]
    assert reader.feed(b"\n") == []
    assert reader.feed(b"data: b\r\r") == [b"b"]
    assert reader.feed(b"") == []
    assert reader.finish() == []


def test_a_comment_stays_on_one_line() -> None:
    assert write_comment("a\nb\r\ndata: c") == b": a b data: c\n\n"
