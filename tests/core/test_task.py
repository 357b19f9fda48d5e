from __future__ import annotations

import copy
import pickle
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

import metallm
from metallm.core.task import SEPARATOR, Task
from metallm.errors import InputError, UnknownLabelError

names = st.text(st.characters(categories=["Ll", "Lo"]), min_size=1, max_size=6)
label_sets = st.lists(names, min_size=2, max_size=6, unique_by=str.upper)


def test_a_task_is_a_public_name() -> None:
    assert metallm.Task is Task


def test_labels_may_come_with_what_they_mean() -> None:
    task = Task("mail", labels={"spam": "unasked advertising", "ham": ""})
    assert task.labels == ("spam", "ham")
    assert task.descriptions == {"spam": "unasked advertising"}
    apart = Task("mail", labels=["spam", "ham"], descriptions={"spam": "unasked advertising"})
    assert apart == task
    assert hash(apart) == hash(task)


def test_a_task_may_be_copied_with_another_field() -> None:
    task = Task(
        "mail",
        "multi",
        {"ad": "an offer", "bill": ""},
        examples=[("Buy and pay", ["bill", "ad"])],
        none_of_these="other",
    )
    assert replace(task, name="post").examples == (("Buy and pay", "ad | bill"),)
    assert replace(task, name="post") == replace(task, name="post")
    assert replace(task, name="post") != task


@pytest.mark.parametrize("copied", [copy.deepcopy, lambda task: pickle.loads(pickle.dumps(task))])
@pytest.mark.parametrize(
    "task",
    [
        Task("quiz", "choice"),
        Task("stars", "ordinal", ["1", "2", "3"], none_of_these="?", instructions="Count."),
        Task("mail", "multi", {"ad": "an offer", "bill": ""}, examples=[("Pay", ["bill", "ad"])]),
        Task("t", labels=["a", "b"], error_costs={"a": {"b": 5.0}}, template="So: {text}"),
    ],
    ids=lambda task: str(task.kind),
)
def test_a_task_can_be_pickled_and_copied(task: Task, copied: Callable[[Task], Task]) -> None:
    again = copied(task)
    assert again == task
    assert again.largest_cost == task.largest_cost
    assert [again.canonical(label) for label in task.labels] == list(task.labels)


def test_a_choice_has_four_letters_unless_it_names_them() -> None:
    assert Task("quiz", "choice").labels == ("A", "B", "C", "D")
    assert Task("quiz", "choice", ["A", "B"]).labels == ("A", "B")


def test_none_of_these_joins_the_labels_and_may_stand_among_them() -> None:
    assert Task("t", labels=["a", "b"], none_of_these="other").labels == ("a", "b", "other")
    among = Task("t", labels=["a", "Other", "b"], none_of_these="other")
    assert (among.labels, among.none_of_these) == (("a", "Other", "b"), "Other")
    assert Task("t", labels=["a"], none_of_these="other").labels == ("a", "other")


