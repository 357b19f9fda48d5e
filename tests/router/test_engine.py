from __future__ import annotations

from collections import Counter
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pytest

import metallm
from doubles import CHEAP, DEAR, HashEmbedder, counting_ids
from metallm.assembly import Router
from metallm.core.price import Usage
from metallm.errors import (
    ConfigurationError,
    FeedbackConflictError,
    InputError,
    TableError,
    UnknownArmError,
    UnknownDecisionError,
    UnknownPriceError,
)


def _router(**options: Any) -> Router:
    fields: dict[str, Any] = {
        "arms": [CHEAP, DEAR],
        "embedder": HashEmbedder(),
        "clock": lambda: 1000.0,
        "new_id": counting_ids(),
        **options,
    }
    return metallm.Router(**fields)


def _table(count: int = 120, seed: int = 0) -> pa.Table:
    """The cheap arm is right on easy queries, the dear one on all."""
    rng = np.random.default_rng(seed)
    rows = []
    for number in range(count):
        hard = bool(rng.integers(2))
        text = f"{'hard' if hard else 'easy'} question {seed}-{number}"
        for arm, right in ((CHEAP, not hard), (DEAR, True)):
            assert arm.list_price is not None
            cost = arm.list_price.cost_usd(Usage(input_tokens=4, output_tokens=5))
            rows.append(
                {
                    "query": text, "model": arm.name, "score": float(right),
                    "cost_usd": cost, "input_tokens": 4, "output_tokens": 5,
                }
            )  # fmt: skip
    return pa.Table.from_pylist(rows)


def test_a_decision_tells_what_was_believed_and_with_what_chance_it_was_made() -> None:
    router = _router()
    decision = router.decide("hello there", task="greeting")
    assert decision.id == "dec_0"
    assert decision.arm in {"sim/cheap", "sim/dear"}
    assert decision.propensity == decision.propensities[decision.arm]
    assert sum(decision.propensities.values()) == pytest.approx(1.0)
    assert decision.policy == "squarecb"
    assert decision.task == "greeting"
    cheap, dear = (decision.estimates[arm.name] for arm in (CHEAP, DEAR))
    assert cheap.cost_usd is not None
    assert dear.cost_usd is not None
    assert dear.cost_usd == pytest.approx(100 * cheap.cost_usd)
    assert cheap.reward > dear.reward
    assert dear.reward == pytest.approx(
        dear.quality - decision.cost_weight * dear.cost_usd / decision.cost_scale
    )


def test_arms_are_chosen_as_often_as_their_propensities_say() -> None:
    router = _router(policy="squarecb", seed=11)
    for number in range(40):
        decision = router.decide(f"easy {number}")
        router.feedback(decision.id, quality=0.5 + 0.3 * (decision.arm == "sim/cheap"))
    decisions = router.decide_many(["an easy one"] * 4000)
    chance = decisions[0].propensities["sim/dear"]
    assert 0.0 < chance < 0.5
    share = Counter(each.arm for each in decisions)["sim/dear"] / 4000
    assert share == pytest.approx(chance, abs=5 * np.sqrt(chance * (1 - chance) / 4000))
    assert all(each.propensities["sim/dear"] == chance for each in decisions)


def test_a_batch_decides_as_one_by_one_would() -> None:
    texts = [f"text {number}" for number in range(20)]
    batch = _router().decide_many(texts)
    single_router = _router()
    single = [single_router.decide(text) for text in texts]
    assert [(a.arm, a.propensity, a.index) for a in batch] == [
        (b.arm, b.propensity, b.index) for b in single
    ]


def test_a_warm_start_sends_easy_queries_to_the_cheap_arm_and_hard_ones_to_the_dear() -> None:
    router = _router(policy="greedy")
    router.fit(_table())
    easy, hard = router.decide_many(["an easy new one", "a hard new one"])
    assert (easy.arm, hard.arm) == ("sim/cheap", "sim/dear")
    assert hard.estimates["sim/cheap"].quality < 0.4
    assert hard.version == 240


def test_it_learns_the_same_from_feedback_alone() -> None:
    router = _router(cost_weight=0.3)
    for number in range(400):
        hard = number % 2 == 1
        decision = router.decide(f"{'hard' if hard else 'easy'} {number}")
        router.feedback(decision.id, quality=float(not hard or decision.arm == "sim/dear"))
    last = router.decide_many([f"{kind} again" for kind in ("easy", "hard")] * 50)
    assert Counter(each.arm for each in last[0::2])["sim/cheap"] >= 45
    assert Counter(each.arm for each in last[1::2])["sim/dear"] >= 40


