from __future__ import annotations

import asyncio
from collections.abc import Iterator
from typing import Any

import pytest

import metallm
from doubles import CHEAP, DEAR, HashEmbedder, counting_ids
from metallm.assembly import Router
from metallm.core.completion import StreamEvent
from metallm.core.price import Usage
from metallm.core.query import Query
from metallm.errors import (
    AllArmsFailedError,
    ConfigurationError,
    InputError,
    ProviderRejectedError,
    ProviderUnavailableError,
    StreamCutError,
    UnfitArmError,
    UnknownLabelError,
)
from metallm.providers.scripted import Cut, ScriptedProvider

LABELS = ["positive", "negative"]


_opened: list[Router] = []


@pytest.fixture(autouse=True)
def _closed() -> Iterator[None]:
    yield
    while _opened:
        _opened.pop().close()


def _router(script: Any, **options: Any) -> Router:
    usage = options.pop("usage", Usage(input_tokens=1000, output_tokens=100))
    provider = options.pop("provider", ScriptedProvider(script, usage=usage))
    router = metallm.Router(
        options.pop("arms", [CHEAP, DEAR]),
        embedder=HashEmbedder(),
        clock=lambda: 0.0,
        new_id=counting_ids(),
        provider=provider,
        **options,
    )
    _opened.append(router)
    return router


def _down(arm: str) -> ProviderUnavailableError:
    return ProviderUnavailableError(arm, "503 from the provider", status=503)


async def _events(router: Router, body: dict[str, Any]) -> list[StreamEvent]:
    query = Query.of(body["messages"])
    streamed = await router.caller.stream(query, body)
    return [event async for event in streamed.events()]


def test_an_answer_is_billed_by_its_usage_and_logged() -> None:
    router = _router({"sim/dear": "fine"}, policy="fixed:sim/dear")
    answer = router.complete_sync("how are you?", max_tokens=5)
    assert (answer.text, answer.arm) == ("fine", "sim/dear")
    assert answer.cost_usd == pytest.approx(1000 * 10e-6 + 100 * 20e-6)
    (outcome,) = router.outcomes(answer.decision_id)
    assert outcome.kind == "completion"
    assert outcome.cost_usd == answer.cost_usd
    assert (outcome.input_tokens, outcome.output_tokens) == (1000, 100)


def test_further_fields_go_upstream_as_they_are() -> None:
    provider = ScriptedProvider({"sim/cheap": "ok", "sim/dear": "ok"})
    router = _router({}, provider=provider)
    router.complete_sync([{"role": "user", "content": "hi"}], max_tokens=5, seed=3)
    ((_, request),) = provider.calls
    assert request.body["max_tokens"] == 5
    assert request.body["seed"] == 3
    assert request.body["messages"] == [{"role": "user", "content": "hi"}]


def test_without_usage_the_bill_is_a_guess_and_says_so() -> None:
    router = _router({"sim/dear": "abcd" * 25}, policy="fixed:sim/dear", usage=None)
    answer = router.complete_sync("x" * 400)
    assert answer.cost_estimated
    assert answer.cost_usd == pytest.approx(100 * 10e-6 + 25 * 20e-6)


def test_an_arm_of_unknown_price_is_never_billed_0() -> None:
    arm = metallm.Arm("sim/odd", price="unknown")
    router = _router({"sim/odd": "ok"}, arms=[arm])
    assert router.complete_sync("hello").cost_usd is None


def test_labels_are_read_from_answers_and_true_labels_teach() -> None:
    router = _router({"sim/cheap": "Positive.", "sim/dear": "negative"}, policy="fixed:sim/cheap")
    right = router.classify_sync("a delight", LABELS)
    assert (right.label, right.arm, right.text) == ("positive", "sim/cheap", "Positive.")
    assert router.feedback(right.decision_id, label="positive").quality == 1.0
    wrong = router.classify_sync("a bore", LABELS, task="reviews")
    assert router.feedback(wrong.decision_id, label="negative").quality == 0.0
    assert router.decision(wrong.decision_id).task == "reviews"
    with pytest.raises(UnknownLabelError, match="'meh' is not one of the labels"):
        router.feedback(wrong.decision_id, label="meh")


def test_what_is_embedded_is_the_text_and_not_the_prompt_around_it() -> None:
    router = _router({"sim/cheap": "positive", "sim/dear": "positive"}, log_prompts=True)
    done = router.classify_sync("a delight", LABELS)
    assert router.decision(done.decision_id).text == "a delight"


def test_an_unreadable_answer_is_kept_and_counts_as_wrong() -> None:
    router = _router({"sim/cheap": "who knows", "sim/dear": "who knows"})
    done = router.classify_sync("a delight", LABELS)
    assert done.label is None
    assert done.text == "who knows"
    assert router.feedback(done.decision_id, label="positive").quality == 0.0


def test_the_next_best_arm_answers_where_the_first_fails() -> None:
    router = _router({"sim/cheap": _down("sim/cheap"), "sim/dear": "here"})
    for number in range(20):
        answer = router.complete_sync(f"hello {number}")
        assert answer.arm == "sim/dear"
        kinds = [(o.kind, o.arm) for o in router.outcomes(answer.decision_id)]
        if answer.decision.arm == "sim/cheap":
            assert kinds == [("failure", "sim/cheap"), ("completion", "sim/dear")]
    assert router.knowledge.outcomes == 0


def test_feedback_after_a_fallback_judges_the_arm_that_answered() -> None:
    router = _router({"sim/cheap": _down("sim/cheap"), "sim/dear": "here"})
    answer = next(
        a
        for a in (router.complete_sync(f"hello {n}") for n in range(50))
        if a.decision.arm == "sim/cheap"
    )
    assert router.feedback(answer.decision_id, quality=1.0).arm == "sim/dear"


