"""AWS's official client, unchanged, before the sandbox and before what our wire writes."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import closing, contextmanager
from typing import Any

import pytest

from clients.official import ANSWER, MODEL, QUESTION, USAGE, Echo, sandbox
from metallm.core.wires import BEDROCK
from servers import running

boto3 = pytest.importorskip("boto3")
config = pytest.importorskip("botocore.config")
eventstream = pytest.importorskip("botocore.eventstream")
exceptions = pytest.importorskip("botocore.exceptions")

ASK: Any = {"modelId": MODEL, "messages": [{"role": "user", "content": [{"text": QUESTION}]}]}
STREAM = "application/vnd.amazon.eventstream"


@pytest.fixture(autouse=True)
def _nothing_of_the_machine(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("AWS_PROFILE", "AWS_BEARER_TOKEN_BEDROCK", "AWS_CONFIG_FILE"):
        monkeypatch.delenv(name, raising=False)


@contextmanager
def client_of(url: str, secret: str = "sandbox", key: str = "sandbox") -> Iterator[Any]:  # noqa: S107 - made up
    made = boto3.client(
        "bedrock-runtime",
        endpoint_url=url,
        region_name="eu-west-1",
        aws_access_key_id=key,
        aws_secret_access_key=secret,
        config=config.Config(retries={"total_max_attempts": 1}, read_timeout=20),
    )
    try:
        yield made
    finally:
        made.close()


def streamed(client: Any) -> list[dict[str, Any]]:
    with closing(client.converse_stream(**ASK)["stream"]) as stream:
        return list(stream)


def test_an_answer_comes_with_its_reason_and_usage() -> None:
    with sandbox() as url, client_of(url) as client:
        answer = client.converse(**ASK)
        assert answer["output"]["message"] == {"role": "assistant", "content": [{"text": ANSWER}]}
        assert answer["stopReason"] == "end_turn"
        assert answer["usage"] == {"inputTokens": 20, "outputTokens": 5, "totalTokens": 25}


def test_a_stream_adds_up_to_the_answer() -> None:
    with sandbox() as url, client_of(url) as client:
        events = streamed(client)
        assert [next(iter(event)) for event in events] == [
            "messageStart",
            *["contentBlockDelta"] * 4,
            "contentBlockStop",
            "messageStop",
            "metadata",
        ]
        pieces = [event["contentBlockDelta"]["delta"]["text"] for event in events[1:5]]
        assert "".join(pieces) == ANSWER
        assert events[-2]["messageStop"]["stopReason"] == "end_turn"
        assert events[-1]["metadata"]["usage"]["inputTokens"] == 20


def test_tokens_are_counted() -> None:
    with sandbox() as url, client_of(url) as client:
        asked = {"converse": {"messages": ASK["messages"]}}
        assert client.count_tokens(modelId=MODEL, input=asked)["inputTokens"] == 20


@pytest.mark.parametrize(
    ("options", "told"), [({"secret": "x"}, "does not fit"), ({"key": "x"}, "no access key")]
)
def test_a_signature_by_another_secret_or_key_is_refused(
    options: dict[str, str], told: str
) -> None:
    with sandbox() as url, client_of(url, **options) as client:
        refused = client.exceptions.AccessDeniedException
        with pytest.raises(refused, match=told):
            client.converse(**ASK)


def test_what_was_not_recorded_is_not_found() -> None:
    with sandbox() as url, client_of(url) as client:
        missing = client.exceptions.ResourceNotFoundException
        with pytest.raises(missing, match="no recorded model"):
            client.converse(**{**ASK, "modelId": "none"})


@pytest.mark.parametrize(
    ("fault", "kind", "wait"),
    [("rate_limit", "ThrottlingException", "3"), ("error", "InternalServerException", None)],
)
def test_failures_come_as_the_classes_of_the_client(
    fault: str, kind: str, wait: str | None
) -> None:
    with sandbox(faults={fault: 1.0}, retry_after_s=3) as url, client_of(url) as client:
        failed = getattr(client.exceptions, kind)
        with pytest.raises(failed, match="as it was told to") as raised:
            client.converse(**ASK)
        headers = raised.value.response["ResponseMetadata"]["HTTPHeaders"]
        assert headers.get("retry-after") == wait
        with pytest.raises(failed):
            client.converse_stream(**ASK)


def test_a_stream_that_is_cut_has_no_end() -> None:
    with sandbox(faults={"cut": 1.0}) as url, client_of(url) as client:
        events = streamed(client)
        assert 0 < len(events) < 5
        assert not any("messageStop" in event for event in events)


def test_a_frame_that_is_broken_is_noticed_by_the_client() -> None:
    with sandbox(faults={"malformed": 1.0}) as url, client_of(url) as client:
        broken = eventstream.ChecksumMismatch
        with pytest.raises(broken):
            streamed(client)


def test_a_missing_usage_is_missing() -> None:
    with sandbox(faults={"no_usage": 1.0}) as url, client_of(url) as client:
        assert "usage" not in client.converse(**ASK)
        events = streamed(client)
        assert next(iter(events[-1])) == "messageStop"


ASKED: Any = {
    **ASK,
    "system": [{"text": "Be brief."}, {"cachePoint": {"type": "default"}}],
    "messages": [
        {
            "role": "user",
            "content": [
                {"text": "What is this?"},
                {"image": {"format": "png", "source": {"bytes": b"hi"}}},
            ],
        },
        {
            "role": "assistant",
            "content": [
                {"toolUse": {"toolUseId": "c1", "name": "weather", "input": {"city": "Ulm"}}}
            ],
        },
        {
            "role": "user",
            "content": [{"toolResult": {"toolUseId": "c1", "content": [{"text": "rain"}]}}],
        },
    ],
    "inferenceConfig": {"maxTokens": 9, "temperature": 0.5, "stopSequences": ["END"]},
    "toolConfig": {
        "tools": [{"toolSpec": {"name": "weather", "inputSchema": {"json": {"type": "object"}}}}],
        "toolChoice": {"any": {}},
    },
}


def test_what_the_client_asks_becomes_canonical() -> None:
    echo = Echo(BEDROCK, STREAM)
    with running(echo) as url, client_of(url) as client:
        client.converse(**ASKED)
    (asked,) = echo.asked
    assert asked.native is not None
    assert asked.native.bound == ()
    system, first, called, result = asked.body["messages"]
    assert system["content"][0]["cache_control"] == {"type": "ephemeral"}
    assert first["content"][1]["image_url"]["url"] == "data:image/png;base64,aGk="
    assert called["tool_calls"][0]["function"]["arguments"] == '{"city":"Ulm"}'
    assert result == {"role": "tool", "tool_call_id": "c1", "content": "rain"}
    assert (asked.body["max_tokens"], asked.body["stop"]) == (9, ["END"])
    assert asked.body["tool_choice"] == "required"


def test_thoughts_and_calls_are_read_by_the_client_whole_and_streamed() -> None:
    with running(Echo(BEDROCK, STREAM)) as url, client_of(url) as client:
        answer = client.converse(**ASK)
        thought, text, first, second = answer["output"]["message"]["content"]
        assert thought["reasoningContent"]["reasoningText"]["text"] == "hm"
        assert text == {"text": "let me see"}
        assert first["toolUse"] == {
            "toolUseId": "call_0",
            "name": "weather",
            "input": {"city": "Ulm"},
        }
        assert second["toolUse"]["input"] == {}
        usage = answer["usage"]
        assert (usage["inputTokens"], usage["cacheReadInputTokens"]) == (20, USAGE.cached_tokens)
        assert answer["stopReason"] == "tool_use"
        events = streamed(client)
        starts = [each["contentBlockStart"] for each in events if "contentBlockStart" in each]
        assert [each["start"]["toolUse"]["name"] for each in starts] == ["weather", "time"]
        inputs = [
            each["contentBlockDelta"]["delta"]["toolUse"]["input"]
            for each in events
            if "toolUse" in each.get("contentBlockDelta", {}).get("delta", {})
        ]
        assert inputs == ['{"city":"Ulm"}', "{}"]
        assert events[-1]["metadata"]["usage"]["cacheReadInputTokens"] == USAGE.cached_tokens


def test_an_exception_within_a_stream_is_raised_by_the_client() -> None:
    with running(Echo(BEDROCK, STREAM, broken=True)) as url, client_of(url) as client:
        raised = exceptions.EventStreamError
        with pytest.raises(raised, match=r"throttlingException.*too many"):
            streamed(client)
