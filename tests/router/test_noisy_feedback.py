"""Weights, and judges that err: what arms learn, what is taken back, what a restart knows."""

from __future__ import annotations

import io
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from doubles import CHEAP, DEAR, yes_router
from metallm.assembly import Router
from metallm.core.outcome import Lesson
from metallm.errors import FeedbackConflictError, InputError, UnknownLabelError
from metallm.learners.blend import BlendLearner, BlendSettings
from metallm.router.judges import Judges
from metallm.store.memory import MemoryStore

LABELS = ("yes", "no", "maybe")


def _sums(router: Router) -> dict[str, Any]:
    """The arms' statistics, by arm; of those that hold nothing, none."""
    state = router.knowledge.learner.state()
    return {
        str(name): [float(state[f"ridge_{key}"][place]) for key in ("n", "sy", "syy")]
        for place, name in enumerate(state["names"])
        if abs(state["ridge_n"][place]) > 1e-12
    }


def _remembered(router: Router) -> list[tuple[float, float]]:
    """Quality and weight of every outcome that is kept for renewals."""
    state = router.knowledge.learner.state()
    return list(zip(state["memory_y"].tolist(), state["memory_weight"].tolist(), strict=True))


def test_a_judgement_counts_as_much_as_its_weight(make: Callable[..., Router]) -> None:
    router = make()
    decision = router.decide("a text")
    outcome = router.feedback(decision.id, quality=0.5, weight=0.3)
    assert (outcome.quality, outcome.weight) == (0.5, 0.3)
    assert _sums(router)[decision.arm] == pytest.approx([0.3, 0.15, 0.075])
    assert router.knowledge.outcomes == 1


def test_a_correction_takes_back_the_weight_that_was_learned(make: Callable[..., Router]) -> None:
    router = make()
    decision = router.decide("a text")
    router.feedback(decision.id, quality=1.0, weight=0.3)
    outcome = router.feedback(decision.id, quality=0.0, weight=0.5, replace=True)
    assert (outcome.replaces, outcome.replaces_weight) == (1.0, 0.3)
    assert _sums(router)[decision.arm] == pytest.approx([0.5, 0.0, 0.0])
    assert _remembered(router) == [(0.0, 0.5)]


def test_the_same_quality_at_another_weight_is_a_contradiction(
    make: Callable[..., Router],
) -> None:
    router = make()
    decision = router.decide("a text")
    for _ in range(2):
        router.feedback(decision.id, quality=1.0, weight=0.3)
    with pytest.raises(FeedbackConflictError, match=r"quality 1 of weight 0.3\).*\(quality 1\)"):
        router.feedback(decision.id, quality=1.0)
    assert len(router.outcomes(decision.id)) == 1
    router.feedback(decision.id, quality=1.0, replace=True)
    assert _remembered(router) == [(1.0, 1.0)]


@pytest.mark.parametrize(
    ("judgement", "told"),
    [
        ({"quality": 1.0, "weight": 0.0}, "weight must be a number above 0, 1 at most, not 0.0"),
        ({"quality": 1.0, "weight": 1.5}, "weight must be"),
        ({"quality": 1.0, "weight": -0.5}, "weight must be"),
        ({"quality": 1.0, "weight": float("nan")}, "weight must be"),
        ({"quality": 1.0, "weight": "all"}, "weight must be"),
        ({"cost_usd": 1.0, "weight": 0.5}, "a weight needs a quality"),
        ({"cost_usd": 1.0, "judge": "j"}, "a judge needs a quality"),
        ({"judge": "j"}, "a judge needs a quality"),
        ({"quality": 1.0, "judge": " "}, "judge must be a name of 1 to 200 characters"),
        ({"quality": 1.0, "judge": "j" * 201}, "judge must be"),
        ({"quality": 1.0, "judge": 7}, "judge must be"),
        ({"quality": 2.0, "judge": "j"}, "quality must be a number from 0 to 1"),
        ({"label": "yes", "judge": "j"}, "did not ask for labels"),
    ],
)
def test_what_cannot_be_used_changes_nothing(
    make: Callable[..., Router], judgement: dict[str, Any], told: str
) -> None:
    router = make()
    decision = router.decide("a text")
    with pytest.raises(InputError, match=told):
        router.feedback(decision.id, **judgement)
    assert router.knowledge.outcomes == 0
    assert router.judges() == {}
    assert router.outcomes(decision.id) == []


