from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

import deciding
from deciding import measures
from deciding.growth import Scales
from deciding.ours import BlendPlayer, ReducedPlayer, RidgePlayer
from deciding.paper import PaperPlayer
from deciding.peers import PEERS, installed
from deciding.player import Player, Stream, played
from deciding.timing import WARM, Timing, timed

SCRIPT = Path(deciding.__file__).parent.parent / "decide.py"


@pytest.mark.process
def test_a_quick_run_writes_all_figures(tmp_path: Path) -> None:
    out = tmp_path / "figures.json"
    done = subprocess.run(
        [sys.executable, str(SCRIPT), "--quick", "--json", str(out)],
        check=True,
        stdout=subprocess.PIPE,
    )
    figures = json.loads(out.read_text())["figures"]
    wanted = {
        "decide_us", "update_us", "decide_us_blend", "update_us_blend", "text_15_us",
        "text_100_us", "fit_s", "fit_memory_ratio", "replay_per_s", "vs_paper",
        "decide_us_pure", "update_us_pure", "decide_us_blend_pure", "update_us_blend_pure",
    }  # fmt: skip
    assert wanted <= set(figures)
    assert all(value > 0.0 for value in figures.values())
    assert f"skipped: {', '.join(PEERS)}" in done.stdout.decode()


@pytest.mark.parametrize("make", [RidgePlayer, BlendPlayer, PaperPlayer])
def test_what_is_timed_learns(make: type[RidgePlayer | BlendPlayer | PaperPlayer]) -> None:
    player: Player = make(3, 8)
    contexts = Stream.made_up(3, 8, rows=300).contexts
    for row, context in enumerate(contexts):
        player.learn(context, row % 3, float(row % 3 == 1))
    assert np.mean([player.decide(context) == 1 for context in contexts[:100]]) > 0.8


def test_a_player_that_reduces_contexts_learns_what_arms_do_on_them() -> None:
    contexts = Stream.made_up(3, 40, rows=600).contexts
    player = ReducedPlayer(3, contexts, directions=39)
    for row, context in enumerate(contexts):
        player.learn(context, row % 3, float((context[1] > 0.0) == (row % 3 == 1)))
    chosen = np.array([player.decide(context) for context in contexts[:200]])
    better = contexts[:200, 1] > 0.1
    assert np.mean(chosen[better] == 1) > 0.6
    assert np.mean(chosen[contexts[:200, 1] < -0.1] == 1) < 0.2


def test_pairs_are_counted_and_the_first_block_is_not() -> None:
    learned: list[int] = []

    class Counting:
        def decide(self, context: np.ndarray) -> int:
            return 1

        def learn(self, context: np.ndarray, arm: int, quality: float) -> None:
            learned.append(arm)

    players = [Counting(), Counting()]
    both = played(players, Stream.made_up(2, 4, 10), warm_up=6, blocks=3, calls=5)
    assert learned == [0, 1] * 6 + [1] * (2 * 4 * (5 + WARM))
    decide, update = both[1]
    assert (decide.blocks, decide.calls, update.blocks) == (3, 5, 3)


def test_a_timing_is_the_median_with_its_quartiles() -> None:
    timing = Timing.of([1.0, 2.0, 3.0, 4.0, 100.0], [1.0, 1.5, 2.5, 3.0, 3.5], 7)
    assert (timing.us, timing.low, timing.high, timing.cpu_us) == (3.0, 2.0, 4.0, 2.5)
    assert "5 × 7" in str(timing)
    numbers: list[int] = []
    assert timed(numbers.append, blocks=2, calls=3).us > 0.0
    assert numbers == list(range(9))


def test_a_peer_that_is_not_installed_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(PEERS, "nobody", ("no_such_package", "nothing"))
    makers, skipped = installed()
    assert "not installed" in skipped["nobody"]
    assert "nobody" not in makers
    assert set(makers) | set(skipped) == set(PEERS)


def test_peers_are_held_against_ours(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(measures, "installed", lambda: ({"river": PaperPlayer}, {"x": "absent"}))
    effort = measures.Effort(2, 10, 20, 1, 1, Scales(), with_peers=True)
    figures = measures._peers(effort)
    ours, theirs = (
        figures[f"decide_us_{who}"] + figures[f"update_us_{who}"]
        for who in ("beside_river", "river")
    )
    assert figures["vs_river"] == pytest.approx(theirs / ours)
    assert "skipped: x: absent" in capsys.readouterr().out
