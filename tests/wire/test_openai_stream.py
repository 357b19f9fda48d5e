from __future__ import annotations

from typing import Any

import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st

from metallm.core.completion import StreamEvent
from metallm.core.price import Usage
from metallm.errors import StreamCutError
from metallm.wire.openai_stream import DONE, StreamReader, write_chunk
from metallm.wire.sse import write_comment, write_event

USAGE = {"prompt_tokens": 4, "completion_tokens": 2}


def chunk(text: str | None = None, finish: str | None = None, usage: Usage | None = None) -> bytes:
    delta = None if text is None else {"content": text}
    return write_chunk(
        answer_id="x", created=1, model="m", delta=delta, finish_reason=finish, usage=usage
    )


def framed(*payloads: bytes | dict[str, Any]) -> bytes:
    return b"".join(
        write_event(payload if isinstance(payload, bytes) else orjson.dumps(payload))
        for payload in payloads
    )


def read(*chunks: bytes, usage_asked: bool = True) -> list[StreamEvent]:
    reader = StreamReader("arm", usage_asked=usage_asked)
    events = [event for piece in chunks for event in reader.feed(piece)]
    return events + reader.finish()


@given(st.lists(st.text(st.characters(exclude_categories=["Cs"]))), st.integers(1, 40))
def test_a_stream_that_is_written_is_read_back_however_it_is_cut(
    texts: list[str], size: int
) -> None:
    usage = Usage(7, 5, 3, 0, 1)
    payloads = [chunk(text) for text in texts] + [chunk(finish="stop"), chunk(usage=usage)]
    raw = write_comment("beat").join(framed(payload) for payload in payloads) + DONE
    events = read(*(raw[i : i + size] for i in range(0, len(raw), size)))
    assert [event.data for event in events] == payloads
    assert "".join(event.text for event in events) == "".join(texts)
    assert [event.usage for event in events if event.usage] == [usage]


def test_usage_that_the_caller_did_not_ask_for_is_marked() -> None:
    raw = framed(chunk("a", "stop"), chunk(usage=Usage(4, 2))) + DONE
    assert [event.only_usage for event in read(raw, usage_asked=False)] == [False, True]
    assert [event.only_usage for event in read(raw, usage_asked=True)] == [False, False]


def test_usage_on_an_event_with_choices_is_read_and_the_event_passed_on() -> None:
    raw = framed({"choices": [{"index": 0, "finish_reason": "stop"}], "usage": USAGE}) + DONE
    (event,) = read(raw, usage_asked=False)
    assert event.usage == Usage(4, 2)
    assert not event.only_usage


def test_usage_in_groqs_old_place_is_read() -> None:
    raw = framed({"choices": [{"finish_reason": "stop"}], "x_groq": {"usage": USAGE}})
    assert read(raw)[0].usage == Usage(4, 2)


def test_an_event_without_choices_and_usage_is_passed_on() -> None:
    (event,) = read(framed({"choices": [], "prompt_filter_results": []}) + DONE, usage_asked=False)
    assert not event.only_usage
    assert event.usage is None


def test_only_the_first_choices_text_counts_and_odd_choices_are_passed_on() -> None:
    choices = [
        {"index": 0, "delta": {"content": "a"}},
        {"index": 1, "delta": {"content": "b"}},
        {"index": 0, "delta": {"tool_calls": [{"index": 0}]}},
        "odd",
    ]
    (event,) = read(framed({"choices": choices}) + DONE)
    assert event.text == "a"
    assert orjson.loads(event.data)["choices"] == choices


def test_a_finish_reason_makes_an_answer_whole_without_the_last_event() -> None:
    assert len(read(framed(chunk("a"), chunk(finish="stop")))) == 2


@pytest.mark.parametrize(
    "raw",
    [
        b"",
        framed(chunk("a")),
        framed(
            {"choices": [{"index": 0, "delta": {}}, {"index": 1, "delta": {}}]},
            {"choices": [{"index": 0, "finish_reason": "stop"}]},
        ),
    ],
)
def test_a_stream_that_ends_before_its_answer_is_cut(raw: bytes) -> None:
    with pytest.raises(StreamCutError, match="ended before the answer did"):
        read(raw)


@pytest.mark.parametrize(
    ("payload", "told"),
    [
        (b"{", "no JSON"),
        (b"[1]", "no JSON object"),
        (
            b'{"error": {"message": "sk-secret", "type": "server_error", "code": 502}}',
            r"broke off with an error \(server_error, 502\)$",
        ),
        (b'{"error": "overloaded"}', "no kind given"),
    ],
)
def test_an_error_within_a_stream_cuts_it(payload: bytes, told: str) -> None:
    with pytest.raises(StreamCutError, match=told) as raised:
        read(framed(chunk("a"), payload))
    assert raised.value.status == (502 if b"502" in payload else None)


def test_nothing_after_the_last_event_is_read() -> None:
    reader = StreamReader("arm", usage_asked=True)
    assert reader.feed(DONE + framed(b"{")) == []
    assert reader.done
    assert reader.finish() == []
