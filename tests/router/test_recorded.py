"""Labels of recorded texts: students that are ready from the first query, and after a restart."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import closing
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import metallm
from doubles import CHEAP, DEAR, HashEmbedder, counting_ids
from metallm.assembly import Router
from metallm.core.classes import STUDENT
from metallm.core.log import Record
from metallm.core.outcome import Recorded
from metallm.core.query import Query
from metallm.errors import ConfigurationError, InputError, UnknownLabelError
from metallm.learners.classes import LEAST_ROWS, ClassLearner
from metallm.providers.scripted import ScriptedProvider
from metallm.router.recorded import mixed
from metallm.store.memory import MemoryStore
from metallm.tasks.forms import form_of

LABELS = ("cat", "dog")
WORDS = {"cat": "purring whiskers meow", "dog": "barking kennel woof"}


def _truth(number: int) -> str:
    return LABELS[number % 2]


def _text(number: int) -> str:
    return f"{WORDS[_truth(number)]} story {number}"


def _router(store: Any = None, **options: Any) -> Router:
    """The cheap arm says "cat" whatever it is asked."""
    return metallm.Router(
        [CHEAP, DEAR],
        embedder=HashEmbedder(),
        provider=ScriptedProvider(lambda _arm, _request: "cat"),
        clock=lambda: 1000.0,
        store=store,
        **{"new_id": counting_ids(), **options},
    )


def _table(rows: int, *, dataset: str | None = "pets", **more: Any) -> pa.Table:
    """The cheap arm answered "cat" to every text, in words; the dear one was right."""
    told = []
    for number in range(rows):
        for arm, answer in ((CHEAP.name, "cat"), (DEAR.name, _truth(number))):
            told.append(
                {
                    "query": _text(number),
                    "dataset": dataset,
                    "reference": _truth(number),
                    "model": arm,
                    "response": f"It is a {answer}.",
                    "score": float(answer == _truth(number)),
                    "cost_usd": 1e-4,
                    **more,
                }
            )
    return pa.Table.from_pylist(told)


def _classes(router: Router) -> ClassLearner:
    assert isinstance(router.knowledge.classes, ClassLearner)
    return router.knowledge.classes


def _known(router: Router) -> Mapping[str, Any]:
    return {key: value.tolist() for key, value in _classes(router).state().items()}


def test_a_fitted_table_makes_the_student_ready_for_the_first_query() -> None:
    with closing(_router(policy="greedy", cost_weight=1.0)) as router:
        router.fit(_table(80))
        assert _classes(router).rows("pets", LABELS) == 80
        found = [router.classify_sync(_text(n), LABELS, task="pets") for n in range(80, 110)]
    own = [(n, each) for n, each in enumerate(found, 80) if each.arm == STUDENT]
    assert len(own) >= 15
    assert all(each.label == _truth(n) for n, each in own)


def test_what_arms_had_answered_tells_what_their_answers_are_worth() -> None:
    with closing(_router()) as router:
        router.fit(_table(80))
        state = _classes(router).state()
    assert state["task0_confusion.arms"].tolist() == [CHEAP.name, DEAR.name]
    # truth by answer, the last column for answers that named no label
    assert state["task0_confusion.counts"].tolist() == [
        [[40.0, 0.0, 0.0], [40.0, 0.0, 0.0]],
        [[40.0, 0.0, 0.0], [0.0, 40.0, 0.0]],
    ]


def test_the_same_table_once_more_changes_nothing_and_other_labels_of_it_are_news() -> None:
    with closing(_router()) as router:
        router.fit(_table(40))
        known, outcomes = _known(router), router.knowledge.outcomes
        router.fit(_table(40))
        assert (_known(router), router.knowledge.outcomes) == (known, outcomes)
        other = _table(40).to_pandas()
        other["reference"] = [_truth(row // 2 + 1) for row in range(80)]
        router.fit(other)
        assert _classes(router).rows("pets", LABELS) == 80
        # what the arms cost and are worth was known
        assert router.knowledge.outcomes == 80


def test_labels_of_a_table_that_was_learned_before_they_were_known_come_later() -> None:
    with closing(_router()) as router:
        router.fit(_table(40).drop_columns(["reference", "response"]))
        outcomes = router.knowledge.outcomes
        assert not _classes(router).ready("pets", LABELS)
        router.fit(_table(40))
        assert router.knowledge.outcomes == outcomes
        assert _classes(router).ready("pets", LABELS)


def test_rows_without_a_data_set_are_of_the_task_that_fit_names() -> None:
    with closing(_router()) as router:
        router.fit(_table(40, dataset=None))
        assert _classes(router).state()["tasks"] == 0
        router.fit(_table(40, dataset=None), task="pets")
        assert _classes(router).ready("pets", LABELS)


def test_a_router_without_students_takes_nothing_of_texts_into_its_log() -> None:
    store = MemoryStore()
    with closing(_router(store, student=False)) as router:
        router.fit(_table(40))
    (record,) = [entry.record for entry in store.read()]
    assert isinstance(record, Recorded)
    assert (record.words, record.answers, dict(record.classes)) == ((), (), {})


def test_taught_texts_make_the_student_ready_and_cost_nothing() -> None:
    with closing(_router(policy="greedy", cost_weight=1.0)) as router:
        texts = [_text(n) for n in range(LEAST_ROWS - 1)]
        router.teach(texts, [_truth(n) for n in range(len(texts))], labels=LABELS, task="pets")
        assert not _classes(router).ready("pets", LABELS)
        router.teach([_text(90)], [_truth(90)], labels=LABELS[::-1], task="pets")
        assert _classes(router).ready("pets", LABELS)
        more = range(100, 160)
        router.teach([_text(n) for n in more], [_truth(n) for n in more], task="pets")
        found = [router.classify_sync(_text(n), LABELS, task="pets") for n in range(200, 230)]
        assert router.knowledge.outcomes == 0
    own = [(n, each) for n, each in enumerate(found, 200) if each.arm == STUDENT]
    assert own
    assert all(each.label == _truth(n) for n, each in own)


def test_a_task_without_a_name_is_taught_by_its_labels() -> None:
    with closing(_router(policy="greedy", cost_weight=1.0)) as router:
        rows = range(90)
        router.teach([_text(n) for n in rows], [_truth(n) for n in rows], labels=LABELS)
        found = [router.classify_sync(_text(n), LABELS) for n in range(100, 120)]
    assert sum(each.arm == STUDENT for each in found) >= 10


def test_a_taught_text_is_known_as_the_one_that_will_be_asked_about() -> None:
    examples = [("miaow", "cat"), ("wuff", "dog")]
    form = form_of(metallm.Task("pets", "single", LABELS, examples=examples))
    store = MemoryStore()
    with closing(_router(store)) as router:
        router.teach(
            [_text(0), _text(1)], LABELS, labels=LABELS, task="pets", messages=form.messages
        )
        query = Query.of(form.messages(_text(0)), task="pets", text=_text(0))
        (decision,), _ = router.decide_queries([query], labels=LABELS)
    record = next(iter(store.read())).record
    assert isinstance(record, Recorded)
    assert any(np.array_equal(each, decision.context) for each in record.contexts)


def test_the_same_texts_taught_again_change_nothing_and_other_labels_do() -> None:
    with closing(_router()) as router:
        texts, truth = [_text(n) for n in range(40)], [_truth(n) for n in range(40)]
        router.teach(texts, truth, task="pets")
        known = _known(router)
        router.teach(texts, truth, task="pets")
        assert _known(router) == known
        router.teach(texts, truth[::-1], task="pets")
        assert _classes(router).rows("pets", LABELS) == 80


def test_many_texts_are_taught_in_parts_each_with_all_labels() -> None:
    store = MemoryStore()
    with closing(_router(store)) as router:
        texts = [f"text {number}" for number in range(2200)]
        truth = [LABELS[number >= 1100] for number in range(2200)]
        router.teach(texts, truth, task="sorted")
        assert _classes(router).rows("sorted", LABELS) == 2200
    parts = [entry.record for entry in store.read()]
    assert [len(part.labels) for part in parts if isinstance(part, Recorded)] == [1000, 1000, 200]
    for part in parts:
        assert isinstance(part, Recorded)
        assert 0.4 < part.labels.count("dog") / len(part.labels) < 0.6


@pytest.mark.parametrize(
    ("texts", "truth", "labels", "error", "message"),
    [
        (["a"], ["bird"], LABELS, UnknownLabelError, "bird"),
        (["a", "b"], ["cat"], LABELS, InputError, "2 texts need as many true labels, not 1"),
        (["a", " "], ["cat", "dog"], None, InputError, "the query is empty"),
        (["a"], ["cat"], None, InputError, "2 labels or more"),
    ],
)
def test_what_cannot_be_taught_is_refused_and_nothing_is_learned(
    texts: list[str], truth: list[str], labels: Any, error: type[Exception], message: str
) -> None:
    store = MemoryStore()
    with closing(_router(store)) as router, pytest.raises(error, match=message):
        router.teach(texts, truth, labels=labels)
    assert list(store.read()) == []


def test_a_router_that_learns_no_tasks_cannot_be_taught() -> None:
    with closing(_router(student=False)) as router, pytest.raises(ConfigurationError, match="stud"):
        router.teach(["a", "b"], ["cat", "dog"])


steps = st.lists(
    st.sampled_from(["fit 40", "fit 60", "teach", "teach other", "live", "restart"]),
    min_size=2,
    max_size=6,
)


@settings(max_examples=12, deadline=None)
@given(steps=steps)
def test_fitted_taught_and_live_labels_are_the_same_once_folded_again(
    tmp_path_factory: pytest.TempPathFactory, steps: list[str]
) -> None:
    path = tmp_path_factory.mktemp("log") / "log.db"
    ids = counting_ids()
    disturbed, undisturbed = _router(path, new_id=ids), _router()
    for place, step in enumerate(steps):
        if step == "restart":
            disturbed.close()
            disturbed = _router(path, new_id=ids)
            continue
        assert _done(disturbed, step, place) == _done(undisturbed, step, place)
    assert _known(disturbed) == _known(undisturbed)
    # and from the log alone, without its snapshots
    bare = MemoryStore()
    bare.append(list(_records(disturbed))).result()
    with closing(_router(bare)) as rebuilt:
        assert _known(rebuilt) == _known(undisturbed)
        assert rebuilt.knowledge.dump() == disturbed.knowledge.dump()
    disturbed.close()
    undisturbed.close()


def _done(router: Router, step: str, place: int) -> Any:
    """What one step of a router's life told."""
    if step.startswith("fit"):
        return router.fit(_table(int(step[4:])))
    if step.startswith("teach"):
        rows = range(100, 140) if step == "teach" else range(place, place + 35)
        return router.teach([_text(n) for n in rows], [_truth(n) for n in rows], task="pets")
    told = []
    for number in range(3):
        found = router.classify_sync(_text(number), LABELS, task="pets", max_calls=2)
        router.feedback(found.decision_id, label=_truth(number))
        told.append((found.label, found.arm, dict(found.probabilities)))
    return told


def _records(router: Router) -> Iterator[Record]:
    return (entry.record for entry in router.entries())


@given(count=st.integers(0, 200))
def test_a_mixed_order_has_every_row_once(count: int) -> None:
    assert sorted(mixed(count)) == list(range(count))
    assert mixed(count) == mixed(count)


def test_rows_of_tasks_without_labels_teach_no_student(tmp_path: Path) -> None:
    rows = _table(40).to_pylist()
    sums = [
        {**each, "dataset": "sums", "query": f"sum {place}", "reference": f"solution {place}"}
        for place, each in enumerate(rows)
    ]
    with closing(_router(tmp_path / "log.db")) as router:
        router.fit(pa.Table.from_pylist([*rows, *sums]))
        assert _classes(router).state()["tasks"] == 1
        assert _classes(router).rows("pets", LABELS) == 40
        record = next(_records(router))
    assert isinstance(record, Recorded)
    assert sum(len(words) > 0 for words in record.words) == 40