def test_a_judge_s_word_is_learned_corrected(make: Callable[..., Router]) -> None:
    router = make()
    decision = router.decide("a text")
    outcome = router.feedback(decision.id, quality=1.0, judge="j")
    # of a judge that nobody has checked yet: 0.8 and 0.8
    assert (outcome.quality, outcome.judge) == (1.0, "j")
    assert outcome.corrected == pytest.approx(4 / 3)
    assert outcome.corrected_weight == pytest.approx(0.36)
    assert router.outcomes(decision.id) == [outcome]
    assert _sums(router)[decision.arm] == pytest.approx([0.36, 0.48, 0.64])
    assert (router.judges()["j"].n, router.judges()["j"].gold_n) == (1, 0)


def test_a_judge_s_repeat_changes_nothing_and_its_contradiction_is_refused(
    make: Callable[..., Router],
) -> None:
    router = make()
    decision = router.decide("a text")
    for _ in range(3):
        router.feedback(decision.id, quality=1.0, judge="j")
    with pytest.raises(FeedbackConflictError, match=r"quality 1 by j.*replace=true"):
        router.feedback(decision.id, quality=0.0, judge="j")
    assert (len(router.outcomes(decision.id)), router.judges()["j"].n) == (1, 1)
    router.feedback(decision.id, quality=0.0, judge="j", replace=True)
    assert _sums(router)[decision.arm] == pytest.approx([0.36, -0.12, 0.04])
    assert len(_remembered(router)) == router.judges()["j"].n == router.knowledge.outcomes == 1


def test_gold_takes_a_judge_s_place_without_a_conflict_and_teaches_its_record(
    make: Callable[..., Router],
) -> None:
    router = make()
    decision = router.decide("a text")
    router.feedback(decision.id, quality=1.0, judge="j")
    outcome = router.feedback(decision.id, quality=0.0)
    assert outcome.replaces == pytest.approx(4 / 3)
    assert outcome.lessons == (Lesson("j", 1.0, 0.0, 1.0),)
    assert _sums(router)[decision.arm] == pytest.approx([1.0, 0.0, 0.0])
    assert _remembered(router) == [(0.0, 1.0)]
    record = router.judges()["j"]
    assert (record.n, record.gold_n) == (1, 1)
    assert record.specificity == pytest.approx(2.0 / 3.5)
    # the same again, of either, is no news
    router.feedback(decision.id, quality=0.0)
    router.feedback(decision.id, quality=1.0, judge="j")
    assert len(router.outcomes(decision.id)) == 2


def test_a_judge_that_comes_after_gold_is_heard_for_its_record_alone(
    make: Callable[..., Router],
) -> None:
    router = make()
    decision = router.decide("a text")
    router.feedback(decision.id, quality=1.0)
    before = _sums(router)
    outcome = router.feedback(decision.id, quality=0.0, judge="j")
    assert (outcome.corrected, outcome.replaces) == (None, None)
    assert _sums(router) == before
    assert router.judges()["j"].sensitivity == pytest.approx(2.0 / 3.5)
    router.feedback(decision.id, quality=1.0, judge="j", replace=True)
    assert _sums(router) == before
    assert router.judges()["j"].sensitivity == pytest.approx(3.0 / 3.5)
    # corrected gold shows the judge in another light
    router.feedback(decision.id, quality=0.0, replace=True)
    record = router.judges()["j"]
    assert record.sensitivity == pytest.approx(0.8)
    assert record.specificity == pytest.approx(2.0 / 3.5)
    assert (record.n, record.gold_n) == (1, 1)