def test_the_same_table_once_more_teaches_nothing() -> None:
    router = _router(policy="greedy")
    router.fit(_table())
    before = router.decide("an easy one").estimates
    router.fit(_table())
    assert router.decide("an easy one").estimates == before
    router.fit(_table(seed=1))
    assert router.decide("an easy one").version == 480


def test_a_table_may_count_less_than_live_outcomes() -> None:
    half = _router()
    half.fit(_table(), weight=0.5)
    assert half.knowledge.learner.state()["ridge_n"].tolist() == [60.0, 60.0]
    for wrong in (0.0, 1.5):
        with pytest.raises(InputError, match="weight"):
            _router().fit(_table(), weight=wrong)


def test_a_published_score_is_what_is_believed_of_an_arm_at_first() -> None:
    arm = metallm.Arm("sim/new", 1.0, 1.0, prior_quality=0.95)
    decision = _router(arms=[CHEAP, arm]).decide("a question")
    assert decision.estimates["sim/new"].quality == pytest.approx(0.95)


def test_a_query_s_own_cost_weight_and_arms_count_for_it_alone() -> None:
    router = _router(policy="greedy")
    router.fit(_table())
    assert router.decide("a hard one", cost_weight=50.0).arm == "sim/cheap"
    assert router.decide("a hard one").arm == "sim/dear"
    only = router.decide("a hard one", arms=["sim/cheap"])
    assert (only.arm, only.propensity) == ("sim/cheap", 1.0)
    assert set(only.estimates) == {"sim/cheap"}


def test_the_dearest_arm_s_mean_cost_is_1() -> None:
    router = _router(policy="greedy", cost_weight=0.25)
    router.fit(_table())
    decision = router.decide("a hard one")
    dear = decision.estimates["sim/dear"]
    assert dear.quality - dear.reward == pytest.approx(0.25, rel=0.1)


def test_feedback_twice_is_learned_once_and_a_contradiction_is_refused() -> None:
    router = _router()
    decision = router.decide("a text")
    router.feedback(decision.id, quality=1.0)
    router.feedback(decision.id, quality=1.0)
    assert router.knowledge.outcomes == 1
    with pytest.raises(FeedbackConflictError, match="replace=true"):
        router.feedback(decision.id, quality=0.0)
    assert router.knowledge.outcomes == 1
    assert len(router.outcomes(decision.id)) == 1


def test_a_bill_that_comes_after_the_judgement_is_learned_and_only_once() -> None:
    router = _router()
    decision = router.decide("a text")
    router.feedback(decision.id, quality=1.0)
    for _ in range(2):
        router.feedback(decision.id, quality=1.0, cost_usd=0.5)
        router.feedback(decision.id, cost_usd=0.5)
    told = [(o.quality, o.cost_usd) for o in router.outcomes(decision.id)]
    assert told == [(1.0, None), (None, 0.5)]
    assert router.knowledge.outcomes == 1


def test_a_replaced_judgement_counts_as_if_the_first_had_never_been() -> None:
    corrected, straight = _router(), _router()
    for router in (corrected, straight):
        for number in range(6):
            decision = router.decide(f"text {number}")
            router.feedback(decision.id, quality=float(number % 2))
    mistaken, right = corrected.decide("a text"), straight.decide("a text")
    corrected.feedback(mistaken.id, quality=0.0)
    corrected.feedback(mistaken.id, quality=1.0, replace=True)
    straight.feedback(right.id, quality=1.0)
    first, second = corrected.decide("another"), straight.decide("another")
    assert corrected.knowledge.outcomes == straight.knowledge.outcomes == 7
    for name, estimate in first.estimates.items():
        assert estimate.quality == pytest.approx(second.estimates[name].quality, abs=1e-9)


@pytest.mark.parametrize(
    ("judgement", "told"),
    [
        ({"quality": 1.5}, "quality must be a number from 0 to 1"),
        ({"quality": float("nan")}, "quality must be"),
        ({"quality": "good"}, "quality must be"),
        ({"quality": 1.0, "cost_usd": -1.0}, "cost_usd must be a number from 0 and up"),
        ({"quality": 1.0, "label": "x"}, "not both"),
        ({"label": "x"}, "did not ask for labels"),
        ({}, "needs a quality from 0 to 1, or a label"),
    ],
)
def test_feedback_that_cannot_be_used_changes_nothing(judgement: dict[str, Any], told: str) -> None:
    router = _router()
    decision = router.decide("a text")
    with pytest.raises(InputError, match=told):
        router.feedback(decision.id, **judgement)
    assert router.knowledge.outcomes == 0
    assert router.outcomes(decision.id) == []


