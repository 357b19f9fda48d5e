"""What every wire keeps to, towards those we ask and those who ask us. A new one joins `ROWS`."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import suppress
from copy import deepcopy
from dataclasses import dataclass
from typing import Any

import orjson
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.strategies import SearchStrategy

from contracts.wire_cases import (
    ODD_ANSWERS,
    ODD_BODIES,
    ODD_EVENTS,
    answers,
    as_events,
    assembled,
    cut,
    fit_for_converse,
    fit_for_responses,
    requests,
    said,
)
from metallm.core.arm import Arm
from metallm.core.completion import ChatRequest, Native, StreamEvent
from metallm.core.wires import ANTHROPIC, BEDROCK, GEMINI, NAMES, OPENAI, RESPONSES
from metallm.errors import InputError, ProviderUnavailableError, StreamCutError
from metallm.wire.base import Face, StreamReader, Wire
from metallm.wire.bedrock_frames import write_frame
from metallm.wire.faces import FACES
from metallm.wire.openai_errors import write_error
from metallm.wire.openai_usage import read_usage
from metallm.wire.sse import write_event
from metallm.wire.wires import WIRES

MANY = 100
FEW = 40
"""For cases that are large and of which every run draws others."""

CONVERSE_EVENTS = ["messageStart", "contentBlockStart", "contentBlockDelta", "contentBlockStop"]
ASKS_USAGE = ChatRequest({"messages": [], "stream_options": {"include_usage": True}})


@dataclass(frozen=True)
class Row:
    """One wire.

    Args:
        name: a name of `core.wires`.
        model: a model that takes all that the cases ask.
        fit: gives a canonical request what this wire demands of it.
        names_model: whether answers name the model.
        frame: an event's JSON as the wire's streams carry it.
    """

    name: str
    model: str
    fit: Callable[[dict[str, Any]], dict[str, Any]] = dict
    names_model: bool = True
    frame: Callable[[bytes], bytes] = write_event

    @property
    def wire(self) -> Wire:
        return WIRES[self.name]

    @property
    def face(self) -> Face:
        return FACES[self.name]

    @property
    def arm(self) -> Arm:
        return Arm("up/arm", model=self.model, wire=self.name)

    def reader(self, request: ChatRequest = ASKS_USAGE) -> StreamReader:
        return self.wire.reader(self.arm, request, now=7.0)

    def stream(self, answer: dict[str, Any]) -> bytes:
        """The bytes of a stream, as the wire's own servers send it."""
        writer = self.face.writer(self.model)
        return b"".join([*map(writer.event, as_events(answer)), writer.end()])

    def native(self, body: dict[str, Any]) -> ChatRequest:
        """A request of a caller who speaks this wire."""
        if self.name == OPENAI:
            return ChatRequest(body)
        return ChatRequest({"messages": []}, native=Native(self.name, body))


ROWS = [
    Row(OPENAI, "gpt-4o"),
    Row(ANTHROPIC, "claude-sonnet-4-5"),
    Row(GEMINI, "gemini-2.5-pro"),
    Row(
        BEDROCK,
        "anthropic.claude-sonnet-4-5-20250929-v1:0",
        fit=fit_for_converse,
        names_model=False,
        frame=lambda raw: b"".join(write_frame(kind, raw) for kind in CONVERSE_EVENTS),
    ),
    Row(RESPONSES, "gpt-5", fit=fit_for_responses),
]
rows = pytest.mark.parametrize("row", ROWS, ids=lambda row: row.name)


def on_every_wire(
    *drawn: SearchStrategy[Any], examples: int = MANY
) -> Callable[[Callable[..., None]], Callable[..., None]]:
    """Tries a law on every wire with the same examples; what fails names its wire.

    To draw a case takes far longer than to try it: each is drawn once and each wire gets a copy.
    """

    def decorate(law: Callable[..., None]) -> Callable[..., None]:
        def test(example: tuple[Any, ...]) -> None:
            for row in ROWS:
                try:
                    law(row, *deepcopy(example))
                except Exception as error:
                    error.add_note(f"on the wire {row.name!r}")
                    raise

        test.__name__ = test.__qualname__ = law.__name__
        return settings(max_examples=examples)(given(st.tuples(*drawn))(test))

    return decorate


