from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
import pyarrow as pa
import pytest

from metallm.errors import InputError, UnknownArmError
from metallm.evaluation.paper_protocol import PAPER_MODES, Contender, compare
from metallm.evaluation.paper_report import report, rich_tables
from metallm.evaluation.paper_results import Comparison
from metallm.evaluation.rule import RuleRouter
from metallm.tables.recordings import Recordings


def recorded(n: int = 40) -> Recordings:
    """ "cheap" (1 USD) is right on even texts, "middle" (3 USD) never, "dear" (5 USD) always."""
    rows: list[dict[str, Any]] = [
        {"query": f"text {number}", "model": model, "score": score, "cost_usd": cost}
        for number in range(n)
        for model, score, cost in (
            ("cheap", float(number % 2 == 0), 1.0),
            ("middle", 0.0, 3.0),
            ("dear", 1.0, 5.0),
        )
    ]
    return Recordings.read(pa.Table.from_pylist(rows))


class Makers:
    """Makes rule routers, and keeps them with their seeds and cost weights."""

    def __init__(self, rule: Callable[[str, float], str]) -> None:
        self.rule = rule
        self.made: list[tuple[int, float, RuleRouter]] = []

    def __call__(self, seed: int, models: Sequence[str], cost_weight: float) -> RuleRouter:
        router = RuleRouter(self.rule)
        self.made.append((seed, cost_weight, router))
        return router


def knowing(text: str, p: float) -> str:
    """The argmax of the reward with costs 1/5 and 1: an odd text is worth "dear" up to p = 1.25."""
    odd = int(text.split()[1]) % 2 == 1
    return "dear" if odd and p < 1.25 else "cheap"


def always(model: str) -> Callable[[str, float], str]:
    return lambda text, p: model


def found_by(rule: Callable[[str, float], str], **options: Any) -> Comparison:
    return compare(recorded(), [Contender("rule", Makers(rule))], seeds=[0, 1], **options)


def share_of_odd(seed: int, n: int = 40) -> tuple[float, float]:
    """The share of odd texts among the validation and the test rows of a seed."""
    order = np.random.default_rng(seed).permutation(n)
    return float((order[20:30] % 2).mean()), float((order[30:] % 2).mean())


def test_half_the_rows_are_fitted_a_quarter_tunes_and_a_quarter_tests() -> None:
    make = Makers(always("dear"))
    found = compare(recorded(), [Contender("r", make)], modes=["hybrid"], seeds=[3],
                    budgets=["dear"], cost_weights=[0.0, 1.0])  # fmt: skip
    assert found.rows == (20, 10, 10)
    assert [(seed, p) for seed, p, _ in make.made] == [(3, 0.0), (3, 1.0), (3, 0.0)]
    texts = [{text for text, _, _ in router.asked} for _, _, router in make.made]
    fitted = set(make.made[0][2].fitted[0].texts)
    assert texts[0] == texts[1]  # validation rows, at either p
    assert [len(fitted), len(texts[0]), len(texts[2])] == [20, 10, 10]
    assert fitted | texts[0] | texts[2] == set(recorded().texts)
    order = np.random.default_rng(3).permutation(40)
    assert texts[2] == {f"text {number}" for number in order[30:]}  # as replay with this seed
    assert all(router.closed for _, _, router in make.made)


def test_offline_hears_nothing_online_fits_nothing_hybrid_does_both() -> None:
    for mode, fits, hears in (("offline", 1, 0), ("online", 0, 10), ("hybrid", 1, 10)):
        make = Makers(always("cheap"))
        compare(recorded(), [Contender("r", make)], modes=[mode], seeds=[0], cost_weights=[0.5])  # type: ignore[list-item]
        for _, _, router in make.made:
            assert [len(router.fitted), len(router.told)] == [fits, hears]


def test_where_p_goes_with_the_decision_one_frozen_router_serves_every_p() -> None:
    make = Makers(knowing)
    one = Contender("one", make, weighs_per_decision=True)
    found = compare(recorded(), [one], modes=["offline"], seeds=[0])
    assert len(make.made) == 1
    assert make.made[0][2].closed
    many = found_by(knowing, modes=["offline"])
    assert [each.test for each in found.tried("offline", "one", "dear")] == [
        each.test for each in many.tried("offline", "rule", "dear")[:1]
    ]


def test_the_tuned_router_obtains_what_the_closed_form_says() -> None:
    found = found_by(knowing)
    assert found.budgets == ("cheap", "middle", "dear")
    for mode in PAPER_MODES:
        for seed, attempt in zip((0, 1), found.tried(mode, "rule", "dear"), strict=True):
            odd_tuning, odd = share_of_odd(seed)
            assert attempt.tuned.cost_weight < 1.25
            assert attempt.tuned.point.cost_usd == pytest.approx(1 + 4 * odd_tuning)
            assert attempt.test.quality == 1.0
            assert attempt.test.cost_usd == pytest.approx(1 + 4 * odd)
            assert (attempt.budget_usd, attempt.over) == (5.0, False)
        for seed, attempt in zip((0, 1), found.tried(mode, "rule", "cheap"), strict=True):
            # only "cheap" alone costs no more than "cheap"
            assert attempt.tuned.cost_weight > 1.25
            assert attempt.test.quality == pytest.approx(1 - share_of_odd(seed)[1])


