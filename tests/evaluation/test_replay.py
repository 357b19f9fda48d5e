from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
import pyarrow as pa
import pytest

from metallm.errors import InputError, UnknownArmError
from metallm.evaluation.baselines import BEST, MIX, NAMES, ORACLE
from metallm.evaluation.replay import replay
from metallm.evaluation.results import POLICY, Mode
from metallm.evaluation.rule import RuleRouter
from metallm.tables.recordings import Recordings


def recorded(n: int = 40, *, missing: tuple[tuple[int, str], ...] = ()) -> Recordings:
    """Even texts are answered by "cheap" (1 USD), all by "dear" (5 USD)."""
    rows: list[dict[str, Any]] = []
    for number in range(n):
        for model, score, cost in (("cheap", float(number % 2 == 0), 1.0), ("dear", 1.0, 5.0)):
            if (number, model) not in missing:
                rows.append(
                    {
                        "query_id": str(number),
                        "dataset": "even" if number % 2 == 0 else "odd",
                        "query": f"text {number}",
                        "model": model,
                        "score": score,
                        "cost_usd": cost,
                    }
                )
    return Recordings.read(pa.Table.from_pylist(rows))


class Makers:
    """Makes rule routers and keeps them, with what they were made for."""

    def __init__(self, rule: Callable[[str, float], str]) -> None:
        self.rule = rule
        self.made: list[RuleRouter] = []
        self.made_for: list[tuple[int, tuple[str, ...]]] = []

    def __call__(self, seed: int, models: Sequence[str]) -> RuleRouter:
        self.made.append(RuleRouter(self.rule))
        self.made_for.append((seed, tuple(models)))
        return self.made[-1]


class BestMean(RuleRouter):
    """Learns: tries every model once, then asks the one with the best mean quality."""

    def __init__(self, models: Sequence[str]) -> None:
        super().__init__(self._best)
        self.got: dict[str, list[float]] = {model: [] for model in models}
        self.last = ""

    def _best(self, text: str, p: float) -> str:
        self.last = max(self.got, key=lambda model: np.mean(self.got[model] or [2.0]))
        return self.last

    def feedback(self, decision_id: str, *, quality: float, cost_usd: float | None = None) -> None:
        self.got[self.last].append(quality)


def always(model: str) -> Makers:
    return Makers(lambda text, p: model)


def knowing() -> Makers:
    return Makers(lambda text, p: "cheap" if int(text.split()[1]) % 2 == 0 else "dear")


def test_offline_fits_on_three_quarters_and_decides_the_rest_without_feedback() -> None:
    make = always("dear")
    found = replay(recorded(), make, mode="offline", cost_weight=0.1, seeds=[7])
    (router,) = make.made
    assert make.made_for == [(7, ("cheap", "dear"))]
    assert [len(part) for part in router.fitted] == [30]
    assert len(router.asked) == found.runs[0].rows == 10
    assert router.told == []
    trained, tested = set(router.fitted[0].texts), {text for text, _, _ in router.asked}
    assert trained | tested == set(recorded().texts)
    assert not trained & tested


def test_hybrid_decides_the_same_rows_and_hears_of_each_choice() -> None:
    offline, hybrid = always("cheap"), always("cheap")
    replay(recorded(), offline, mode="offline", cost_weight=0.1, seeds=[3])
    replay(recorded(), hybrid, mode="hybrid", cost_weight=0.1, seeds=[3])
    (first,), (second,) = offline.made, hybrid.made
    assert first.fitted[0].texts == second.fitted[0].texts
    assert first.asked == second.asked
    assert [told[0] for told in second.told] == [str(number) for number in range(10)]
    for (text, _, _), (_, quality, cost) in zip(second.asked, second.told, strict=True):
        assert quality == float(int(text.split()[1]) % 2 == 0)
        assert cost == 1.0


def test_online_starts_cold_and_streams_all_rows_in_a_shuffled_order() -> None:
    make = always("dear")
    found = replay(recorded(), make, mode="online", cost_weight=0.1, seeds=[0, 1])
    first, second = make.made
    assert first.fitted == second.fitted == []
    assert found.runs[0].rows == 40
    texts = [text for text, _, _ in first.asked]
    assert sorted(texts) == sorted(recorded().texts)
    assert texts != list(recorded().texts)
    assert texts != [text for text, _, _ in second.asked]


def test_a_router_that_knows_obtains_what_the_oracle_obtains() -> None:
    run = replay(recorded(), knowing(), mode="online", cost_weight=0.5, seeds=[0]).runs[0]
    assert run.performance.quality == 1.0
    assert run.performance.cost_usd == pytest.approx(3.0)
    assert run.performance.reward == pytest.approx(1.0 - 0.5 * 3 / 5)
    assert run.performance.regret == pytest.approx(0.0)
    assert run.table[ORACLE].reward == pytest.approx(run.performance.reward)
    # both single models: cheap .5 − .1, dear 1 − .5; the best obtains .5
    assert run.baselines[BEST].model == "dear"
    assert run.regret_fixed == pytest.approx(0.5 - 0.7)
    assert run.shares == {"cheap": 0.5, "dear": 0.5}
    # the mix pays 3 USD too: half and half, .75
    assert run.baselines[MIX].quality == pytest.approx(0.75)
    assert set(run.table) == {POLICY, *NAMES}


