from __future__ import annotations

import numpy as np
import pytest

from metallm.core.price import Usage
from metallm.errors import InputError
from metallm.evaluation.frontier import single_models
from metallm.evaluation.panel import panel_of
from metallm.sandbox.synthetic import (
    LABELS,
    PRICES,
    SKILLS,
    chance,
    items,
    synthetic_recordings,
)
from metallm.tables.recordings import Recordings

COLUMNS = (
    "query_id", "dataset", "split", "query", "question", "reference", "model", "response",
    "score", "input_tokens", "output_tokens", "cost_usd",
)  # fmt: skip


def test_the_same_seed_gives_the_same_table_and_another_seed_another() -> None:
    first = synthetic_recordings(4, per_task=20)
    assert first.equals(synthetic_recordings(4, per_task=20))
    assert not first.equals(synthetic_recordings(5, per_task=20))


def test_the_table_has_the_columns_of_recorded_outcomes_and_can_be_read_as_such() -> None:
    table = synthetic_recordings()
    assert tuple(table.column_names) == COLUMNS
    recordings = Recordings.read(table)
    assert len(recordings) == 600
    assert set(recordings.models) == set(PRICES)
    assert not np.isnan(recordings.score).any()


def test_all_texts_differ_and_every_task_has_its_share() -> None:
    made = items(2, per_task=60)
    assert len({item.text for item in made}) == 4 * 60
    for task in LABELS:
        assert sum(item.task == task for item in made) == 60


def test_every_row_says_that_it_is_synthetic() -> None:
    for row in synthetic_recordings(0, per_task=10).to_pylist():
        assert row["dataset"].startswith("synthetic/")
        assert row["model"].startswith("sim/")
        assert row["query_id"].startswith("synthetic-")


def test_labels_and_answers_stay_within_the_sets_and_the_score_compares_them() -> None:
    for row in synthetic_recordings(1, per_task=40).to_pylist():
        labels = LABELS[row["dataset"]]
        assert row["reference"] in labels
        assert row["response"] in labels
        assert row["score"] == float(row["response"] == row["reference"])
        assert row["query"].endswith(row["question"])


def test_every_label_occurs_in_every_task() -> None:
    made = items()
    for task, labels in LABELS.items():
        assert {item.label for item in made if item.task == task} == set(labels)


def test_the_labels_of_sums_are_right() -> None:
    sums = [item for item in items(9) if item.task == "synthetic/sums"]
    for item in sums:
        left, right = item.text.split(" = ")
        assert (sum(map(int, left.split(" + "))) == int(right)) == (item.label == "yes")


def test_costs_are_tokens_times_prices() -> None:
    for row in synthetic_recordings(0, per_task=10).to_pylist():
        usage = Usage(row["input_tokens"], row["output_tokens"])
        assert row["cost_usd"] == PRICES[row["model"]].cost_usd(usage)
        assert row["input_tokens"] == -(-len(row["query"]) // 4)


def test_the_answers_follow_the_documented_chances() -> None:
    recordings = Recordings.read(synthetic_recordings(3, per_task=500))
    made = items(3, per_task=500)
    assert tuple(item.text for item in made) == recordings.texts
    for column, model in enumerate(recordings.models):
        expected = np.array([chance(model, item.task, item.difficulty) for item in made])
        # four standard errors of a mean of 2000 draws
        error = 4 * np.sqrt((expected * (1 - expected)).sum()) / len(made)
        assert recordings.score[:, column].mean() == pytest.approx(expected.mean(), abs=error)


def test_skills_differ_as_the_table_says() -> None:
    made = items()
    scores = Recordings.read(synthetic_recordings())
    tiny, large = (scores.models.index(name) for name in ("sim/tiny", "sim/large"))
    easy = [i.task == "synthetic/sentiment" and i.difficulty == 0.0 for i in made]
    hard = [i.task == "synthetic/sentiment" and i.difficulty == 1.0 for i in made]
    assert scores.score[easy, tiny].mean() > 0.9
    assert scores.score[hard, tiny].mean() < 0.6
    assert scores.score[hard, large].mean() > 0.85
    for skills in SKILLS.values():
        for best, drop in skills.values():
            assert 0.0 < best - drop <= best < 1.0


def test_there_is_something_to_gain_from_routing() -> None:
    recordings = Recordings.read(synthetic_recordings())
    panel = panel_of(recordings.models, recordings.score, recordings.cost_usd)
    costs, qualities = single_models(panel)
    best = int(qualities.argmax())
    assert panel.models[best] == "sim/large"
    assert 80 <= costs[best] / costs.min() <= 120
    # nobody comes near it at a lower price, or there would be nothing to show
    assert np.delete(qualities, best).max() < 0.95 * qualities[best]
    # who knows task and difficulty, both of which the text shows, but no answer beforehand
    known = np.array(
        [[chance(model, i.task, i.difficulty) for model in panel.models] for i in items()]
    )
    chosen = (known - 0.1 * costs / costs.max()).argmax(axis=1)
    rows = np.arange(len(chosen))
    assert panel.quality[rows, chosen].mean() >= qualities[best]
    assert panel.cost_usd[rows, chosen].mean() < 0.45 * costs[best]


@pytest.mark.parametrize("per_task", [0, 501])
def test_more_texts_than_the_templates_know_are_refused(per_task: int) -> None:
    with pytest.raises(InputError, match="between 1 and 500"):
        items(0, per_task)