def read_all(reader: StreamReader, chunks: list[bytes]) -> list[StreamEvent]:
    return [event for chunk in chunks for event in reader.feed(chunk)] + reader.finish()


def test_every_wire_is_in_the_contract() -> None:
    assert {row.name for row in ROWS} == set(NAMES) == set(FACES) == set(WIRES)


@on_every_wire(requests())
def test_a_request_comes_back_from_the_wire_as_it_was(row: Row, body: dict[str, Any]) -> None:
    body = row.fit(body)
    request = ChatRequest(body)
    assert row.wire.obstacle(row.arm, request) is None
    for stream in (False, True):
        sent = orjson.loads(row.wire.write_request(row.arm, request, stream=stream))
        back = row.face.read_request(sent, {}).body
        assert {name: back[name] for name in body} == body
        assert set(back) - set(body) <= {"model", "stream", "stream_options"}


@on_every_wire(answers())
def test_an_answer_comes_back_from_the_wire_as_it_was(row: Row, answer: dict[str, Any]) -> None:
    raw = row.face.write_answer(orjson.dumps(answer), wire=OPENAI, model="m")
    named = "m" if row.names_model else None
    told, canonical = row.wire.read_answer(row.arm, raw, ASKS_USAGE, now=7.0)
    back = orjson.loads(canonical)
    assert back["choices"] == answer["choices"]
    assert (back["object"], back["created"]) == ("chat.completion", 7)
    assert back["model"] == (named or row.model)
    choice = answer["choices"][0]
    assert told.text == (choice["message"]["content"] or "")
    assert told.usage == read_usage(answer["usage"]) == read_usage(back["usage"])
    assert (told.model, told.finish_reason) == (named, choice["finish_reason"])


@on_every_wire(answers(), st.lists(st.integers(min_value=0), max_size=8))
def test_a_stream_cut_anywhere_adds_up_to_the_answer(
    row: Row, answer: dict[str, Any], places: list[int]
) -> None:
    reader = row.reader()
    events = read_all(reader, cut(row.stream(answer), places))
    assert reader.whole
    assert assembled(events) == said(answer)
    assert "".join(event.text for event in events) == said(answer)["content"]
    assert [each.usage for each in events if each.usage][-1] == read_usage(answer["usage"])
    chunks = [orjson.loads(event.data) for event in events]
    assert {event.wire for event in events} == {OPENAI}
    assert len({(chunk["id"], chunk["model"], chunk["created"]) for chunk in chunks}) == 1
    assert {chunk["object"] for chunk in chunks} == {"chat.completion.chunk"}
    assert chunks[0]["choices"][0]["delta"]["role"] == "assistant"


@on_every_wire(answers())
def test_usage_that_the_caller_did_not_ask_for_is_marked(row: Row, answer: dict[str, Any]) -> None:
    events = read_all(row.reader(ChatRequest({"messages": []})), [row.stream(answer)])
    extra = [event for event in events if not orjson.loads(event.data)["choices"]]
    assert [event.only_usage for event in extra] == [True]


@on_every_wire(answers(), st.integers(min_value=0))
def test_a_stream_that_ends_early_is_cut(row: Row, answer: dict[str, Any], place: int) -> None:
    writer = row.face.writer(row.model)
    frames = [writer.event(event) for event in as_events(answer)[:-2]]
    raw = b"".join(frames)
    part = raw[: place % (len(raw) + 1)]
    with pytest.raises(StreamCutError, match="arm 'up/arm'"):
        read_all(row.reader(), [part])


