from __future__ import annotations

from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

import route
from metallm.sandbox.synthetic import synthetic_recordings
from routing.online import Stream, play
from routing.players import RandomPlayer
from routing.table import find_files, read_table


def holed(folder: Path) -> Path:
    """A file in which sim/large has no cost and sim/small lacks every third answer."""
    rows = synthetic_recordings(0, per_task=15).to_pylist()
    kept = []
    for number, row in enumerate(rows):
        if row["model"] == "sim/large":
            row["cost_usd"] = None
        if row["model"] != "sim/small" or number % 3:
            kept.append(row)
    path = folder / "holed.parquet"
    pq.write_table(pa.Table.from_pylist(kept), path)
    return path


def test_a_model_without_any_cost_is_left_out_and_named(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    table = read_table(holed(tmp_path))
    assert table.left_out == ("sim/large",)
    assert "sim/large" not in table.panel.models
    assert [arm.name for arm in table.arms] == list(table.panel.models)
    route.main([str(tmp_path), "--no-peers", "--shuffles", "1", "--only", "offline"])
    assert "holed: left out for want of costs: sim/large" in capsys.readouterr().err


def test_an_answer_that_was_not_recorded_is_never_chosen(tmp_path: Path) -> None:
    table = read_table(holed(tmp_path))
    stream = Stream(table, 1)
    chosen = play(RandomPlayer(0), stream)
    assert not table.panel.known.all()
    assert table.panel.known[stream.order, chosen].all()


def test_contexts_are_those_of_the_embedder_and_directions_keep_their_distances(
    tmp_path: Path,
) -> None:
    table = read_table(holed(tmp_path))
    x, z = table.contexts.astype(float), table.all_directions
    assert (z[:, -1] == 1.0).all()
    apart = [
        np.linalg.norm(each[0] - each[5]) / np.linalg.norm(each[0] - each[9]) for each in (x, z)
    ]
    # 44 entries, at most 64 directions: nothing is lost but the scale
    assert apart[0] == pytest.approx(apart[1], rel=1e-4)


def test_a_folder_stands_for_its_parquet_files_in_order(folder: Path) -> None:
    assert [path.stem for path in find_files([folder])] == ["first", "second"]
