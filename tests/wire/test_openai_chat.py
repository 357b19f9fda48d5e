from __future__ import annotations

from types import MappingProxyType
from typing import Any

import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st

from metallm.core.arm import Arm
from metallm.core.completion import ChatRequest
from metallm.core.price import Usage
from metallm.errors import InputError, ProviderUnavailableError
from metallm.wire.openai_chat import (
    read_answer,
    read_request,
    wants_stream,
    wants_usage,
    write_answer,
    write_model,
    write_models,
    write_request,
)

ARM = Arm("openai/gpt-4", options={"temperature": 0, "extra": MappingProxyType({"a": 1})})
BODY = {
    "model": "auto",
    "messages": [{"role": "user", "content": "hi", "name": "ann"}],
    "temperature": 1,
    "brand_new_field": {"x": [1, None]},
}


def test_a_request_keeps_unknown_fields_and_takes_the_arms_model_and_options() -> None:
    sent = orjson.loads(write_request(ARM, ChatRequest(BODY), stream=False))
    assert sent == {**BODY, "model": "gpt-4", "temperature": 0, "extra": {"a": 1}}
    assert BODY["model"] == "auto"


def test_a_stream_always_asks_for_usage_and_keeps_the_other_stream_options() -> None:
    asked = {**BODY, "stream_options": {"include_usage": False, "include_obfuscation": False}}
    sent = orjson.loads(write_request(ARM, ChatRequest(asked), stream=True))
    assert sent["stream"] is True
    assert sent["stream_options"] == {"include_usage": True, "include_obfuscation": False}
    assert orjson.loads(write_request(ARM, ChatRequest(BODY), stream=True))["stream_options"] == {
        "include_usage": True
    }


def test_a_whole_answer_is_never_asked_for_with_stream_fields() -> None:
    asked = {**BODY, "stream": True, "stream_options": {"include_usage": True}}
    sent = orjson.loads(write_request(ARM, ChatRequest(asked), stream=False))
    assert "stream" not in sent
    assert "stream_options" not in sent


FORMAT = {"type": "json_schema", "json_schema": {"name": "answer", "schema": {}}}


def sent_format(arm: Arm, body: dict[str, Any]) -> object:
    request = ChatRequest({**BODY, **body}, FORMAT)
    return orjson.loads(write_request(arm, request, stream=False)).get("response_format")


def test_an_answer_format_goes_to_arms_that_take_one_and_have_no_other() -> None:
    plain, structured = Arm("a/b"), Arm("a/c", structured=True)
    fixed = Arm("a/d", structured=True, options={"response_format": {"type": "text"}})
    assert sent_format(plain, {}) is None
    assert sent_format(structured, {}) == FORMAT
    assert sent_format(fixed, {}) == {"type": "text"}
    own = {"response_format": {"type": "json_object"}}
    assert sent_format(plain, own) == sent_format(structured, own) == own["response_format"]
    assert "response_format" not in orjson.loads(
        write_request(structured, ChatRequest(BODY), stream=False)
    )


def test_what_json_cannot_carry_is_refused() -> None:
    with pytest.raises(InputError, match="cannot be written as JSON"):
        write_request(ARM, ChatRequest({"messages": object()}), stream=False)


def test_what_the_caller_asked_for_is_read() -> None:
    request = read_request(b'{"stream": true, "stream_options": {"include_usage": true}}')
    assert wants_stream(request)
    assert wants_usage(request)
    for body in ({}, {"stream_options": None}, {"stream_options": {"include_usage": False}}):
        assert not wants_usage(ChatRequest(body))
        assert not wants_stream(ChatRequest(body))


@pytest.mark.parametrize("raw", [b"", b"{", b"[]", b"7"])
def test_a_request_that_is_no_object_is_refused(raw: bytes) -> None:
    with pytest.raises(InputError, match="the request's body"):
        read_request(raw)


@given(st.text(st.characters(exclude_categories=["Cs"])), st.text("abc"), st.booleans())
def test_an_answer_that_is_written_is_read_back(text: str, model: str, billed: bool) -> None:
    usage = Usage(7, 5, 3, 2, 1) if billed else None
    raw = write_answer(
        answer_id="x", created=1, model=model, text=text, usage=usage, finish_reason="length"
    )
    answer = read_answer("arm", raw)
    assert (answer.text, answer.usage, answer.model) == (text, usage, model)
    assert answer.finish_reason == "length"


@pytest.mark.parametrize(
    ("message", "text"),
    [
        ({"content": "hi"}, "hi"),
        ({"content": None, "tool_calls": [{}]}, ""),
        ({}, ""),
        ({"content": [{"type": "text", "text": "a"}, {"type": "image"}, {"text": "b"}]}, "ab"),
    ],
)
def test_the_text_of_an_answer_is_its_first_choices(message: dict[str, Any], text: str) -> None:
    raw = orjson.dumps({"choices": [{"message": message}, {"message": {"content": "no"}}]})
    answer = read_answer("arm", raw)
    assert answer.text == text
    assert answer.usage is None
    assert answer.model is None


@pytest.mark.parametrize(
    ("raw", "told"),
    [
        (b"<html>", "the answer is no JSON"),
        (b"[]", "no JSON object"),
        (b"{}", "no choices"),
        (b'{"choices": []}', "no choices"),
        (b'{"choices": [1]}', "no choices"),
        (b'{"choices": [{}]}', "no message"),
        (
            b'{"error": {"message": "the query said boo", "type": "overloaded", "code": 503}}',
            r"an error came in place of an answer \(overloaded, 503\)$",
        ),
        (b'{"error": "boo"}', "no kind given"),
    ],
)
def test_an_unreadable_answer_makes_the_arm_unavailable(raw: bytes, told: str) -> None:
    with pytest.raises(ProviderUnavailableError, match=told) as raised:
        read_answer("openai/gpt-4", raw)
    assert raised.value.arm == "openai/gpt-4"
    assert raised.value.status == (503 if b"503" in raw else None)


def test_models_are_told_as_the_sdks_expect() -> None:
    model = {"id": "a/b", "object": "model", "created": 5, "owned_by": "a"}
    assert orjson.loads(write_model("a/b", created=5, owner="a")) == model
    listed = orjson.loads(write_models({"a/b": "a"}, created=5))
    assert listed == {"object": "list", "data": [model]}
