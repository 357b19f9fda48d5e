"""An arm that does what clients ask for: calls their tools, fills their schemas, or says hello."""

from __future__ import annotations

from collections.abc import AsyncGenerator, Callable, Iterator, Mapping
from contextlib import contextmanager
from typing import Any

import orjson

from gateway.gates import Gate, gate
from metallm.core.arm import Arm
from metallm.core.completion import ChatRequest, Completion, StreamEvent
from metallm.core.price import Usage
from metallm.providers.scripted import Script, ScriptedProvider, split_text
from metallm.wire.openai_chat import wants_usage, write_answer
from metallm.wire.openai_stream import write_chunk
from metallm.wire.openai_usage import read_usage, write_usage
from metallm.wire.words import fields, objects

VALUES: Mapping[str, Any] = {"string": "Oslo", "integer": 7, "number": 7.5, "boolean": True}
USAGE = Usage(50, 20, 30, reasoning_tokens=8)
HELLO = "hello there, friend"


def filled(schema: Mapping[str, Any]) -> Any:
    """A value that fits a schema, as far as tests have them."""
    if "anyOf" in schema:
        return filled(schema["anyOf"][0])
    kind = schema.get("type", "object")
    if kind == "object":
        return {name: filled(each) for name, each in schema.get("properties", {}).items()}
    return [filled(schema["items"])] if kind == "array" else VALUES[kind]


def calling(arm: Arm, name: str, arguments: Mapping[str, Any], number: int = 0) -> Completion:
    """An answer that calls a tool."""
    function = {"name": name, "arguments": orjson.dumps(arguments).decode()}
    call = {"id": f"call_{number}", "type": "function", "function": function}
    message = {"role": "assistant", "content": None, "tool_calls": [call]}
    choice = {"index": 0, "message": message, "logprobs": None, "finish_reason": "tool_calls"}
    document = {
        "id": "helpful-1",
        "object": "chat.completion",
        "created": 7,
        "model": arm.upstream_model,
        "choices": [choice],
        "usage": write_usage(USAGE),
    }
    return Completion(arm.name, "", USAGE, 0.0, orjson.dumps(document))


def saying(arm: Arm, text: str) -> Completion:
    """An answer that says something."""
    named: Any = {"answer_id": "helpful-1", "created": 7, "model": arm.upstream_model}
    return Completion(arm.name, text, USAGE, 0.0, write_answer(**named, text=text, usage=USAGE))


def helpful(arm: Arm, request: ChatRequest) -> Completion:
    """Calls each tool once, then tells what came of them; fills a schema where one is given."""
    body = request.body
    results = [each for each in body["messages"] if each["role"] == "tool"]
    functions = [tool["function"] for tool in body.get("tools", ())]
    forced = fields(fields(body.get("tool_choice")).get("function")).get("name")
    called = {
        call["function"]["name"]
        for message in body["messages"]
        for call in objects(message.get("tool_calls"))
    }
    for function in functions:
        if function["name"] == forced or (forced is None and function["name"] not in called):
            given = filled(function.get("parameters", {}))
            return calling(arm, function["name"], given, len(results))
    form = fields(body.get("response_format"))
    if form.get("type") == "json_schema":
        return saying(arm, orjson.dumps(filled(form["json_schema"]["schema"])).decode())
    return saying(arm, f"it is {results[-1]['content']}" if results else HELLO)


class Helpful(ScriptedProvider):
    """Streams whole answers of its script, calls too: a text by words, arguments by halves."""

    def __init__(self, script: Script = helpful) -> None:
        super().__init__(script)

    async def stream(self, arm: Arm, request: ChatRequest) -> AsyncGenerator[StreamEvent, None]:
        """The events of the answer that `complete` gives."""
        answer = orjson.loads((await self.complete(arm, request)).raw)
        named: Any = {"answer_id": answer["id"], "created": 7, "model": answer["model"]}
        choice = answer["choices"][0]
        for delta in _deltas(choice["message"]):
            data = write_chunk(**named, delta=delta)
            yield StreamEvent(data, delta.get("content") or "")
        yield StreamEvent(write_chunk(**named, finish_reason=choice["finish_reason"]))
        usage = read_usage(answer["usage"])
        only_usage = not wants_usage(request)
        yield StreamEvent(write_chunk(**named, usage=usage), "", usage, only_usage=only_usage)


def _deltas(message: Mapping[str, Any]) -> Iterator[dict[str, Any]]:
    yield {"role": "assistant", "content": ""}
    for word in split_text(message["content"] or ""):
        yield {"content": word}
    for index, call in enumerate(message.get("tool_calls", ())):
        arguments = call["function"]["arguments"]
        half = len(arguments) // 2
        begun = {**call["function"], "arguments": arguments[:half]}
        yield {"tool_calls": [{**call, "index": index, "function": begun}]}
        rest = {"index": index, "function": {"arguments": arguments[half:]}}
        yield {"tool_calls": [rest]}


@contextmanager
def helpful_gate(script: Callable[[Arm, ChatRequest], Completion] = helpful) -> Iterator[Gate]:
    """A gateway before two helpful arms."""
    with gate(provider=Helpful(script)) as made:
        yield made