def test_two_judges_of_one_decision_count_together(make: Callable[..., Router]) -> None:
    router = make()
    decision = router.decide("a text")
    router.feedback(decision.id, quality=1.0, judge="one")
    outcome = router.feedback(decision.id, quality=0.0, judge="other")
    assert outcome.corrected == pytest.approx(0.5)
    assert outcome.corrected_weight == pytest.approx(0.72)
    assert _sums(router)[decision.arm] == pytest.approx([0.72, 0.36, 0.18])
    assert len(_remembered(router)) == router.knowledge.outcomes == 1


def test_a_judge_that_lost_its_credit_takes_its_word_back_when_it_speaks_again(
    make: Callable[..., Router],
) -> None:
    router = make()
    decision = router.decide("a text")
    router.feedback(decision.id, quality=1.0, judge="j")
    for number in range(10):
        checked = router.decide(f"text {number}")
        router.feedback(checked.id, quality=1.0, judge="j")
        router.feedback(checked.id, quality=0.0)
    assert router.judges()["j"].weight == 0.0
    outcome = router.feedback(decision.id, quality=0.0, judge="j", replace=True)
    assert outcome.replaces == pytest.approx(4 / 3)
    assert outcome.corrected is None
    assert router.knowledge.outcomes == 10
    # it speaks once more, with nothing left to take back
    outcome = router.feedback(decision.id, quality=1.0, judge="j", replace=True)
    assert (outcome.replaces, outcome.corrected) == (None, None)


def test_a_judge_s_label_counts_as_its_word_on_the_answer_and_is_no_true_label(
    make: Callable[..., Router],
) -> None:
    router = make()
    answer = router.classify_sync("a text", LABELS)
    with pytest.raises(UnknownLabelError):
        router.feedback(answer.decision_id, label="never", judge="j")
    outcome = router.feedback(answer.decision_id, label="no", judge="j")
    assert (outcome.quality, outcome.label) == (0.0, None)
    assert router.knowledge.learner.state()["labels_label"].tolist() == []
    outcome = router.feedback(answer.decision_id, label="yes")
    assert (outcome.quality, outcome.label) == (1.0, "yes")
    assert outcome.lessons == (Lesson("j", 0.0, 1.0, 1.0),)
    # the same truth under a label's name teaches the judge nothing new
    outcome = router.feedback(answer.decision_id, label="yes", cost_usd=0.5)
    assert (outcome.lessons, router.judges()["j"].gold_n) == ((), 1)


EVENTS = st.tuples(
    st.integers(0, 3),
    st.sampled_from([None, "a", "b"]),
    st.sampled_from([0.0, 0.25, 1.0]),
    st.sampled_from([0.25, 1.0]),
)


@settings(deadline=None, max_examples=60)
@given(
    st.lists(EVENTS, max_size=25),
    st.lists(st.sampled_from([0.0, 0.5, 1.0]), min_size=4, max_size=4),
)
def test_gold_after_judges_is_gold_alone_and_judges_know_their_last_words(
    events: Sequence[tuple[int, str | None, float, float]], gold: list[float]
) -> None:
    router, straight = yes_router(), yes_router()
    decisions = router.decide_many([f"text {number}" for number in range(4)])
    same = straight.decide_many([f"text {number}" for number in range(4)])
    opinions: dict[tuple[str, int], float] = {}
    for place, judge, quality, weight in events:
        router.feedback(
            decisions[place].id, quality=quality, weight=weight, judge=judge, replace=True
        )
        if judge is not None:
            opinions[judge, place] = quality
    for place, quality in enumerate(gold):
        router.feedback(decisions[place].id, quality=quality, replace=True)
        straight.feedback(same[place].id, quality=quality)
    mine, theirs = _sums(router), _sums(straight)
    assert mine.keys() == theirs.keys()
    for arm, sums in theirs.items():
        assert mine[arm] == pytest.approx(sums, abs=1e-9)
    assert sorted(_remembered(router)) == sorted(_remembered(straight))
    assert router.knowledge.outcomes == 4
    expected = Judges()
    for (judge, place), said in opinions.items():
        expected.learn(Lesson(judge, said, None, 1.0))
        expected.learn(Lesson(judge, said, gold[place], 1.0))
    assert router.judges().keys() == expected.records().keys()
    for judge, record in expected.records().items():
        found = router.judges()[judge]
        assert (found.n, found.gold_n) == (record.n, record.gold_n)
        assert found.sensitivity == pytest.approx(record.sensitivity)
        assert found.specificity == pytest.approx(record.specificity)


