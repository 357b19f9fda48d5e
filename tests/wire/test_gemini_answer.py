from __future__ import annotations

from typing import Any

import orjson
import pytest

from metallm.core.arm import Arm
from metallm.core.completion import ChatRequest
from metallm.core.wires import GEMINI, OPENAI
from metallm.errors import ProviderUnavailableError
from metallm.wire.base import Answer
from metallm.wire.faces import FACES
from metallm.wire.wires import WIRES

ARM = Arm("gemini/gemini-2.5-flash")


def candidate(*parts: dict[str, Any], why: str = "STOP", **fields: Any) -> dict[str, Any]:
    content = {"role": "model", "parts": list(parts)}
    return {"content": content, "finishReason": why, "index": 0, **fields}


def read(*candidates: dict[str, Any], **fields: Any) -> tuple[Answer, dict[str, Any]]:
    document = {"candidates": list(candidates), "responseId": "r1", "modelVersion": "gemini-x"}
    raw = orjson.dumps({**document, **fields})
    answer, told = WIRES[GEMINI].read_answer(ARM, raw, ChatRequest({"messages": []}), now=7.9)
    return answer, orjson.loads(told)


def test_thoughts_stand_apart_from_the_answer() -> None:
    answer, told = read(candidate({"text": "hm", "thought": True}, {"text": "he"}, {"text": "y"}))
    message = told["choices"][0]["message"]
    assert (message["reasoning_content"], message["content"], answer.text) == ("hm", "hey", "hey")
    assert (told["id"], told["model"], told["created"]) == ("r1", "gemini-x", 7)


def test_calls_have_ids_whether_the_host_gives_them_or_not_and_keep_their_signature() -> None:
    answer, told = read(
        candidate(
            {"functionCall": {"name": "f", "args": {"a": 1}}, "thoughtSignature": "c2ln"},
            {"functionCall": {"name": "g", "id": "mine"}},
        )
    )
    first, second = told["choices"][0]["message"]["tool_calls"]
    assert first == {
        "id": "call_0_r1",
        "type": "function",
        "function": {"name": "f", "arguments": '{"a":1}'},
        "extra_content": {"google": {"thought_signature": "c2ln"}},
    }
    assert (second["id"], second["function"]["arguments"]) == ("mine", "{}")
    assert told["choices"][0]["message"]["content"] is None
    assert (answer.finish_reason, answer.text) == ("tool_calls", "")
    back = orjson.loads(FACES[GEMINI].write_answer(orjson.dumps(told), wire=OPENAI, model="m"))
    assert back["candidates"][0]["content"]["parts"][0]["thoughtSignature"] == "c2ln"


def test_ids_of_calls_are_never_longer_than_other_hosts_take() -> None:
    _, told = read(candidate({"functionCall": {"name": "f"}}), responseId="x" * 90)
    assert len(told["choices"][0]["message"]["tool_calls"][0]["id"]) == 40


@pytest.mark.parametrize(
    ("why", "reason"),
    [
        ("STOP", "stop"),
        ("MAX_TOKENS", "length"),
        ("SAFETY", "content_filter"),
        ("RECITATION", "content_filter"),
        ("BLOCKLIST", "content_filter"),
        ("PROHIBITED_CONTENT", "content_filter"),
        ("SPII", "content_filter"),
        ("MALFORMED_FUNCTION_CALL", "stop"),
        ("SOMETHING_NEW", "stop"),
    ],
)
def test_why_it_ended(why: str, reason: str) -> None:
    assert read(candidate({"text": "so far"}, why=why))[0].finish_reason == reason


def test_a_filtered_answer_without_content_is_one_all_the_same() -> None:
    answer, told = read({"finishReason": "SAFETY", "index": 0})
    assert (answer.text, answer.finish_reason) == ("", "content_filter")
    assert told["choices"][0]["message"]["content"] == ""


def test_a_blocked_prompt_is_a_refusal_that_says_so() -> None:
    raw = orjson.dumps(
        {"promptFeedback": {"blockReason": "SAFETY"}, "usageMetadata": {"promptTokenCount": 4}}
    )
    answer, told = WIRES[GEMINI].read_answer(ARM, raw, ChatRequest({"messages": []}), now=7.0)
    choice = orjson.loads(told)["choices"][0]
    assert (answer.text, answer.finish_reason) == ("", "content_filter")
    assert choice["message"]["refusal"] == "the provider blocks this prompt (SAFETY)"
    assert choice["message"]["content"] is None
    assert answer.usage is not None
    assert answer.usage.input_tokens == 4


@pytest.mark.parametrize("why", ["MALFORMED_FUNCTION_CALL", "UNEXPECTED_TOOL_CALL", "OTHER"])
def test_a_model_that_lost_its_way_leaves_the_query_to_another(why: str) -> None:
    with pytest.raises(ProviderUnavailableError, match=rf"failed within its answer \({why}\)"):
        read(candidate(why=why))


def test_an_error_in_place_of_an_answer_brings_its_status() -> None:
    raw = b'[{"error": {"code": 503, "message": "busy", "status": "UNAVAILABLE"}}]'
    with pytest.raises(ProviderUnavailableError, match=r"\(UNAVAILABLE\)") as raised:
        WIRES[GEMINI].read_answer(ARM, raw, ChatRequest({"messages": []}), now=7.0)
    assert raised.value.status == 503


def test_several_candidates_are_several_choices() -> None:
    answer, told = read(candidate({"text": "a"}), candidate({"text": "b"}, why="MAX_TOKENS"))
    assert [each["index"] for each in told["choices"]] == [0, 1]
    assert [each["message"]["content"] for each in told["choices"]] == ["a", "b"]
    assert [each["finish_reason"] for each in told["choices"]] == ["stop", "length"]
    assert answer.text == "a"


def test_log_probabilities_are_told_as_openai_tells_them() -> None:
    chosen = {"token": "yes", "logProbability": -0.1, "tokenId": 3}
    other = {"token": "nö", "logProbability": -2.5}
    result = {"chosenCandidates": [chosen], "topCandidates": [{"candidates": [chosen, other]}]}
    _, told = read(candidate({"text": "yes"}, logprobsResult=result))
    (token,) = told["choices"][0]["logprobs"]["content"]
    assert (token["token"], token["logprob"], token["bytes"]) == ("yes", -0.1, [121, 101, 115])
    assert [(each["token"], each["logprob"]) for each in token["top_logprobs"]] == [
        ("yes", -0.1),
        ("nö", -2.5),
    ]