@pytest.mark.parametrize(
    ("fields", "told"),
    [
        ({"name": " "}, "needs a name"),
        ({"name": 3}, "needs a name"),
        ({"kind": "dual"}, "kind is one of single, multi, ordinal, choice, not 'dual'"),
        ({"labels": []}, "'t': .*2 labels or more, not 0"),
        ({"labels": ["a"]}, "'t': .*2 labels or more, not 1"),
        ({"labels": "ab"}, "'t': labels must be a list"),
        ({"labels": "ab", "none_of_these": "c"}, "'t': labels must be a list"),
        ({"labels": ["a", "A"]}, "'t': .*cannot be told apart"),
        ({"labels": ["a", " "]}, "not empty"),
        ({"none_of_these": ""}, "not empty"),
        ({"kind": "multi", "labels": ["a|b", "c"]}, "'a|b' holds"),
        ({"kind": "ordinal", "labels": ["a"], "none_of_these": "x"}, "2 levels or more"),
        ({"kind": "choice", "labels": ["A", "b"]}, "one capital of A to Z, not 'b'"),
        ({"kind": "choice", "labels": ["A", "AB"]}, "one capital"),
        ({"kind": "choice", "labels": ["A", "A"]}, "2 to 26 options"),
        ({"kind": "choice", "labels": ["A"]}, "2 to 26 options"),
        ({"kind": "choice", "labels": ["A", "B"], "none_of_these": "C"}, "among its options"),
        ({"kind": "choice", "labels": {"A": "Paris", "B": "Rome"}}, "stand in the text"),
        ({"descriptions": {"c": "what?"}}, "'c' is not one of the labels: a, b"),
        ({"descriptions": {"a": 3}}, "description of 'a' must be a text"),
        ({"labels": {"a": "1", "b": "2"}, "descriptions": {"a": "3"}}, "in one place"),
        ({"instructions": 3}, "instructions must be a text"),
        ({"template": 3}, "template must be a text"),
        ({"examples": ["ab"]}, r"examples\[0\] is no pair"),
        ({"examples": [("x", "a"), ("x", "a", "b")]}, r"examples\[1\] is no pair"),
        ({"examples": [(" ", "a")]}, r"examples\[0\] is empty"),
        ({"examples": [("x", "c")]}, "'c' is not one of the labels"),
        ({"examples": [("x", ["a", "b"])]}, "one label a text"),
        ({"error_costs": {("a", "c"): 1.0}}, "'c' is not one of the labels"),
        ({"error_costs": {("a", "b"): -1.0}}, "'b' where 'a' is true must be .*0 or more"),
        ({"error_costs": {("a", "b"): float("inf")}}, "0 or more"),
        ({"error_costs": {("a", "b"): "1"}}, "must be a number"),
        ({"error_costs": {("a", "a"): 1.0}}, "a right answer costs nothing"),
        ({"error_costs": {("a", "b"): 0.0, ("b", "a"): 0.0}}, "at least one error must cost"),
        ({"error_costs": {"a": 1.0}}, "go by"),
        ({"kind": "multi", "error_costs": {("a", "b"): 1.0}}, "one label a text"),
    ],
)
def test_a_task_that_cannot_be_asked_or_scored_is_refused(
    fields: dict[str, Any], told: str
) -> None:
    with pytest.raises(InputError, match=told):
        Task(**{"name": "t", "labels": ["a", "b"], **fields})


def test_a_label_is_spelled_as_the_task_spells_it() -> None:
    task = Task("t", labels=["Card Arrival", "Straße"])
    assert task.canonical(" card  ARRIVAL") == "Card Arrival"
    assert task.canonical("STRASSE") == "Straße"
    for unknown in ("card", "", "Card Arrival | Straße"):
        with pytest.raises(UnknownLabelError):
            task.canonical(unknown)


def test_several_labels_are_joined_in_the_task_s_order() -> None:
    task = Task("t", "multi", ["b", "a", "c d"])
    assert task.canonical("A|b") == "b | a"
    assert task.canonical(["c  d", "a", "A"]) == "a | c d"
    assert task.canonical("a") == "a"
    with pytest.raises(InputError, match="no label is named"):
        task.canonical([])


def test_none_of_these_stands_for_no_labels_and_beside_none() -> None:
    task = Task("t", "multi", ["a", "b"], none_of_these="other")
    assert task.canonical([]) == "other"
    with pytest.raises(InputError, match="stands beside a"):
        task.canonical("a | other")


@given(labels=label_sets, data=st.data())
def test_joined_labels_come_apart_again(labels: list[str], data: st.DataObject) -> None:
    task = Task("t", "multi", labels)
    chosen = data.draw(st.lists(st.sampled_from(labels), min_size=1, unique=True))
    joined = task.canonical(chosen)
    assert set(task.parts(joined)) == set(chosen)
    assert task.canonical(joined) == joined == SEPARATOR.join(task.parts(joined))


def test_an_error_is_wholly_wrong_where_nothing_else_was_said() -> None:
    task = Task("t", labels=["a", "b", "c"])
    assert [task.quality(said, "a") for said in ("a", "A ", "b", None)] == [1.0, 1.0, 0.0, 0.0]


@pytest.mark.parametrize(
    "costs",
    [{("spam", "ham"): 0.5, ("ham", "spam"): 4}, {"spam": {"ham": 0.5}, "ham": {"SPAM": 4}}],
)
def test_quality_falls_with_what_the_error_costs(costs: Any) -> None:
    task = Task("mail", labels=["spam", "ham", "news"], error_costs=costs)
    assert task.largest_cost == 4.0
    assert task.quality("ham", truth="spam") == 1.0 - 0.5 / 4.0
    assert task.quality("spam", truth="ham") == 0.0
    assert task.quality("news", truth="ham") == 0.75  # costs 1, as nothing else was said
    assert task.cost(None, truth="ham") == 4.0


