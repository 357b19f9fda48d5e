from __future__ import annotations

from typing import Any

import orjson

from metallm.core.arm import Arm
from metallm.core.completion import ChatRequest
from metallm.core.wires import ANTHROPIC, OPENAI
from metallm.wire.faces import FACES
from metallm.wire.needs import needs_of
from metallm.wire.wires import WIRES

ASKED = FACES[ANTHROPIC].read_request(
    {
        "model": "auto",
        "messages": [{"role": "user", "content": "hi"}],
        "max_tokens": 9,
        "thinking": {"type": "enabled", "budget_tokens": 2048},
    },
    {},
)
WIRE = WIRES[OPENAI]


def sent(arm: Arm, request: ChatRequest = ASKED) -> dict[str, Any]:
    body: dict[str, Any] = orjson.loads(WIRE.write_request(arm, request, stream=False))
    return body


def test_openais_own_api_gets_the_limit_under_its_newer_name_and_others_the_older() -> None:
    assert sent(Arm("openai/o3"))["max_completion_tokens"] == 9
    assert "max_tokens" not in sent(Arm("openai/o3"))
    assert sent(Arm("mistral/large"))["max_tokens"] == 9
    assert sent(Arm("openai/o3", base_url="http://10.0.0.7/v1"))["max_tokens"] == 9
    own = ChatRequest({"messages": [], "max_tokens": 9})
    assert sent(Arm("openai/o3"), own)["max_tokens"] == 9


def test_thinking_that_is_allowed_is_no_need_and_asked_of_those_that_can() -> None:
    assert needs_of(ASKED, stream=False) == frozenset()
    assert sent(Arm("openai/o3"))["reasoning_effort"] == "low"
    assert "reasoning_effort" not in sent(Arm("openai/gpt-4o", lacks=("reasoning",)))


def test_openais_own_api_has_no_top_k() -> None:
    assert ASKED.native is not None
    asked = ChatRequest({**ASKED.body, "top_k": 3}, native=ASKED.native)
    assert WIRE.obstacle(Arm("openai/o3"), asked) == "OpenAI's API has no top_k"
    assert WIRE.obstacle(Arm("openai/o3", ignores=("top_k",)), asked) is None
    assert WIRE.obstacle(Arm("together/x"), asked) is None


def test_a_limit_that_the_callers_wire_demands_is_brought_down_to_what_the_arm_can_say() -> None:
    small = Arm("together/x", max_output_tokens=5)
    assert sent(small)["max_tokens"] == 5
    assert sent(Arm("together/x", max_output_tokens=50))["max_tokens"] == 9
    own = ChatRequest({"messages": [], "max_tokens": 9})
    assert sent(small, own)["max_tokens"] == 9
    claude = Arm("anthropic/claude-3-haiku-20240307", max_output_tokens=5)
    passed = orjson.loads(WIRES[ANTHROPIC].write_request(claude, ASKED, stream=False))
    assert passed["max_tokens"] == 5


def test_texts_in_parts_are_put_together_and_pictures_stay_in_parts() -> None:
    text = [{"type": "text", "text": "a"}, {"type": "text", "text": "b"}]
    image = {"type": "image", "source": {"type": "url", "url": "https://example.org/a"}}
    body = {
        "model": "auto",
        "system": [{**each, "cache_control": {"type": "ephemeral"}} for each in text],
        "messages": [
            {"role": "user", "content": text},
            {"role": "user", "content": [*text, image]},
        ],
    }
    contents = [
        each["content"]
        for each in sent(Arm("x/m"), FACES[ANTHROPIC].read_request(body, {}))["messages"]
    ]
    assert contents[:2] == ["a\nb", "a\nb"]
    assert [part["type"] for part in contents[2]] == ["text", "text", "image_url"]