def test_feedback_in_numpy_s_numbers_is_as_good(tmp_path: Path) -> None:
    router = _router(store=tmp_path / "log.db")
    decision = router.decide("a text")
    numbers: dict[str, Any] = {
        "quality": np.float32(0.5), "cost_usd": np.float64(0.25), "latency_s": np.int64(2),
    }  # fmt: skip
    outcome = router.feedback(decision.id, **numbers)
    assert (outcome.quality, outcome.cost_usd, outcome.latency_s) == (0.5, 0.25, 2.0)
    assert router.outcomes(decision.id) == [outcome]
    router.close()


def test_feedback_for_an_unknown_decision_is_refused() -> None:
    with pytest.raises(UnknownDecisionError, match="no decision 'nope'"):
        _router().feedback("nope", quality=1.0)


def test_costs_that_callers_report_are_learned() -> None:
    router = _router()
    for number in range(60):
        decision = router.decide(f"text {number}")
        estimate = decision.estimates[decision.arm].cost_usd
        assert estimate is not None
        router.feedback(
            decision.id, quality=1.0, cost_usd=3e-5 if "cheap" in decision.arm else 3e-3
        )
    cost = router.decide("text").estimates["sim/cheap"].cost_usd
    assert cost == pytest.approx(3e-5, rel=0.1)


def test_an_arm_without_a_price_needs_recorded_costs_or_a_flag() -> None:
    unpriced = metallm.Arm("sim/unpriced")
    with pytest.raises(UnknownPriceError, match="'sim/unpriced' is unknown"):
        _router(arms=[CHEAP, unpriced]).decide("a text")
    flagged = _router(arms=[CHEAP, metallm.Arm("sim/unpriced", price="unknown")])
    assert flagged.decide("a text").estimates["sim/unpriced"].cost_usd is None
    # nothing tells that it is cheap, so it costs as much as the dearest does on average: 1
    estimate = flagged.decide("a text").estimates["sim/unpriced"]
    assert estimate.reward == pytest.approx(estimate.quality - 0.2)
    learned = _router(arms=[metallm.Arm(CHEAP.name), metallm.Arm(DEAR.name)])
    learned.fit(_table())
    cost = learned.decide("easy question 0-1").estimates["sim/dear"].cost_usd
    assert cost == pytest.approx(4e-6 * 10 + 5e-6 * 20, rel=0.1)


def test_prices_come_from_the_table_where_it_knows_the_model() -> None:
    router = _router(arms=[metallm.Arm("openai/gpt-4")])
    assert router.arms["openai/gpt-4"].input_price == 30.0


@pytest.mark.parametrize(
    ("options", "told"),
    [
        ({"arms": []}, "at least one arm"),
        ({"arms": [CHEAP, CHEAP]}, "same name: sim/cheap"),
        ({"cost_weight": -0.1}, "cost_weight must be a number of 0 or more"),
        ({"policy": "best"}, "no policy is called 'best'"),
        ({"policy": "fixed:nobody"}, "no arm is called 'nobody'"),
    ],
)
def test_a_router_that_cannot_work_is_refused(options: dict[str, Any], told: str) -> None:
    with pytest.raises(ConfigurationError, match=told):
        _router(**options)


def test_unknown_and_no_arms_are_refused() -> None:
    router = _router()
    with pytest.raises(UnknownArmError, match="no arm is called 'x'"):
        router.decide("a text", arms=["x"])
    with pytest.raises(InputError, match="arms is empty"):
        router.decide("a text", arms=[])
    with pytest.raises(InputError, match="cost_weight"):
        router.decide("a text", cost_weight=-1.0)


def test_a_table_without_any_of_the_arms_is_refused() -> None:
    table = _table().set_column(1, "model", pa.array(["someone"] * 240))
    with pytest.raises(TableError, match="no row of any arm"):
        _router().fit(table.group_by("query").aggregate([]).append_column(
            "model", pa.array(["someone"] * 120)
        ).append_column("score", pa.array([1.0] * 120)))  # fmt: skip


def test_the_paper_s_policy_learns_the_reward_and_keeps_its_cost_weight() -> None:
    router = _router(policy="paper", cost_weight=0.4)
    router.fit(_table())
    easy, hard = router.decide_many(["an easy new one", "a hard new one"])
    assert (easy.arm, hard.arm) == ("sim/cheap", "sim/dear")
    assert easy.policy == "paper"
    with pytest.raises(InputError, match="cannot change it per query"):
        router.decide("a text", cost_weight=0.1)


def test_a_fixed_policy_asks_one_arm_alone() -> None:
    router = _router(policy="fixed:sim/dear")
    decision = router.decide("a text")
    assert (decision.arm, decision.propensity) == ("sim/dear", 1.0)


def test_texts_are_kept_only_where_asked_for() -> None:
    assert _router().decide("my secret").text is None
    assert _router(log_prompts=True).decide("my secret").text == "my secret"


def test_no_queries_make_no_decisions() -> None:
    assert _router().decide_many([]) == []