def test_where_every_arm_fails_each_failure_is_told() -> None:
    router = _router({name: _down(name) for name in ("sim/cheap", "sim/dear")})
    with pytest.raises(AllArmsFailedError, match="no arm answered") as caught:
        router.complete_sync("hello")
    assert {failure.arm for failure in caught.value.failures} == {"sim/cheap", "sim/dear"}


def test_a_query_that_is_refused_as_such_is_not_sent_to_the_next_arm() -> None:
    refused = ProviderRejectedError("sim/cheap", "too long", status=400, body=b"{}")
    provider = ScriptedProvider({"sim/cheap": refused, "sim/dear": refused})
    router = _router({}, provider=provider)
    with pytest.raises(ProviderRejectedError):
        router.complete_sync("hello")
    assert provider.count() == 1


def test_where_every_arm_refuses_the_query_the_caller_gets_the_refusal() -> None:
    refused = ProviderRejectedError("sim/dear", "no such thing", status=404, body=b"{}")
    provider = ScriptedProvider({"sim/cheap": refused, "sim/dear": refused})
    router = _router({}, provider=provider)
    with pytest.raises(ProviderRejectedError) as caught:
        router.complete_sync("hello")
    assert caught.value.status == 404
    assert provider.count() == 2


def test_a_stream_is_passed_on_and_billed_at_its_end() -> None:
    router = _router({"sim/cheap": "one two three", "sim/dear": "one two three"})
    body = {"messages": [{"role": "user", "content": "count"}], "stream": True}
    events = asyncio.run(_events(router, body))
    assert "".join(event.text for event in events) == "one two three"
    (outcome,) = router.outcomes("dec_0")
    price = router.arms[outcome.arm].list_price
    assert price is not None
    assert outcome.cost_usd == pytest.approx(price.cost_usd(Usage(1000, 100)))


def test_a_stream_that_breaks_off_is_an_error_and_teaches_nothing() -> None:
    router = _router({"sim/cheap": Cut("half an"), "sim/dear": Cut("half an")})
    body = {"messages": [{"role": "user", "content": "count"}], "stream": True}
    with pytest.raises(StreamCutError):
        asyncio.run(_events(router, body))
    (outcome,) = router.outcomes("dec_0")
    assert outcome.kind == "failure"
    assert outcome.cost_estimated
    assert outcome.error is not None
    assert router.knowledge.mean_costs_usd() == pytest.approx(
        _router({}).knowledge.mean_costs_usd()
    )


def test_a_caller_that_leaves_a_stream_is_billed_for_what_came() -> None:
    router = _router({"sim/cheap": "one two three", "sim/dear": "one two three"})

    async def leave() -> None:
        body = {"messages": [{"role": "user", "content": "count"}], "stream": True}
        streamed = await router.caller.stream(Query.of("count"), body)
        events = streamed.events()
        await anext(events)
        await events.aclose()

    asyncio.run(leave())
    (outcome,) = router.outcomes("dec_0")
    assert outcome.kind == "failure"
    assert outcome.error is not None
    assert "went away" in outcome.error


def test_a_stream_falls_back_before_its_first_event() -> None:
    router = _router({"sim/cheap": _down("sim/cheap"), "sim/dear": "here"})
    body = {"messages": [{"role": "user", "content": "count"}], "stream": True}
    for _ in range(10):
        events = asyncio.run(_events(router, body))
        assert "".join(event.text for event in events) == "here"


def test_the_synchronous_doors_refuse_to_run_inside_a_loop() -> None:
    router = _router({"sim/cheap": "x", "sim/dear": "x"})

    async def inside() -> None:
        router.complete_sync("hello")

    with pytest.raises(ConfigurationError, match="await the others"):
        asyncio.run(inside())


def test_labels_that_make_no_question_are_refused_before_any_call() -> None:
    router = _router({})
    with pytest.raises(InputError):
        router.classify_sync("a delight", ["positive"])


PICTURE = {"type": "image_url", "image_url": {"url": "https://example.org/a.png"}}
LOOK: list[Any] = [
    {"role": "user", "content": [{"type": "text", "text": "what is it?"}, PICTURE]},
]


def test_only_arms_that_can_take_a_query_are_chosen_from() -> None:
    blind = metallm.Arm("sim/blind", 1.0, 1.0, lacks=("images",))
    router = _router({"sim/blind": "?", "sim/dear": "a cat"}, arms=[blind, DEAR])
    answer = router.complete_sync(LOOK)
    assert answer.arm == "sim/dear"
    assert dict(answer.decision.propensities) == {"sim/dear": 1.0}
    assert dict(router.complete_sync("no picture").decision.propensities).keys() == {
        "sim/blind",
        "sim/dear",
    }


def test_a_query_that_no_arm_can_take_is_refused_before_a_decision_with_the_reasons() -> None:
    arms = [metallm.Arm(name, 1.0, 1.0, lacks=("images",)) for name in ("sim/a", "sim/b")]
    provider = ScriptedProvider({})
    router = _router({}, arms=arms, provider=provider)
    with pytest.raises(UnfitArmError, match="none of the arms") as raised:
        router.complete_sync(LOOK)
    assert raised.value.reasons.keys() == {"sim/a", "sim/b"}
    query = Query.of(LOOK)
    with pytest.raises(UnfitArmError, match=r"the arm cannot take this query \('sim/a': "):
        asyncio.run(router.caller.stream(query, {"messages": LOOK}, named="sim/a"))
    assert router.knowledge.decisions == 0
    assert provider.calls == []