def test_a_budget_kept_in_tuning_and_not_in_the_test_is_told() -> None:
    # at the budget of "middle" half the texts may be odd
    found = found_by(knowing, modes=["offline"], budgets=["middle"])
    for seed, attempt in zip((0, 1), found.tried("offline", "rule", "middle"), strict=True):
        odd_tuning, odd = share_of_odd(seed)
        asks_dear = odd_tuning <= 0.5
        assert (attempt.tuned.cost_weight < 1.25) == asks_dear
        assert attempt.over == (asks_dear and odd > 0.5)


def test_a_router_that_cannot_keep_a_budget_is_marked() -> None:
    found = found_by(always("dear"), modes=["online"], budgets=["cheap"])
    (first, _) = found.tried("online", "rule", "cheap")
    assert not first.tuned.met
    assert first.over


def test_the_single_models_stand_beside_on_the_same_test_rows() -> None:
    found = found_by(always("cheap"), modes=["offline"])
    single, routed = found.single("cheap"), found.at("offline", "rule", "dear")
    assert single == routed
    assert single.quality.mean == pytest.approx(np.mean([1 - share_of_odd(s)[1] for s in (0, 1)]))
    assert found.single("dear").quality.mean == 1.0
    assert found.single("middle").cost_usd.mean == 3.0


def test_the_lead_is_that_of_the_last_router_over_the_first() -> None:
    found = compare(
        recorded(),
        [Contender("a", Makers(always("cheap"))), Contender("b", Makers(always("dear")))],
        modes=["offline"], budgets=["dear"], seeds=range(3),
    )  # fmt: skip
    odd = [share_of_odd(seed)[1] for seed in range(3)]
    lead = found.lead("offline", "dear")
    assert lead.mean == pytest.approx(np.mean(odd))
    assert lead.low < lead.mean < lead.high


def test_models_without_costs_are_left_out_and_tasks_are_not_told() -> None:
    recordings = recorded()
    recordings.cost_usd[:, recordings.models.index("dear")] = np.nan
    make = Makers(always("cheap"))
    found = compare(recordings, [Contender("r", make)], modes=["offline"], seeds=[0])
    assert found.left_out == ("dear",)
    assert found.budgets == ("cheap", "middle")
    assert {task for _, task, _ in make.made[0][2].asked} == {None}


def test_what_cannot_be_compared_is_told() -> None:
    one = [Contender("r", Makers(always("cheap")))]
    with pytest.raises(InputError, match="at least one router"):
        compare(recorded(), [])
    with pytest.raises(InputError, match="at least one router"):
        compare(recorded(), one, seeds=[])
    with pytest.raises(InputError, match="four rows"):
        compare(recorded(2), one)
    with pytest.raises(UnknownArmError, match="nobody"):
        compare(recorded(), one, budgets=["nobody"])
    with pytest.raises(InputError, match="one cost weight"):
        compare(recorded(), one, cost_weights=[])


def test_a_router_that_cannot_be_fitted_is_closed() -> None:
    class Refusing(RuleRouter):
        def fit(self, recordings: Recordings) -> None:
            raise InputError("no")

    router = Refusing(always("cheap"))
    with pytest.raises(InputError):
        compare(recorded(), [Contender("r", lambda *_: router)])
    assert router.closed


def test_progress_counts_every_attempt() -> None:
    seen: list[tuple[int, int]] = []
    found_by(knowing, cost_weights=[0.0], progress=lambda done, total: seen.append((done, total)))
    assert seen == [(done, 18) for done in range(1, 19)]


def test_the_report_holds_every_seed_and_json_can_hold_the_report() -> None:
    import orjson

    found = compare(
        recorded(),
        [Contender("a", Makers(knowing)), Contender("b", Makers(always("dear")))],
        modes=["offline"], seeds=[0, 1],
    )  # fmt: skip
    told = orjson.loads(orjson.dumps(report(found)))
    assert told["figures"]["overspent"] == {
        "a": sum(each.over for each in found.attempts if each.contender == "a"),
        "b": 4,  # the budgets of "cheap" and "middle"
    }
    assert [(row["budget"], row["router"]) for row in told["rows"][:3]] == [
        ("cheap", "a"), ("cheap", "b"), ("middle", "a"),
    ]  # fmt: skip
    assert len(told["rows"][0]["seeds"]) == 2
    dear = next(row for row in told["singles"] if row["model"] == "dear")
    assert dear["cost_per_10k_usd"] == {"mean": 50_000.0, "low": 50_000.0, "high": 50_000.0}
    assert len(told["leads"]) == 3


def test_the_tables_show_singles_by_cost_and_one_table_a_mode() -> None:
    found = found_by(knowing)
    singles, *modes = rich_tables(found)
    assert list(singles.columns[0].cells) == ["cheap", "middle", "dear"]
    assert [table.title for table in modes] == ["offline", "online", "hybrid"]
    assert list(modes[0].columns[0].cells) == ["cheap", "middle", "dear"]
    assert len(modes[0].columns) == 4  # one router leads nobody


def test_one_seed_has_no_interval() -> None:
    found = compare(recorded(), [Contender("r", Makers(knowing))], modes=["offline"], seeds=[0])
    assert report(found)["singles"][0]["accuracy"]["low"] is None
    assert "±" not in next(iter(rich_tables(found)[0].columns[2].cells))  # type: ignore[operator]
