"""Our own client before the sandbox, in every wire and with every fault."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Awaitable, Callable
from typing import Any

import pyarrow as pa
import pytest

from metallm.core.arm import Arm
from metallm.core.completion import ChatRequest, StreamEvent
from metallm.core.price import Usage
from metallm.core.wires import ANTHROPIC, BEDROCK, GEMINI, NAMES, OPENAI, RESPONSES
from metallm.errors import (
    ProviderAuthError,
    ProviderError,
    ProviderRateLimitError,
    ProviderRejectedError,
    ProviderTimeoutError,
    ProviderUnavailableError,
    StreamCutError,
)
from metallm.providers.http import HttpProvider
from metallm.sandbox.app import create_app
from metallm.sandbox.doors import DOORS
from metallm.tables.recordings import Recordings
from servers import running

TEXT = "The answer is forty-two, as everyone knows — naturally."
MODEL = "acme/big-v1:0"
RECORDINGS = Recordings.read(
    pa.table(
        {
            "query": ["What is the answer?"],
            "model": [MODEL],
            "response": [TEXT],
            "score": [1.0],
            "input_tokens": [31],
            "output_tokens": [9],
        }
    )
)
REQUEST = ChatRequest({"messages": [{"role": "user", "content": "What is the answer?"}]})
ROOTS = {OPENAI: "/v1", ANTHROPIC: "/v1", GEMINI: "/v1beta", BEDROCK: "", RESPONSES: "/v1"}
SECRETS = {
    "AWS_ACCESS_KEY_ID": "sandbox",
    "AWS_SECRET_ACCESS_KEY": "sandbox",
    "AWS_REGION": "eu-west-1",
}
Scenario = Callable[[HttpProvider, Arm], Awaitable[None]]
wires = pytest.mark.parametrize("wire", NAMES)


def before(
    wire: str,
    scenario: Scenario,
    *,
    environ: dict[str, str] | None = None,
    options: dict[str, Any] | None = None,
    **sandbox: Any,
) -> list[float]:
    """Run a scenario before a sandbox; gives the waits between attempts."""
    waits: list[float] = []

    async def sleep(seconds: float) -> None:
        waits.append(seconds)

    async def main(url: str) -> None:
        provider = HttpProvider(
            environ=SECRETS if environ is None else environ,
            sleep=sleep,
            jitter=lambda: 1.0,
            **(options or {}),
        )
        arm = Arm(f"up/{MODEL}", model=MODEL, base_url=url + ROOTS[wire], wire=wire)
        try:
            await scenario(provider, arm)
        finally:
            await provider.close()

    with running(create_app(RECORDINGS, **sandbox)) as url:
        asyncio.run(main(url))
    return waits


async def collect(provider: HttpProvider, arm: Arm) -> tuple[list[StreamEvent], Exception | None]:
    events: list[StreamEvent] = []
    try:
        async for event in provider.stream(arm, REQUEST):
            events.append(event)  # noqa: PERF401 - what came before an error counts too
    except ProviderError as error:
        return events, error
    return events, None


def test_every_wire_has_doors() -> None:
    assert {door.wire for door in DOORS} == set(NAMES) == set(ROOTS)


@wires
def test_it_is_asked_and_answers_whole_and_streamed(wire: str) -> None:
    async def scenario(provider: HttpProvider, arm: Arm) -> None:
        whole = await provider.complete(arm, REQUEST)
        assert (whole.text, whole.usage, whole.wire) == (TEXT, Usage(31, 9), OPENAI)
        events, error = await collect(provider, arm)
        assert error is None
        assert "".join(event.text for event in events) == TEXT
        assert sum(bool(event.text) for event in events) == 4
        assert [event.usage for event in events if event.usage][-1] == Usage(31, 9)
        counted = await provider.count_tokens(arm, REQUEST)
        assert counted == (None if wire == OPENAI else 31)

    assert before(wire, scenario) == []


@wires
def test_a_limit_tells_how_long_to_wait(wire: str) -> None:
    async def scenario(provider: HttpProvider, arm: Arm) -> None:
        with pytest.raises(ProviderRateLimitError) as raised:
            await provider.complete(arm, REQUEST)
        assert raised.value.retry_after_s == 7.0
        assert isinstance((await collect(provider, arm))[1], ProviderRateLimitError)

    waits = before(wire, scenario, faults={"rate_limit": 1.0}, retry_after_s=7)
    assert waits == [7.0] * 4


@wires
def test_a_failure_is_tried_again_and_told(wire: str) -> None:
    async def scenario(provider: HttpProvider, arm: Arm) -> None:
        with pytest.raises(ProviderUnavailableError, match=r"failed \(500\): the sandbox failed"):
            await provider.complete(arm, REQUEST)

    assert before(wire, scenario, faults={"error": 1.0}) == [0.5, 1.0]


@wires
def test_a_first_token_that_does_not_come_in_time_is_not_waited_for(wire: str) -> None:
    given_up = threading.Event()

    async def scenario(provider: HttpProvider, arm: Arm) -> None:
        events, error = await collect(provider, arm)
        given_up.set()
        assert events == []
        assert isinstance(error, ProviderTimeoutError)

    async def slow(seconds: float) -> None:
        await asyncio.to_thread(given_up.wait, 20)

    limit = {"first_token_timeout_s": 0.1}
    assert before(wire, scenario, options=limit, faults={"slow": 1.0}, sleep=slow) == []


@wires
@pytest.mark.parametrize("fault", ["cut", "malformed"])
def test_a_stream_that_breaks_is_never_taken_for_whole(wire: str, fault: str) -> None:
    async def scenario(provider: HttpProvider, arm: Arm) -> None:
        events, error = await collect(provider, arm)
        text = "".join(event.text for event in events)
        assert TEXT.startswith(text)
        assert len(text) < len(TEXT)
        # where the bytes come at once nothing was passed on, and it is tried again
        assert isinstance(error, StreamCutError if text else ProviderUnavailableError)

    before(wire, scenario, faults={fault: 1.0})


@wires
@pytest.mark.parametrize("fault", ["cut", "malformed"])
def test_an_answer_that_is_no_json_makes_the_arm_unavailable(wire: str, fault: str) -> None:
    async def scenario(provider: HttpProvider, arm: Arm) -> None:
        with pytest.raises(ProviderUnavailableError, match="the answer is no JSON"):
            await provider.complete(arm, REQUEST)

    before(wire, scenario, faults={fault: 1.0})


@pytest.mark.parametrize("wire", [OPENAI, GEMINI, BEDROCK, RESPONSES])
def test_usage_that_is_missing_stays_so(wire: str) -> None:
    async def scenario(provider: HttpProvider, arm: Arm) -> None:
        whole = await provider.complete(arm, REQUEST)
        assert (whole.text, whole.usage) == (TEXT, None)
        events, error = await collect(provider, arm)
        assert error is None
        assert [event.usage for event in events if event.usage] == []

    before(wire, scenario, faults={"no_usage": 1.0})


@wires
def test_usage_beside_the_choices_counts_too(wire: str) -> None:
    async def scenario(provider: HttpProvider, arm: Arm) -> None:
        events, error = await collect(provider, arm)
        assert error is None
        assert "".join(event.text for event in events) == TEXT
        assert [event.usage for event in events if event.usage][-1] == Usage(31, 9)

    before(wire, scenario, faults={"usage_with_choices": 1.0})


@wires
def test_what_was_not_recorded_is_refused(wire: str) -> None:
    async def scenario(provider: HttpProvider, arm: Arm) -> None:
        unknown = ChatRequest({"messages": [{"role": "user", "content": "hello"}]})
        with pytest.raises(ProviderRejectedError) as raised:
            await provider.complete(arm, unknown)
        assert raised.value.status == 404
        assert b"no recorded query is in these messages" in raised.value.body
        assert raised.value.wire == OPENAI

    before(wire, scenario)


def test_a_request_to_bedrock_has_to_be_signed_by_somebody_known() -> None:
    async def scenario(provider: HttpProvider, arm: Arm) -> None:
        with pytest.raises(ProviderAuthError, match="no access key is called 'AKIDEXAMPLE'"):
            await provider.complete(arm, REQUEST)

    before(BEDROCK, scenario, environ={**SECRETS, "AWS_ACCESS_KEY_ID": "AKIDEXAMPLE"})


def test_each_attempt_is_signed_anew() -> None:
    async def scenario(provider: HttpProvider, arm: Arm) -> None:
        await provider.complete(arm, REQUEST)

    for seed in range(20):  # one in which the first attempt fails and the second does not
        if len(before(BEDROCK, scenario, faults={"error": 0.3}, seed=seed)) == 1:
            return
    pytest.fail("no seed drew that")
