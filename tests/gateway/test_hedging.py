"""Hedges as clients of the gateway see them: the drawn arm never answers, the other does."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator
from pathlib import Path
from typing import Any

import pytest

from doubles import CHEAP, DEAR
from gateway.gates import BOTH, HELLO, Gate, gate
from metallm import Hedge, Router
from metallm.core.arm import Arm
from metallm.core.completion import ChatRequest, Completion, StreamEvent
from metallm.errors import ConfigurationError
from metallm.gateway.aliases import Alias
from metallm.gateway.rules import Rules
from metallm.providers.scripted import ScriptedProvider
from metallm.settings import load_settings
from metallm.wire.faces import FACES


class Stuck(ScriptedProvider):
    """The first call gets no answer; those after it do.

    Attributes:
        cancelled: whether it was given up.
    """

    def __init__(self) -> None:
        super().__init__(BOTH)
        self.begun = 0
        self.cancelled = False

    async def _wait(self) -> None:
        self.begun += 1
        if self.begun > 1:
            return
        try:
            await asyncio.Event().wait()
        except asyncio.CancelledError:
            self.cancelled = True
            raise

    async def complete(self, arm: Arm, request: ChatRequest) -> Completion:
        await self._wait()
        return await super().complete(arm, request)

    async def stream(self, arm: Arm, request: ChatRequest) -> AsyncGenerator[StreamEvent, None]:
        await self._wait()
        async for event in super().stream(arm, request):
            yield event


async def at_once(seconds: float) -> None:
    """Whatever is waited for is late at once."""
    del seconds


def stuck(to: Any = "next", **options: Any) -> Any:
    hedge = Hedge(after_s=1.0, to=to)
    given = {"policy": "fixed:sim/cheap", "hedge": hedge, "sleep": at_once, **options}
    return gate(provider=Stuck(), **given)


def told(made: Gate) -> list[tuple[str, str]]:
    reply = made.send("GET", "/v1/decisions/dec_0").json
    return [(each["kind"], each["arm"]) for each in reply["outcomes"]]


@pytest.mark.parametrize("stream", [False, True])
def test_the_hedge_answers_and_headers_log_and_counts_say_so(stream: bool) -> None:
    with stuck() as made:
        reply = made.chat(stream=stream)
        assert reply.status == 200
        assert reply.headers["x-metallm-arm"] == "sim/dear"
        assert reply.headers["x-metallm-overtaken"] == "sim/cheap"
        assert reply.headers["x-metallm-propensity"] == "1.0"
        assert "x-metallm-overhead-ms" not in reply.headers
        assert made.provider.cancelled
        assert told(made) == [("overtaken", "sim/cheap"), ("completion", "sim/dear")]
        counts = made.send("GET", "/metrics").body.decode()
        assert 'metallm_hedges_total{arm="sim/cheap",won="hedge"} 1.0' in counts
        assert 'metallm_cost_usd_total{arm="sim/cheap"}' in counts
        assert "fell_back" not in counts


def test_the_bill_in_the_headers_is_that_of_both_calls() -> None:
    with stuck() as made:
        reply = made.chat()
        assert reply.headers["x-metallm-cost-estimated"] == "true"
        given_up, answered = made.router.outcomes("dec_0")
        both = (given_up.cost_usd or 0.0) + (answered.cost_usd or 0.0)
        assert float(reply.headers["x-metallm-cost-usd"]) == pytest.approx(both)


def test_an_alias_of_one_arm_is_hedged_by_the_same_and_the_arms_name_is_not() -> None:
    rules = Rules(aliases=(Alias("quick", arms=("sim/cheap",)),))
    with stuck("same", rules=rules) as made:
        reply = made.chat(model="quick")
        assert reply.headers["x-metallm-overtaken"] == reply.headers["x-metallm-arm"] == "sim/cheap"
        made.provider.begun = 5  # answers at once
        assert "x-metallm-overtaken" not in made.chat(model="sim/cheap").headers


def test_anthropics_clients_are_hedged_alike() -> None:
    body = {"model": "auto", "max_tokens": 5, "messages": HELLO}
    with stuck() as made:
        reply = made.send("POST", "/v1/messages", body)
        assert reply.headers["x-metallm-overtaken"] == "sim/cheap"


@pytest.mark.parametrize(
    ("more", "hedged"),
    [
        ({}, True),
        ({"tools": [{"name": "pay", "input_schema": {"type": "object"}}]}, True),
        ({"tools": [{"type": "web_search_20250305", "name": "web_search"}]}, False),
        ({"mcp_servers": [{"type": "url", "url": "https://example.org", "name": "x"}]}, False),
    ],
)
def test_what_runs_at_anthropic_is_asked_for_once(more: dict[str, Any], hedged: bool) -> None:
    body = {"model": "auto", "max_tokens": 5, "messages": HELLO, **more}
    with stuck() as made:
        request = FACES["anthropic"].read_request(body, {})
        assert made.router.caller.hedges(request) == hedged


ARMS = "".join(
    f'[[arms]]\nname = "{arm.name}"\ninput_price = {arm.input_price}\n'
    f"output_price = {arm.output_price}\n"
    for arm in (CHEAP, DEAR)
)


@pytest.mark.parametrize(
    ("section", "hedge"),
    [
        ("", None),
        ("[hedge]\nafter_s = 2.5", Hedge(after_s=2.5)),
        ('[hedge]\nafter_s = { "sim/dear" = 4.0 }', Hedge(after_s={"sim/dear": 4.0})),
        ('[hedge]\nquantile = 0.95\nto = "same"', Hedge(quantile=0.95, to="same")),
    ],
)
def test_settings_describe_a_hedge(tmp_path: Path, section: str, hedge: Hedge | None) -> None:
    path = tmp_path / "metallm.toml"
    path.write_text(f'[store]\npath = ""\n{section}\n{ARMS}', encoding="utf-8")
    settings = load_settings(path)
    assert settings.hedge.hedge() == hedge
    router = Router.from_settings(settings, provider=ScriptedProvider(BOTH))
    assert router.caller.hedges(ChatRequest({"messages": HELLO})) == (hedge is not None)
    router.close()


@pytest.mark.parametrize(
    "fields",
    [
        {},
        {"after_s": 1.0, "quantile": 0.5},
        {"after_s": 0.0},
        {"after_s": {"a": float("nan")}},
        {"quantile": 1.0},
        {"after_s": 1.0, "to": "all"},
    ],
)
def test_a_hedge_that_cannot_work_is_refused(fields: dict[str, Any]) -> None:
    with pytest.raises(ConfigurationError, match="hedge"):
        Hedge(**fields)