def _live(router: Router, first: int, last: int) -> list[str]:
    """Judgements of every kind, with corrections; the decisions' ids."""
    rng = np.random.default_rng(first)
    decisions = router.decide_many([f"text {number}" for number in range(first, last)])
    for decision in decisions:
        for judge in ("one", "other", None, "one"):
            if rng.uniform() < 0.6:
                quality, weight = float(rng.integers(3)) / 2, float(rng.integers(1, 5)) / 4
                router.feedback(
                    decision.id, quality=quality, weight=weight, judge=judge, replace=True
                )
    return [decision.id for decision in decisions]


def test_a_restart_knows_weights_and_judges_and_the_log_alone_tells_them(
    make: Callable[..., Router], tmp_path: Path
) -> None:
    path = tmp_path / "log.db"
    router = make(store=path)
    ids = _live(router, 0, 90)
    live, records = router.knowledge.dump(), router.judges()
    standing = {each: router.outcomes(each) for each in ids}
    router.close()
    restored = make(store=path)
    assert restored.knowledge.dump() == live
    assert restored.judges() == records
    # what was said before is no news after a restart either
    for each, outcomes in standing.items():
        last = {outcome.judge: outcome for outcome in outcomes}
        for judge, outcome in last.items():
            restored.feedback(each, quality=outcome.quality, weight=outcome.weight, judge=judge)
        assert restored.outcomes(each) == outcomes
    bare = MemoryStore()
    bare.append([entry.record for entry in restored.entries()]).result()
    assert make(store=bare).knowledge.dump() == live


def test_a_snapshot_of_before_judges_still_loads(make: Callable[..., Router]) -> None:
    router = make()
    for number in range(5):
        router.feedback(router.decide(f"text {number}").id, quality=1.0)
    with np.load(io.BytesIO(router.knowledge.dump())) as saved:
        kept = {name: saved[name] for name in saved if not name.startswith("judges.")}
    old = io.BytesIO()
    np.savez(old, allow_pickle=False, **kept)
    other = make()
    other.knowledge.load(old.getvalue())
    assert other.judges() == {}
    assert other.knowledge.dump() == router.knowledge.dump()


def _chosen_after(judge: str | None, seed: int) -> str:
    """The arm that is chosen after 500 opinions; the dear one is worth its price.

    The cheap arm is right on two queries of five, the dear one on nine of ten; at a cost weight of
    0.34 that leaves 0.4 and 0.56. The judge lets 90 % of right answers pass and 40 % of wrong ones
    too, so that it errs on the poor arm more than on the good one: its word leaves 0.6 and 0.51.
    """
    rng = np.random.default_rng(seed)
    means_alone = BlendSettings(first_renewal=10_000)
    router = yes_router(
        policy="greedy",
        cost_weight=0.34,
        learner=lambda dim: BlendLearner(dim, settings=means_alone),
    )
    arms = ((CHEAP, 0.4, 1e-4), (DEAR, 0.9, 1e-2))
    asked = [router.decide_many(["a text"] * 250, arms=[arm.name]) for arm, _, _ in arms]
    for number, pair in enumerate(zip(*asked, strict=True)):
        for decision, (_, quality, bill) in zip(pair, arms, strict=True):
            right = rng.uniform() < quality
            said = float(rng.uniform() < (0.9 if right else 0.4))
            router.feedback(decision.id, quality=said, judge=judge, cost_usd=bill)
            if judge is not None and number < 15:
                router.feedback(decision.id, quality=float(right))
    return router.decide("a text").arm


def test_a_judge_that_would_mislead_the_router_does_not_once_30_of_its_words_are_checked() -> None:
    misled = [_chosen_after(None, seed) for seed in range(10)]
    guided = [_chosen_after("lenient", seed) for seed in range(10)]
    assert misled.count(CHEAP.name) >= 9
    # 30 gold judgements leave some doubt about the judge, and with it a wrong choice at times
    assert guided.count(DEAR.name) >= 8