def test_costs_below_one_count_beside_the_usual_ones() -> None:
    task = Task("t", labels=["a", "b"], error_costs={("a", "b"): 0.2, ("b", "a"): 0.1})
    assert task.quality("b", "a") == 0.0
    assert task.quality("a", "b") == 0.5
    assert Task("t", labels=["a", "b"], error_costs={("a", "b"): 0.2}).quality("b", "a") == 0.8


def test_a_whole_matrix_of_costs_may_be_given_with_its_zeros() -> None:
    task = Task("t", labels=["a", "b"], error_costs={"a": {"a": 0, "b": 2}, "b": {"a": 1, "b": 0}})
    assert task.error_costs == {("a", "b"): 2.0, ("b", "a"): 1.0}


def test_an_ordinal_s_errors_cost_their_distance() -> None:
    task = Task("stars", "ordinal", ["1", "2", "3", "4", "5"])
    assert [task.quality(said, "2") for said in task.labels] == [0.75, 1.0, 0.75, 0.5, 0.25]
    assert task.quality(None, "3") == 0.0


def test_none_of_these_stands_off_the_scale() -> None:
    for labels in (["low", "mid", "high"], ["low", "n/a", "mid", "high"]):
        task = Task("risk", "ordinal", labels, none_of_these="n/a")
        assert task.quality("mid", "low") == 0.5
        assert task.quality("n/a", "low") == task.quality("low", "n/a") == 0.0
        assert task.quality("n/a", "n/a") == 1.0


def test_several_labels_are_scored_by_those_they_share() -> None:
    task = Task("t", "multi", ["a", "b", "c"], none_of_these="other")
    assert task.quality("a | b", "a | b") == 1.0
    assert task.quality("a", ["a", "b"]) == 0.5
    assert task.quality("a | c", "a | b") == pytest.approx(1 / 3)
    assert task.quality("other", "a") == 0.0
    assert task.quality([], "other") == 1.0
    assert task.quality(None, "other") == 0.0


@pytest.mark.parametrize("kind", ["single", "multi", "ordinal"])
def test_a_truth_outside_the_labels_is_refused(kind: Any) -> None:
    task = Task("t", kind, ["a", "b"])
    for said in ("a", None):
        with pytest.raises(UnknownLabelError, match="'c' is not one of the labels: a, b"):
            task.quality(said, "c")


tasks = st.builds(
    lambda kind, labels, none: Task("t", kind, labels, none_of_these=none),
    st.sampled_from(["single", "multi", "ordinal"]),
    label_sets,
    st.sampled_from([None, "NONE OF THESE"]),
)


@given(task=tasks, data=st.data())
def test_quality_is_a_share_and_one_for_what_is_right_alone(
    task: Task, data: st.DataObject
) -> None:
    said, truth = data.draw(st.tuples(*[st.sampled_from(task.labels)] * 2))
    assert (task.quality(said, truth) == 1.0) == (said == truth)
    assert 0.0 <= task.quality(said, truth) <= 1.0
    assert task.quality(said, truth) == task.quality(truth, said)


@given(labels=label_sets, given=st.floats(0.0, 1e6), factor=st.floats(0.01, 100.0), data=st.data())
def test_the_unit_of_costs_makes_no_difference(
    labels: list[str], given: float, factor: float, data: st.DataObject
) -> None:
    def scaled(unit: float) -> Task:
        pairs = [(a, b) for a in labels for b in labels if a != b]
        costs = {pair: unit * (given if pair == pairs[0] else 1.0) for pair in pairs}
        return Task("t", labels=labels, error_costs=costs)

    pair = data.draw(st.tuples(*[st.sampled_from(labels)] * 2))
    assert scaled(1.0).quality(*pair) == pytest.approx(scaled(factor).quality(*pair))


def test_a_thousand_labels_are_a_task() -> None:
    labels = [f"label {number}" for number in range(1000)]
    for make in (Task("t", labels=labels), Task("t", "ordinal", labels)):
        assert make.canonical("LABEL 999") == "label 999"
        assert make.quality("label 0", "label 999") == 0.0


def shout(label: str) -> str:
    return f"  {label.upper()}\n"


@pytest.mark.parametrize("spell", [str, shout])
@given(labels=label_sets)
def test_any_spelling_of_a_label_is_that_label(
    spell: Callable[[str], str], labels: list[str]
) -> None:
    task = Task("t", labels=labels)
    assert [task.canonical(spell(label)) for label in labels] == labels
