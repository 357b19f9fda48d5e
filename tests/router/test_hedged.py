"""Hedges, in a time that passes only when all wait for it."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, Iterator, Mapping
from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from doubles import CHEAP, DEAR, HashEmbedder, counting_ids
from metallm import Arm, Hedge, Router
from metallm.core.completion import ChatRequest, Completion, StreamEvent
from metallm.core.query import Query
from metallm.errors import (
    AllArmsFailedError,
    ConfigurationError,
    ProviderRejectedError,
    ProviderUnavailableError,
)
from metallm.providers.health import FAILURES, FIRST_REST_S
from metallm.providers.resting import RestingProvider
from metallm.providers.scripted import ScriptedProvider
from metallm.router.latencies import Latencies
from metallm.router.waits import LEAST
from timeline import Timeline

BOTH: Mapping[str, Any] = {"sim/cheap": "cheap one", "sim/dear": "dear one"}
BODY = {"messages": [{"role": "user", "content": "hello"}]}


class Slow(ScriptedProvider):
    """Takes its time before it answers.

    Args:
        script: as for `ScriptedProvider`.
        seconds: by arm, of its calls in order; the last holds for all further ones.
        time: what passes.
        away: arms that cannot be asked.

    Attributes:
        begun, ended: arms and times.
        cancelled: arms that were given up.
    """

    def __init__(
        self, script: Any, seconds: Mapping[str, list[float]], time: Timeline, away: Any = ()
    ) -> None:
        super().__init__(script)
        self._seconds = {arm: list(each) for arm, each in seconds.items()}
        self._time = time
        self._away = away
        self.begun: list[tuple[str, float]] = []
        self.cancelled: list[tuple[str, float]] = []

    def obstacles(self, arms: Any, request: ChatRequest, **more: Any) -> Mapping[str, str]:
        away = {arm.name: "is away" for arm in arms if arm.name in self._away and self.begun}
        return {**super().obstacles(arms, request, **more), **away}

    async def _wait(self, arm: Arm) -> None:
        self.begun.append((arm.name, self._time.now))
        left = self._seconds[arm.name]
        try:
            await self._time.sleep(left.pop(0) if len(left) > 1 else left[0])
        except asyncio.CancelledError:
            self.cancelled.append((arm.name, self._time.now))
            raise

    async def complete(self, arm: Arm, request: ChatRequest) -> Completion:
        await self._wait(arm)
        return await super().complete(arm, request)

    async def stream(self, arm: Arm, request: ChatRequest) -> AsyncGenerator[StreamEvent, None]:
        await self._wait(arm)
        async for event in super().stream(arm, request):
            yield event


class Made:
    """A router of a cheap arm that is always drawn and a dear one, and its time."""

    def __init__(
        self,
        hedge: Hedge | None,
        cheap: float | list[float],
        dear: float | list[float] = 1.0,
        script: Any = BOTH,
        **options: Any,
    ) -> None:
        self.time = Timeline()
        seconds = {
            "sim/cheap": cheap if isinstance(cheap, list) else [cheap],
            "sim/dear": dear if isinstance(dear, list) else [dear],
        }
        self.provider = Slow(script, seconds, self.time, options.pop("away", ()))
        self.rests = RestingProvider(self.provider, self.time)
        self.router = Router(
            options.pop("arms", [CHEAP, DEAR]),
            embedder=HashEmbedder(),
            new_id=counting_ids(),
            policy=options.pop("policy", "fixed:sim/cheap"),
            provider=self.rests,
            clock=self.time,
            sleep=self.time.sleep,
            hedge=hedge,
            **options,
        )
        _open.append(self.router)

    def ask(self, **more: Any) -> Any:
        return self.time.run(self.router.complete("hello", **more))

    def streamed(self) -> Any:
        async def whole() -> Any:
            streamed = await self.router.caller.stream(Query.of("hello"), BODY)
            return streamed, "".join([event.text async for event in streamed.events()])

        return self.time.run(whole())

    def told(self, number: int = 0) -> list[tuple[str, str]]:
        return [(each.kind, each.arm) for each in self.router.outcomes(f"dec_{number}")]


_open: list[Router] = []


@pytest.fixture(autouse=True)
def _closed() -> Iterator[None]:
    yield
    while _open:
        _open.pop().close()


AFTER_2 = Hedge(after_s=2.0)


def test_without_a_hedge_nobody_is_asked_beside_a_slow_arm() -> None:
    made = Made(None, cheap=100.0)
    assert made.ask().arm == "sim/cheap"
    assert made.provider.begun == [("sim/cheap", 0.0)]


def test_an_arm_that_answers_in_time_is_asked_alone() -> None:
    made = Made(AFTER_2, cheap=1.9)
    answer = made.ask()
    assert (answer.arm, answer.overtaken, answer.cost_estimated) == ("sim/cheap", None, False)
    assert made.told() == [("completion", "sim/cheap")]


def test_beside_a_late_arm_the_next_is_asked_and_the_first_to_answer_wins() -> None:
    made = Made(AFTER_2, cheap=100.0, dear=1.0)
    answer = made.ask()
    assert (answer.arm, answer.text) == ("sim/dear", "dear one")
    assert made.provider.begun == [("sim/cheap", 0.0), ("sim/dear", 2.0)]
    assert made.provider.cancelled == [("sim/cheap", 3.0)]
    assert made.told() == [("overtaken", "sim/cheap"), ("completion", "sim/dear")]


def test_where_the_late_arm_is_faster_after_all_the_hedge_is_given_up() -> None:
    made = Made(AFTER_2, cheap=2.5, dear=1.0)
    answer = made.ask()
    assert answer.arm == "sim/cheap"
    assert answer.overtaken is not None
    assert (answer.overtaken.arm, answer.overtaken.hedge) == ("sim/dear", True)
    assert made.told() == [("overtaken", "sim/dear"), ("completion", "sim/cheap")]


@pytest.mark.parametrize(("cheap", "arm"), [(100.0, "sim/dear"), (2.5, "sim/cheap")])
def test_a_stream_is_hedged_until_its_first_event(cheap: float, arm: str) -> None:
    made = Made(AFTER_2, cheap=cheap)
    streamed, text = made.streamed()
    assert (streamed.arm, text) == (arm, BOTH[arm])
    assert [kind for kind, _ in made.told()] == ["overtaken", "completion"]
    assert streamed.cost_estimated


def test_the_same_arm_may_be_asked_once_more() -> None:
    made = Made(Hedge(after_s=2.0, to="same"), cheap=[100.0, 1.0])
    answer = made.ask()
    assert answer.arm == "sim/cheap"
    assert made.provider.begun == [("sim/cheap", 0.0), ("sim/cheap", 2.0)]
    assert made.told() == [("overtaken", "sim/cheap"), ("completion", "sim/cheap")]


def test_seconds_by_arm_hedge_those_arms_alone() -> None:
    made = Made(Hedge(after_s={"sim/dear": 2.0}), cheap=100.0)
    assert made.ask().arm == "sim/cheap"
    assert len(made.provider.begun) == 1


def test_a_caller_who_names_an_arm_gets_that_one() -> None:
    made = Made(Hedge(after_s=2.0, to="same"), cheap=100.0)
    query = Query.of("hello")
    answer = made.time.run(made.router.caller.answer(query, BODY, named="sim/cheap"))
    assert answer.arm == "sim/cheap"
    assert len(made.provider.begun) == 1


@pytest.mark.parametrize(
    "more",
    [
        {"tools": [{"type": "mcp", "server_url": "https://example.org"}]},
        {"web_search_options": {"search_context_size": "low"}},
        {"background": True},
    ],
)
def test_what_a_host_would_do_twice_is_asked_once(more: dict[str, Any]) -> None:
    made = Made(AFTER_2, cheap=100.0)
    made.ask(**more)
    assert len(made.provider.begun) == 1


def test_functions_are_the_callers_to_run_and_may_be_asked_for_twice() -> None:
    made = Made(AFTER_2, cheap=100.0)
    tool = {"type": "function", "function": {"name": "pay", "parameters": {"type": "object"}}}
    made.ask(tools=[tool])
    assert len(made.provider.begun) == 2


def test_no_arm_is_asked_as_well_whose_own_options_have_its_host_act() -> None:
    acting = Arm("sim/dear", 10.0, 20.0, options={"web_search_options": {"user_location": "x"}})
    made = Made(AFTER_2, cheap=100.0, arms=[CHEAP, acting])
    made.ask()
    assert len(made.provider.begun) == 1


def test_an_arm_that_is_away_by_then_is_not_asked_as_well() -> None:
    made = Made(AFTER_2, cheap=100.0, away={"sim/dear"})
    assert made.ask().arm == "sim/cheap"
    assert made.told() == [("completion", "sim/cheap")]


SAME = Hedge(after_s=2.0, to="same")


@pytest.mark.parametrize(("room", "calls"), [(1, 1), (2, 2), (None, 2)])
def test_the_same_arm_is_asked_once_more_only_where_it_has_room(
    room: int | None, calls: int
) -> None:
    made = Made(SAME, cheap=[10.0, 1.0], arms=[replace(CHEAP, max_concurrent=room), DEAR])
    assert made.ask().arm == "sim/cheap"
    assert len(made.provider.begun) == calls
    assert len(made.told()) == calls


def test_an_arm_that_is_given_up_again_and_again_rests() -> None:
    made = Made(AFTER_2, cheap=100.0)
    for _ in range(FAILURES):
        assert made.rests.resting() == {}
        assert made.ask().arm == "sim/dear"
    assert made.rests.resting() == {"sim/cheap": FIRST_REST_S}


def test_an_answer_in_between_shows_that_it_is_well() -> None:
    slow = [100.0] * (FAILURES - 1)
    made = Made(AFTER_2, cheap=[*slow, 1.0, *slow, 1.0])
    for _ in range(2 * FAILURES):
        made.ask()
        assert made.rests.resting() == {}


def test_a_hedge_that_is_given_up_says_nothing_of_its_arm() -> None:
    made = Made(AFTER_2, cheap=3.0, dear=100.0)
    for _ in range(2 * FAILURES):
        assert made.ask().arm == "sim/cheap"
    assert made.told() == [("overtaken", "sim/dear"), ("completion", "sim/cheap")]
    assert made.rests.resting() == {}


# -- failures -------------------------------------------------------------------------------------


def down(arm: str) -> ProviderUnavailableError:
    return ProviderUnavailableError(arm, "down", status=503)


def test_a_hedge_that_fails_leaves_the_first_arm_to_answer() -> None:
    made = Made(AFTER_2, cheap=10.0, script={**BOTH, "sim/dear": down("sim/dear")})
    assert made.ask().arm == "sim/cheap"
    assert made.told() == [("failure", "sim/dear"), ("completion", "sim/cheap")]


def test_a_hedge_is_the_fallback_where_the_first_arm_fails() -> None:
    made = Made(AFTER_2, cheap=2.5, dear=5.0, script={**BOTH, "sim/cheap": down("sim/cheap")})
    answer = made.ask()
    assert (answer.arm, answer.overtaken) == ("sim/dear", None)
    assert made.told() == [("failure", "sim/cheap"), ("completion", "sim/dear")]
    assert len(made.provider.begun) == 2


def test_where_both_fail_both_are_told() -> None:
    made = Made(AFTER_2, cheap=2.5, dear=5.0, script={n: down(n) for n in BOTH})
    with pytest.raises(AllArmsFailedError):
        made.ask()
    assert made.told() == [("failure", "sim/cheap"), ("failure", "sim/dear")]


def test_a_query_that_is_refused_ends_the_hedge_too() -> None:
    refused = ProviderRejectedError("sim/cheap", "no", status=400)
    made = Made(AFTER_2, cheap=2.5, dear=5.0, script={**BOTH, "sim/cheap": refused})
    with pytest.raises(ProviderRejectedError):
        made.ask()
    assert made.told() == [("failure", "sim/cheap"), ("overtaken", "sim/dear")]
    assert made.provider.cancelled == [("sim/dear", 2.5)]


def test_an_arm_that_is_fallen_back_to_may_be_hedged_in_its_turn() -> None:
    third = Arm("sim/third", 20.0, 20.0)
    script = {**BOTH, "sim/cheap": down("sim/cheap"), "sim/third": "third one"}
    made = Made(AFTER_2, cheap=1.0, dear=100.0, script=script, arms=[CHEAP, DEAR, third])
    made.provider._seconds["sim/third"] = [1.0]
    made.ask()
    assert [kind for kind, _ in made.told()] == ["failure", "overtaken", "completion"]


def test_a_caller_who_goes_away_cancels_both() -> None:
    made = Made(AFTER_2, cheap=100.0, dear=100.0)

    async def leave() -> None:
        asked = asyncio.ensure_future(made.router.complete("hello"))
        await made.time.sleep(5.0)
        asked.cancel()
        await asyncio.wait([asked])
        assert asked.cancelled()

    made.time.run(leave())
    assert made.provider.cancelled == [("sim/cheap", 5.0), ("sim/dear", 5.0)]
    assert made.told() == [("failure", "sim/cheap"), ("failure", "sim/dear")]


# -- what is told and learned ---------------------------------------------------------------------


def test_both_calls_are_on_the_bill_and_the_given_up_one_is_flagged_as_a_guess() -> None:
    made = Made(AFTER_2, cheap=100.0)
    answer = made.ask()
    given_up, answered = made.router.outcomes("dec_0")
    assert answer.decision.estimates["sim/cheap"].cost_usd == given_up.cost_usd
    assert (given_up.cost_estimated, answered.cost_estimated) == (True, False)
    assert answer.cost_estimated
    bills = [each.cost_usd or 0.0 for each in (given_up, answered)]
    assert answer.cost_usd == pytest.approx(sum(bills))
    assert min(bills) > 0.0
    assert answered.charged_usd == pytest.approx(answer.cost_usd, abs=1e-9)


def test_the_decision_stays_that_of_the_arm_that_was_drawn() -> None:
    made = Made(AFTER_2, cheap=100.0, floor=0.25, seed=2)
    answer = made.ask()
    plain = Made(None, cheap=100.0, floor=0.25, seed=2)
    asked_plainly = plain.ask()
    assert answer.decision.arm == asked_plainly.decision.arm
    assert answer.decision.propensities == asked_plainly.decision.propensities


def test_a_given_up_arm_is_censored_and_a_judgement_is_of_who_answered() -> None:
    made = Made(AFTER_2, cheap=100.0)
    knowledge = made.router.knowledge
    answer = made.ask()
    assert knowledge.outcomes == 0
    judged = made.router.feedback(answer.decision_id, quality=1.0)
    assert (judged.arm, knowledge.outcomes) == ("sim/dear", 1)
    # of costs it knows what it would know had the arm that answered been asked alone
    alone = Made(None, cheap=1.0, arms=[DEAR, CHEAP], policy="fixed:sim/dear")
    alone.ask()
    for name, value in alone.router.knowledge.costs.state().items():
        np.testing.assert_array_equal(knowledge.costs.state()[name], value)
    assert knowledge.latencies.estimate(["sim/cheap", "sim/dear"]).tolist() == [3.0, 0.0]


def test_a_log_with_hedges_is_learned_from_alike_after_a_restart(tmp_path: Any) -> None:
    first = Made(AFTER_2, cheap=[100.0, 1.0], store=tmp_path / "log.db")
    for _ in range(3):
        first.ask()
    known = first.router.knowledge.dump()
    kinds = [first.told(number) for number in range(3)]
    first.router.close()
    again = Made(AFTER_2, cheap=1.0, store=tmp_path / "log.db")
    assert again.router.knowledge.dump() == known
    assert [again.told(number) for number in range(3)] == kinds


def test_a_given_up_call_never_makes_an_arm_look_quicker() -> None:
    latencies = Latencies()
    latencies.update("a", 4.0)
    latencies.at_least("a", 1.0)
    assert latencies.estimate(["a"]).tolist() == [4.0]
    latencies.at_least("a", 10.0)
    assert latencies.estimate(["a"])[0] == pytest.approx(6.0)


# -- by quantile ----------------------------------------------------------------------------------


def test_by_quantile_nothing_is_hedged_until_an_arms_times_are_known() -> None:
    usual = [1.0] * (LEAST - 1) + [1.5]
    made = Made(Hedge(quantile=0.95), cheap=[*usual, 100.0], dear=1.0)
    for _ in range(LEAST):
        assert made.ask().arm == "sim/cheap"
    started = made.time.now
    assert made.ask().arm == "sim/dear"
    assert made.provider.begun[-1] == ("sim/dear", started + 1.0)


def test_times_to_first_events_are_not_those_of_whole_answers() -> None:
    made = Made(Hedge(quantile=0.5), cheap=[1.0] * LEAST + [100.0])
    for _ in range(LEAST):
        made.ask()
    streamed, _ = made.streamed()
    assert streamed.arm == "sim/cheap"


def test_a_classification_is_hedged_too() -> None:
    made = Made(AFTER_2, cheap=100.0, script={"sim/cheap": "no", "sim/dear": "yes"})
    found = made.time.run(made.router.classify("a text", ["yes", "no"]))
    assert (found.label, found.arm, found.cost_estimated) == ("yes", "sim/dear", True)


def test_a_hedge_for_an_arm_that_there_is_not_is_refused() -> None:
    with pytest.raises(ConfigurationError, match="sim/none"):
        Made(Hedge(after_s={"sim/none": 2.0}), cheap=1.0)
