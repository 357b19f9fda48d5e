from __future__ import annotations

import asyncio

import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st

from metallm.core.arm import Arm
from metallm.core.completion import ChatRequest, Completion, StreamEvent
from metallm.core.price import Usage
from metallm.errors import ConfigurationError, ProviderUnavailableError, StreamCutError
from metallm.providers.scripted import Cut, ScriptedProvider, split_text
from metallm.wire.openai_chat import read_answer

A, B = Arm("x/a"), Arm("x/b")
HELLO = ChatRequest({"messages": [{"role": "user", "content": "hello"}]})
ASKS_USAGE = ChatRequest({"stream_options": {"include_usage": True}})


def complete(provider: ScriptedProvider, arm: Arm = A) -> Completion:
    return asyncio.run(provider.complete(arm, HELLO))


async def collect(
    provider: ScriptedProvider, request: ChatRequest = HELLO
) -> tuple[list[StreamEvent], Exception | None]:
    events: list[StreamEvent] = []
    try:
        async for event in provider.stream(A, request):
            events.append(event)  # noqa: PERF401 - what came before an error counts too
    except (StreamCutError, ProviderUnavailableError) as error:
        return events, error
    return events, None


def test_a_text_is_a_whole_answer_that_reads_like_a_real_one() -> None:
    provider = ScriptedProvider({"x/a": "yes"})
    completion = complete(provider)
    assert (completion.arm, completion.text, completion.usage) == ("x/a", "yes", Usage(10, 5))
    answer = read_answer("x/a", completion.raw)
    assert (answer.text, answer.usage, answer.model) == ("yes", Usage(10, 5), "a")


def test_a_list_gives_one_answer_a_call_and_repeats_the_last() -> None:
    down = ProviderUnavailableError("x/a", "down")
    provider = ScriptedProvider({"x/a": ["one", down, "two"], "x/b": "b"})
    assert complete(provider).text == "one"
    assert complete(provider, B).text == "b"
    with pytest.raises(ProviderUnavailableError) as raised:
        complete(provider)
    assert raised.value is down
    assert [complete(provider).text, complete(provider).text] == ["two", "two"]
    assert (provider.count("x/a"), provider.count("x/b"), provider.count()) == (4, 1, 5)
    assert provider.calls[0] == ("x/a", HELLO)


def test_a_function_sees_the_arm_and_the_request() -> None:
    provider = ScriptedProvider(lambda arm, request: f"{arm.name} {len(request.body)}")
    assert complete(provider, B).text == "x/b 1"


def test_a_whole_completion_is_given_as_it_is() -> None:
    completion = Completion("x/a", "t", None, 1.5, b"{}")
    assert complete(ScriptedProvider({"x/a": completion})) is completion
    events, _ = asyncio.run(collect(ScriptedProvider({"x/a": completion})))
    assert [event.usage for event in events] == [None, None]


@pytest.mark.parametrize("answers", [{}, {"x/a": []}])
def test_an_arm_without_a_script_is_a_mistake_of_the_test(answers: dict[str, list[str]]) -> None:
    with pytest.raises(ConfigurationError, match="no answer for arm 'x/a'"):
        complete(ScriptedProvider(answers))


def test_a_stream_gives_words_then_the_finish_then_usage() -> None:
    provider = ScriptedProvider({"x/a": "to be or"})
    events, error = asyncio.run(collect(provider))
    assert error is None
    assert [event.text for event in events] == ["to", " be", " or", "", ""]
    assert orjson.loads(events[3].data)["choices"][0]["finish_reason"] == "stop"
    assert (events[4].usage, events[4].only_usage) == (Usage(10, 5), True)
    events, _ = asyncio.run(collect(provider, ASKS_USAGE))
    assert not events[4].only_usage
    events, _ = asyncio.run(collect(ScriptedProvider({"x/a": "x"}, usage=None)))
    assert len(events) == 2


def test_a_cut_breaks_a_stream_after_its_text() -> None:
    provider = ScriptedProvider({"x/a": Cut("half a")})
    events, error = asyncio.run(collect(provider))
    assert [event.text for event in events] == ["half", " a"]
    assert isinstance(error, StreamCutError)
    with pytest.raises(StreamCutError):
        complete(provider)


def test_an_error_comes_before_the_first_event() -> None:
    provider = ScriptedProvider({"x/a": ProviderUnavailableError("x/a", "down")})
    events, error = asyncio.run(collect(provider))
    assert events == []
    assert isinstance(error, ProviderUnavailableError)


def test_closing_is_noted() -> None:
    provider = ScriptedProvider({})
    asyncio.run(provider.close())
    assert provider.closed


@given(st.text())
def test_pieces_of_a_text_make_the_text_again(text: str) -> None:
    assert "".join(split_text(text)) == text
    assert "" not in split_text(text)
