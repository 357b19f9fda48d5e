from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

import metallm
from benchmarks.conftest import QuickEmbedder
from metallm.learners.cost import CostLearner
from metallm.router.told import DIM as TOLD_DIM
from routing import online, ours
from routing.candidates import OnlineSettings
from routing.players import OrderPlayer, OurPlayer, cheapest, oracle
from routing.split import Split
from routing.table import Table


def test_our_player_makes_the_choices_that_a_router_makes(table: Table) -> None:
    stream = online.Stream(table, shuffle=3, warm_rows=10)
    player = OurPlayer(table, ours.online(table, OnlineSettings(), 0.3, seed=3))
    chosen = online.play(player, stream)
    router = metallm.Router(table.arms, cost_weight=0.3, seed=3, embedder=QuickEmbedder())
    # a router given an embedder knows no cheap features; the default one does, and beside them
    # what is told of a query, here nothing
    router.knowledge.costs = CostLearner(table.features + TOLD_DIM)
    warm = table.recordings.subset(stream.order[:10])
    router.fit(replace(warm, datasets=("",) * len(warm)))
    asked = []
    for row in stream.order[10:].tolist():
        decision = router.decide(table.recordings.texts[row])
        column = table.panel.models.index(decision.arm)
        asked.append(column)
        router.feedback(
            decision.id,
            quality=float(table.panel.quality[row, column]),
            cost_usd=float(table.panel.cost_usd[row, column]),
        )
    assert chosen.tolist() == asked
    assert len(set(asked)) > 1
    router.close()


def test_offline_estimates_are_the_routers_and_costs_are_the_cost_learners(table: Table) -> None:
    split = Split(table, 1)
    found = ours.offline(split, OnlineSettings().blend)
    np.testing.assert_allclose(found.cost_usd, split.cost_usd, rtol=1e-9)
    assert found.cost_scale == pytest.approx(split.learned.cost_scale, rel=0.05)
    assert found.quality.shape == split.decided.quality.shape


def test_the_newcomer_is_barred_until_it_joins(table: Table) -> None:
    best = online.best_arm(online.Stream(table, 0), 0.1)
    for joins in (None, 20):
        stream = online.Stream(table, 0, newcomer=best, joins=joins)
        order = [best, *(column for column in range(len(table.arms)) if column != best)]
        chosen = online.play(OrderPlayer(np.tile(order, (60, 1))), stream)
        assert best not in chosen[:20]
        # always the first that is allowed: from then on the newcomer alone
        assert set(chosen[20:].tolist()) == ({best} if joins else {order[1]})


def test_the_oracle_is_never_behind_and_its_lead_is_the_mean_reward_above_the_best(
    table: Table,
) -> None:
    stream = online.Stream(table, 0)
    high = online.figures(stream, online.play(oracle(table, 0.3), stream), 0.3)
    low = online.figures(stream, online.play(cheapest(table), stream), 0.3)
    reward = table.panel.reward(0.3)
    best = np.nanmean(reward, axis=0).max()
    assert high["lead"] == pytest.approx(1000 * (np.nanmax(reward, axis=1).mean() - best))
    assert high["lead"] > 0.0 >= low["lead"]
    assert high["lead1000"] is None
    assert high["curve"] == sorted(high["curve"])