@rows
def test_an_error_within_a_stream_is_raised_with_its_status(row: Row) -> None:
    body = write_error("too many at once", kind="server_error", code="503")
    frames = row.face.writer(row.model).error(body, status=503)
    with pytest.raises(StreamCutError) as raised:
        read_all(row.reader(), [frames])
    assert raised.value.status is not None
    assert raised.value.status >= 500


@rows
@pytest.mark.parametrize("status", [400, 401, 404, 413, 429, 500, 503])
def test_an_error_keeps_its_words(row: Row, status: int) -> None:
    body = write_error("what went wrong", kind="some_kind")
    told = row.wire.read_error(row.face.write_error(body, status=status))
    assert told.message == "what went wrong"
    assert told.type


@rows
@pytest.mark.parametrize("raw", [b"", b"<html>", b"[]", b"{}", b'{"error": {"message": "x"}}'])
def test_what_is_no_answer_makes_the_arm_unavailable(row: Row, raw: bytes) -> None:
    with pytest.raises(ProviderUnavailableError, match="arm 'up/arm'"):
        row.wire.read_answer(row.arm, raw, ASKS_USAGE, now=7.0)


@on_every_wire(requests(), answers())
def test_between_two_of_one_wire_nothing_is_lost(
    row: Row, body: dict[str, Any], answer: dict[str, Any]
) -> None:
    request = ChatRequest(row.fit(body))
    sent = orjson.loads(row.wire.write_request(row.arm, request, stream=False))
    own = {**sent, "brand_new": {"deep": [1, None]}}
    request = row.native({**own, "model": "auto"})
    passed = orjson.loads(row.wire.write_request(row.arm, request, stream=False))
    assert passed == own  # the arm's model, or none where the URL tells it
    raw = row.face.write_answer(orjson.dumps(answer), wire=OPENAI, model="m")
    assert row.wire.read_answer(row.arm, raw, request, now=7.0)[1] == raw
    for event in read_all(row.wire.reader(row.arm, request, now=7.0), [row.stream(answer)]):
        assert event.wire == row.name


@rows
def test_the_key_is_sent_in_one_header_and_nothing_without_one(row: Row) -> None:
    with_key = row.wire.headers("the-key", ASKS_USAGE)
    assert sum("the-key" in value for value in with_key.values()) == 1
    assert not any("the-key" in value for value in row.wire.headers(None, ASKS_USAGE).values())
    assert row.wire.path(row.arm, stream=True).startswith("/")


@on_every_wire(ODD_BODIES, examples=FEW)
def test_what_is_no_request_is_refused_and_breaks_nothing(row: Row, body: dict[str, Any]) -> None:
    try:
        request = row.face.read_request(dict(body), {})
    except InputError:
        request = ChatRequest(body)
    for each in (request, ChatRequest(body)):
        if row.wire.obstacle(row.arm, each) is None:
            orjson.loads(row.wire.write_request(row.arm, each, stream=False))


@on_every_wire(st.lists(ODD_EVENTS, max_size=4), examples=FEW)
def test_what_is_no_answer_is_told_or_passed_and_breaks_nothing(
    row: Row, documents: list[dict[str, Any]]
) -> None:
    reader = row.reader()
    for document in documents:
        raw = orjson.dumps(document)
        assert row.wire.read_error(raw).message is not None
        with suppress(ProviderUnavailableError):
            row.wire.read_answer(row.arm, raw, ASKS_USAGE, now=7.0)
        try:
            reader.feed(row.frame(raw))
        except StreamCutError:
            return


@on_every_wire(st.lists(ODD_ANSWERS, min_size=1, max_size=3), examples=FEW)
def test_what_a_careless_host_says_is_passed_on(row: Row, documents: list[dict[str, Any]]) -> None:
    writer = row.face.writer("sim/arm")
    for document in documents:
        raw = orjson.dumps(document)
        orjson.loads(row.face.write_answer(raw, wire=OPENAI, model="sim/arm"))
        assert isinstance(writer.event(StreamEvent(raw)), bytes)
    assert writer.end()