def test_the_learning_curve_is_the_summed_lead_over_the_best_single_model() -> None:
    found = replay(recorded(400), knowing(), mode="online", cost_weight=0.5, seeds=[0]).runs[0]
    assert list(found.curve) == [300, 400]
    assert found.curve[400] == pytest.approx(-found.regret_fixed * 400)
    # the lead is .4 on every even text and 0 on every odd one
    assert found.curve[300] == pytest.approx(0.4 * 150, abs=0.4 * 30)


def test_a_learning_router_closes_in_on_the_best_single_model() -> None:
    run = replay(
        recorded(100), lambda _, models: BestMean(models), mode="online", cost_weight=0.0, seeds=[1]
    ).runs[0]
    assert run.shares["dear"] > 0.9
    assert 0.0 <= run.regret_fixed <= 0.05


def test_only_models_with_a_recorded_answer_are_eligible() -> None:
    missing = tuple((number, "dear") for number in range(0, 40, 4))
    modes: tuple[Mode, ...] = ("offline", "online")
    for mode in modes:
        make = always("dear")
        found = replay(recorded(missing=missing), make, mode=mode, cost_weight=0.1, seeds=[0])
        offered = {text: arms for text, _, arms in make.made[0].asked}
        assert set(offered.values()) == {None, ("cheap",)}
        for text, arms in offered.items():
            assert (arms == ("cheap",)) == (int(text.split()[1]) % 4 == 0)
        assert found.runs[0].performance.quality == 1.0
        assert found.runs[0].curve[found.runs[0].rows] == pytest.approx(
            -found.runs[0].regret_fixed * found.runs[0].rows
        )


def test_tasks_are_told_only_where_asked_for() -> None:
    modes: tuple[Mode, ...] = ("offline", "hybrid")
    for mode in modes:
        silent, telling = always("cheap"), always("cheap")
        replay(recorded(), silent, mode=mode, cost_weight=0.1, seeds=[0])
        replay(recorded(), telling, mode=mode, cost_weight=0.1, seeds=[0], tell_task=True)
        assert {task for _, task, _ in silent.made[0].asked} == {None}
        assert set(silent.made[0].fitted[0].datasets) == {""}
        for text, task, _ in telling.made[0].asked:
            assert task == ("even" if int(text.split()[1]) % 2 == 0 else "odd")
        assert set(telling.made[0].fitted[0].datasets) == {"even", "odd"}


def test_models_without_costs_are_left_out_and_never_shown_to_the_router() -> None:
    recordings = recorded()
    recordings.cost_usd[:, recordings.models.index("dear")] = np.nan
    make = always("cheap")
    found = replay(recordings, make, mode="offline", cost_weight=0.1, seeds=[0])
    assert found.models == ("cheap",)
    assert found.left_out == ("dear",)
    assert make.made[0].fitted[0].models == ("cheap",)


def test_seeds_are_averaged_with_an_interval_beside_every_baseline() -> None:
    found = replay(recorded(), always("cheap"), mode="offline", cost_weight=0.1, seeds=range(5))
    summaries = found.summaries()
    assert list(summaries) == [POLICY, *NAMES]
    accuracies = [run.performance.quality for run in found.runs]
    assert summaries[POLICY].quality.mean == pytest.approx(np.mean(accuracies))
    assert summaries[POLICY].quality.n == 5
    assert summaries[POLICY].quality.low < summaries[POLICY].quality.high
    assert summaries[POLICY].cost_usd.half_width == 0.0
    assert summaries[BEST].models == ("dear",)
    assert found.shares() == {"cheap": 1.0, "dear": 0.0}
    assert found.regret_fixed().mean == pytest.approx(-found.curve()[10].mean / 10)
    assert found.cost_scale == 5.0


def test_the_same_seeds_give_the_same_figures() -> None:
    first, second = (
        replay(recorded(), always("cheap"), mode="hybrid", cost_weight=0.1, seeds=[0, 1])
        for _ in range(2)
    )
    assert first == second


@pytest.mark.parametrize("mode", ["offline", "online"])
def test_progress_counts_rows_up_to_all_of_them(mode: Mode) -> None:
    seen: list[tuple[int, int]] = []
    replay(
        recorded(),
        always("cheap"),
        mode=mode,
        cost_weight=0.1,
        seeds=[0, 1],
        progress=lambda done, total: seen.append((done, total)),
    )
    total = 20 if mode == "offline" else 80
    assert seen[-1] == (total, total)
    assert [done for done, _ in seen] == sorted({done for done, _ in seen})


def test_routers_are_closed_even_when_they_fail() -> None:
    make = always("unheard of")
    with pytest.raises(UnknownArmError, match="unheard of"):
        replay(recorded(), make, mode="online", cost_weight=0.1, seeds=[0])
    assert make.made[0].closed


def test_what_cannot_be_replayed_is_refused() -> None:
    with pytest.raises(InputError, match="at least one seed"):
        replay(recorded(), always("cheap"), mode="offline", cost_weight=0.1, seeds=[])
    with pytest.raises(InputError, match="three rows"):
        replay(recorded(2), always("cheap"), mode="hybrid", cost_weight=0.1, seeds=[0])
    with pytest.raises(InputError, match="offline, online, hybrid"):
        replay(recorded(), always("cheap"), mode="other", cost_weight=0.1)  # type: ignore[arg-type]
