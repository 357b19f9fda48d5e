"""A request's id, from the client to the hosts and back."""

from __future__ import annotations

import uuid
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from gateway.gates import CHAT, HELLO, gate
from metallm.core.arm import Arm
from metallm.providers.http import HttpProvider
from servers import running

NAMES = ("x-request-id", "x-client-request-id")
UUID = "0b0f4c5e-9a8e-4c53-8b3f-1f2ab53c7a10"


class Host:
    """An upstream that notes ids; under /broken it fails."""

    def __init__(self) -> None:
        self.ids: list[tuple[str | None, ...]] = []
        self.app = Starlette(
            routes=[Route("/{kind}/v1/chat/completions", self.answer, methods=["POST"])]
        )

    async def answer(self, request: Request) -> Response:
        self.ids.append(tuple(request.headers.get(name) for name in NAMES))
        if request.path_params["kind"] == "broken":
            return JSONResponse({"error": {"message": "no"}}, 500)
        message = {"role": "assistant", "content": "hi"}
        usage = {"prompt_tokens": 5, "completion_tokens": 1}
        choice = {"index": 0, "message": message, "finish_reason": "stop"}
        return JSONResponse({"object": "chat.completion", "choices": [choice], "usage": usage})


@pytest.mark.parametrize("sent", [{}, {"x-request-id": UUID}, {"x-request-id": "mine-1"}])
def test_every_call_for_a_request_carries_its_id(sent: dict[str, str]) -> None:
    host = Host()
    with running(host.app) as url:
        arms = [
            Arm("sim/broken", 1.0, 1.0, base_url=f"{url}/broken/v1"),
            Arm("sim/whole", 2.0, 2.0, base_url=f"{url}/whole/v1"),
        ]
        provider = HttpProvider(max_retries=1)
        with gate(provider=provider, arms=arms, policy="fixed:sim/broken") as made:
            reply = made.send("POST", CHAT, {"model": "auto", "messages": HELLO}, headers=sent)
            assert (reply.status, reply.headers["x-metallm-arm"]) == (200, "sim/whole")
            told = reply.headers["x-request-id"]
            assert made.lines()[-1]["request_id"] == told
    assert told == sent.get("x-request-id", told)
    # hosts that validate the one take nothing but UUIDs, so that our own are
    whole = None if told == "mine-1" else str(uuid.UUID(told, version=4))
    assert host.ids == [(whole, told)] * 3  # twice the broken one, then the other


def test_requests_at_once_keep_their_ids_apart() -> None:
    host = Host()
    with running(host.app) as url:
        arm = Arm("sim/whole", 1.0, 1.0, base_url=f"{url}/whole/v1")
        with gate(provider=HttpProvider(), arms=[arm]) as made:

            def ask(number: int) -> Any:
                body = {"model": "auto", "messages": HELLO}
                return made.send("POST", CHAT, body, headers={"x-request-id": f"r{number}"})

            with ThreadPoolExecutor(8) as pool:
                told = [reply.headers["x-request-id"] for reply in pool.map(ask, range(24))]
    assert told == [f"r{number}" for number in range(24)]
    assert sorted(host.ids) == sorted((None, each) for each in told)
