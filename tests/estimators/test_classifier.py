"""The scikit-learn face: what it learns, whom it asks, what it costs, and that it can be kept."""

from __future__ import annotations

import asyncio
import math
import pickle
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from sklearn.base import clone
from sklearn.exceptions import NotFittedError
from sklearn.model_selection import GridSearchCV, cross_validate
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import FunctionTransformer

import metallm
from metallm.core.arm import Arm
from metallm.core.classes import STUDENT
from metallm.core.completion import ChatRequest, Completion
from metallm.errors import (
    ColumnError,
    ConfigurationError,
    ProviderError,
    UnknownDecisionError,
    UnknownPriceError,
)
from metallm.estimators.classifier import Classifier
from metallm.providers.scripted import USAGE, Scripted, ScriptedProvider
from metallm.store.memory import MemoryStore
from pets import LABELS, knows, odd, text, truth

CHEAP = metallm.Arm("sim/cheap", 0.1, 0.4, prior_quality=0.9)
DEAR = metallm.Arm("sim/dear", 10.0, 40.0, prior_quality=0.9)
CALL_USD = (USAGE.input_tokens * 0.1 + USAGE.output_tokens * 0.4) / 1e6
"""What a scripted answer of the cheap arm is billed."""

X = [text(number) for number in range(120)]
Y = [truth(number) for number in range(120)]
ODD = [odd(number) for number in range(6)]
ODD_Y = [truth(number) for number in range(6)]


def _silent(_arm: Arm, _request: ChatRequest) -> Scripted:
    return "I cannot tell."


@pytest.fixture(name="make")
def _make() -> Iterator[Callable[..., Classifier]]:
    """Makes classifiers that ask an arm that knows all, and closes them."""
    made: list[Classifier] = []

    def make(**options: Any) -> Classifier:
        given = {"arms": [CHEAP], "provider": ScriptedProvider(knows), "task": "pets", **options}
        made.append(Classifier(**given))
        return made[-1]

    yield make
    for each in made:
        each.close()


def _calls(classifier: Classifier) -> int:
    assert isinstance(classifier.provider, ScriptedProvider)
    return classifier.provider.count()


def test_a_fit_asks_nobody_and_the_student_answers_what_it_knows(
    make: Callable[..., Classifier],
) -> None:
    classifier = make().fit(X[:100], Y[:100])
    assert (_calls(classifier), classifier.cost_usd_) == (0, 0.0)
    assert classifier.classes_.tolist() == ["cat", "dog"]
    assert classifier.score(X[100:], Y[100:]) == 1.0
    asked = _calls(classifier)
    assert asked < 10
    arms = [classifier.router_.decision(each).arm for each in classifier.decision_ids_]
    assert arms.count(STUDENT) == 20 - asked
    assert classifier.cost_usd_ == pytest.approx(asked * CALL_USD)


def test_what_the_student_does_not_know_an_arm_is_asked(make: Callable[..., Classifier]) -> None:
    classifier = make().fit(X, Y)
    assert classifier.predict(ODD).tolist() == ODD_Y
    assert _calls(classifier) == len(ODD)
    assert classifier.cost_usd_ == pytest.approx(len(ODD) * CALL_USD)


def test_labels_and_probabilities_of_the_same_texts_are_asked_for_once(
    make: Callable[..., Classifier],
) -> None:
    classifier = make(labels=["dog", "cat"]).fit(X, Y)
    said = classifier.predict([*ODD, ODD[0]])
    chances = classifier.predict_proba(np.array(ODD))
    assert _calls(classifier) == len(ODD)
    assert chances.shape == (len(ODD), 2)
    assert chances.sum(axis=1) == pytest.approx(np.ones(len(ODD)))
    # columns as in classes_, whatever the order in which the labels are asked about
    assert classifier.classes_[chances.argmax(axis=1)].tolist() == said[:-1].tolist() == ODD_Y
    assert said[-1] == said[0]
    classifier.predict(ODD[:2])
    classifier.predict(ODD)
    assert _calls(classifier) == len(ODD) + 4


@pytest.mark.parametrize(
    "classes", [[0, 1], [False, True], [2.0, 5.0], ["b c", "a"], np.array(["x", "y"], dtype=object)]
)
def test_classes_come_back_as_they_were(make: Callable[..., Classifier], classes: Any) -> None:
    y = [classes[LABELS.index(label)] for label in Y]
    classifier = make(provider=ScriptedProvider(_silent)).fit(X, y)
    said = classifier.predict(X[:10])
    assert said.tolist() == y[:10]
    assert said.dtype == classifier.classes_.dtype == np.unique(np.asarray(y)).dtype


def test_an_answer_that_names_no_class_gives_way_to_the_likeliest(
    make: Callable[..., Classifier],
) -> None:
    provider = ScriptedProvider(_silent)
    classifier = make(policy="random", provider=provider).fit(X, Y)
    assert classifier.score(X, Y) == 1.0
    assert 40 < provider.count() < 80


@pytest.mark.parametrize("kind", [list, tuple, np.array, pd.Series, pd.DataFrame])
def test_texts_come_in_any_column(make: Callable[..., Classifier], kind: Any) -> None:
    given = kind({"text": X}) if kind is pd.DataFrame else kind(X)
    classifier = make().fit(given, pd.Series(Y))
    assert classifier.score(given[:10], Y[:10]) == 1.0


@pytest.mark.parametrize(
    ("given", "y", "message"),
    [
        ("one text", ["cat"], "several texts, such as a list, not str"),
        (iter(X), Y, "several texts"),
        ([], [], "0 samples"),
        (["a", 3], ["cat", "dog"], r"X\[1\] is of type int"),
        (["a", None], ["cat", "dog"], r"X\[1\] is of type NoneType"),
        (["a", " "], ["cat", "dog"], r"X\[1\] is empty"),
        (np.array([["a", "b"]]), ["cat"], r"one column of texts, not of shape \(1, 2\)"),
        (["a", "b"], None, "requires y"),
        (["a", "b"], ["cat"], "inconsistent numbers of samples"),
        (["a", "b"], ["cat", "cat"], "one class alone, 'cat'"),
        (["a", "b"], ["cat", "Cat"], "cannot be told apart"),
        (["a", "b"], [0.25, 0.5], "Unknown label type"),
        (["a", "b"], [1.0, math.nan], "y contains NaN"),
    ],
)
def test_what_is_no_column_of_texts_with_classes_is_refused(
    make: Callable[..., Classifier], given: Any, y: Any, message: str
) -> None:
    classifier = make()
    with pytest.raises(ValueError, match=message):
        classifier.fit(given, y)
    with pytest.raises(NotFittedError):
        classifier.predict(X)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"arms": None}, "needs arms"),
        ({"arms": "sim/cheap"}, "needs arms"),
        ({"arms": [3]}, "an Arm or a name, not int"),
        ({"arms": ["nowhere/none"]}, "price of arm"),
        ({"ask": -1}, "ask is a number of rows"),
        ({"ask": 1.5}, "ask is a number of rows"),
        ({"ask": True}, "ask is a number of rows"),
        ({"concurrency": 0}, "concurrency is a whole number from 1"),
        ({"max_calls": 9}, "max_calls is a whole number from 1 to 8"),
        ({"policy": "paper"}, "learns no tasks"),
        ({"policy": "nonsense"}, "no policy is called"),
        ({"task": metallm.Task("quiz", "choice")}, "kind single or ordinal"),
        ({"task": metallm.Task("t", labels=LABELS), "labels": LABELS}, "from the task alone"),
    ],
)
def test_parameters_that_cannot_work_are_refused_by_the_fit(
    make: Callable[..., Classifier], options: dict[str, Any], message: str
) -> None:
    classifier = make(**options)
    with pytest.raises(ConfigurationError, match=message):
        classifier.fit(X, Y)
    with pytest.raises(NotFittedError):
        classifier.predict(X)


def test_the_router_of_a_price_that_is_not_known_is_closed(tmp_path: Path) -> None:
    with pytest.raises(UnknownPriceError):
        Classifier(["nowhere/none"], store=tmp_path / "log.db").fit(X, Y)
    with Classifier([CHEAP], store=tmp_path / "log.db") as classifier:
        classifier.fit(X, Y)


def test_a_bill_that_cannot_be_known_makes_the_cost_unknown(
    make: Callable[..., Classifier],
) -> None:
    arm = metallm.Arm("sim/new", price="unknown")
    classifier = make(arms=[arm]).fit(X, Y)
    classifier.predict(ODD)
    assert math.isnan(classifier.cost_usd_)


def test_rows_that_are_asked_about_teach_what_each_arm_is_worth(
    make: Callable[..., Classifier],
) -> None:
    def says(arm: Arm, request: ChatRequest) -> Scripted:
        return knows(arm, request) if arm.name == DEAR.name else "cat"

    provider = ScriptedProvider(says)
    classifier = make(arms=[CHEAP, DEAR], provider=provider, ask=0.2, cost_weight=0.01).fit(X, Y)
    assert {arm: provider.count(arm) for arm in (CHEAP.name, DEAR.name)} == {
        CHEAP.name: 24, DEAR.name: 24,
    }  # fmt: skip
    assert classifier.cost_usd_ == pytest.approx(24 * 101 * CALL_USD)
    assert classifier.predict(ODD).tolist() == ODD_Y
    assert provider.count(CHEAP.name) == 24
    assert classifier.router_.knowledge.outcomes == 48


@pytest.mark.parametrize(("ask", "asked"), [(0, 0), (3, 3), (500, 120), (0.005, 1), (1, 1)])
def test_rows_to_ask_are_a_number_or_a_share(
    make: Callable[..., Classifier], ask: float, asked: int
) -> None:
    assert _calls(make(ask=ask).fit(X, Y)) == asked


def test_an_arm_that_fails_on_some_rows_is_judged_by_the_others_and_on_all_is_an_error(
    make: Callable[..., Classifier],
) -> None:
    def sometimes(arm: Arm, request: ChatRequest) -> Scripted:
        if X[0] in str(request.body["messages"]) or arm.name == "sim/down":
            return ProviderError(arm.name, "down")
        return knows(arm, request)

    classifier = make(provider=ScriptedProvider(sometimes), ask=120).fit(X, Y)
    assert classifier.router_.knowledge.outcomes == sum(each != X[0] for each in X)
    down = make(arms=[CHEAP, metallm.Arm("sim/down", 1.0, 1.0)],
                provider=ScriptedProvider(sometimes), ask=5)  # fmt: skip
    with pytest.raises(ProviderError, match="down"):
        down.fit(X, Y)


def test_texts_may_be_taught_bit_by_bit(make: Callable[..., Classifier]) -> None:
    classifier = make()
    with pytest.raises(ValueError, match="classes must be passed on the first call"):
        classifier.partial_fit(X[:50], Y[:50])
    for start in range(0, 100, 20):
        classifier.partial_fit(X[start : start + 20], Y[start : start + 20], classes=LABELS)
    classifier.partial_fit(X[:20], Y[:20])
    assert classifier.score(X[100:], Y[100:]) == 1.0
    learned = classifier.router_.knowledge.classes
    assert learned is not None
    assert learned.ready("pets", LABELS)
    with pytest.raises(ColumnError, match="y holds 'bird', which is none of the classes: cat, dog"):
        classifier.partial_fit(["tweet"], ["bird"])


def test_a_fit_begins_anew_and_a_later_partial_fit_goes_on(
    make: Callable[..., Classifier],
) -> None:
    classifier = make().fit(X, Y)
    classifier.predict(ODD)
    classifier.fit(X, ["up" if label == "cat" else "down" for label in Y])
    assert (classifier.cost_usd_, classifier.decision_ids_) == (0.0, ())
    assert classifier.classes_.tolist() == ["down", "up"]
    classifier.partial_fit(ODD, ["up"] * len(ODD))
    assert set(classifier.predict(X[:6]).tolist()) == {"up", "down"}


def test_feedback_teaches_the_arms_that_were_asked_and_the_student(
    make: Callable[..., Classifier],
) -> None:
    classifier = make(max_calls=2).fit(X, Y)
    classifier.predict(ODD)
    first = classifier.decision_ids_
    before = classifier.router_.knowledge.outcomes
    classifier.feedback(ODD_Y)
    assert classifier.router_.knowledge.outcomes == before + len(ODD)
    # what was learned may change answers: they are asked for anew
    classifier.predict(ODD)
    assert set(classifier.decision_ids_).isdisjoint(first)
    classifier.feedback([Y[0]], [first[0]])
    with pytest.raises(ColumnError, match="6 predictions need as many classes, not 1"):
        classifier.feedback(["cat"])
    with pytest.raises(ColumnError, match="'bird'"):
        classifier.feedback(["bird"], [first[0]])
    with pytest.raises(UnknownDecisionError):
        classifier.feedback(["cat"], ["dec_none"])


def test_of_a_text_that_is_there_several_times_the_most_frequent_class_counts(
    make: Callable[..., Classifier],
) -> None:
    classifier = make().fit(X, Y)
    classifier.predict([ODD[1]] * 3)
    classifier.feedback(["dog", "cat", "dog"])
    told = [
        each.label
        for each in classifier.router_.outcomes(classifier.decision_ids_[0])
        if each.kind == "feedback"
    ]
    assert told == ["dog"]


def test_where_a_text_gets_no_answer_the_others_are_not_asked_for_again(
    make: Callable[..., Classifier],
) -> None:
    broken = {ODD[2]}

    def fails(arm: Arm, request: ChatRequest) -> Scripted:
        if any(each in str(request.body["messages"]) for each in broken):
            return ProviderError(arm.name, "down")
        return knows(arm, request)

    classifier = make(provider=ScriptedProvider(fails), concurrency=1).fit(X, Y)
    with pytest.raises(ProviderError) as caught:
        classifier.predict(ODD)
    assert "2 of 6 texts have an answer, which is kept" in caught.value.__notes__[0]
    broken.clear()
    before = _calls(classifier)
    assert classifier.predict(ODD).tolist() == ODD_Y
    assert _calls(classifier) - before == 4


class Counted(ScriptedProvider):
    """Lets all who wait in together, and notes how many these were."""

    def __init__(self) -> None:
        super().__init__(knows)
        self.inside = self.most = 0

    async def complete(self, arm: Arm, request: ChatRequest) -> Completion:
        self.inside += 1
        self.most = max(self.most, self.inside)
        for _ in range(20):
            await asyncio.sleep(0)  # others may come in
        self.inside -= 1
        return await super().complete(arm, request)


@pytest.mark.parametrize("concurrency", [1, 3])
def test_no_more_texts_are_asked_about_at_once_than_allowed(
    make: Callable[..., Classifier], concurrency: int
) -> None:
    provider = Counted()
    classifier = make(provider=provider, concurrency=concurrency).fit(X, Y)
    assert classifier.predict(ODD).tolist() == ODD_Y
    assert provider.most == concurrency


def test_it_works_where_an_event_loop_is_running(make: Callable[..., Classifier]) -> None:
    async def in_a_notebook() -> Any:
        return make(ask=2).fit(X, Y).predict(ODD).tolist()

    assert asyncio.run(in_a_notebook()) == ODD_Y


def test_a_task_tells_the_classes_and_how_they_are_asked_about(
    make: Callable[..., Classifier],
) -> None:
    task = metallm.Task(
        "stars", "ordinal", {"low": "bad", "high": "good"}, none_of_these="none",
        instructions="You read reviews.", examples=[("fine", "high")],
    )  # fmt: skip
    provider = ScriptedProvider(lambda _arm, _request: "none of these")
    classifier = make(task=task, provider=provider).fit(X, ["LOW", "high"] * 60)
    assert classifier.classes_.tolist() == ["high", "low", "none"]
    assert classifier.predict(ODD[:1]).tolist() == ["none"]
    (_, request), *_ = provider.calls
    assert len(request.body["messages"]) == 3
    assert "You read reviews." in str(request.body)
    assert "- low: bad" in str(request.body)
    assert classifier.predict_proba(ODD[:1]).shape == (1, 3)
    with pytest.raises(ColumnError, match="'middling'"):
        classifier.partial_fit(["so so"], ["middling"])


@pytest.mark.parametrize(("true", "never"), [("cat", "dog"), ("dog", "cat")])
def test_what_an_error_costs_decides_where_nobody_knows(
    make: Callable[..., Classifier], true: str, never: str
) -> None:
    task = metallm.Task("pets", labels=LABELS, error_costs={true: {never: 20.0}})
    classifier = make(task=task, provider=ScriptedProvider(_silent)).fit(X, Y)
    assert set(classifier.predict(ODD).tolist()) == {true}
    assert classifier.score(X, Y) > 0.95


def test_it_stands_at_the_end_of_a_pipeline_and_its_parameters_are_searched(
    make: Callable[..., Classifier],
) -> None:
    classifier = make()
    lower = FunctionTransformer(lambda texts: [each.lower() for each in texts])
    pipeline = make_pipeline(lower, classifier)
    found = GridSearchCV(pipeline, {"classifier__cost_weight": [0.0, 1.0]}, cv=2).fit(X, Y)
    assert found.best_score_ > 0.95
    assert found.predict([each.upper() for each in ODD]).shape == (6,)


def test_folds_have_the_provider_in_common_and_pay_once_for_several_scores(
    make: Callable[..., Classifier],
) -> None:
    classifier = make()
    told = cross_validate(
        classifier, X + ODD, Y + ODD_Y, cv=3, scoring=["accuracy", "neg_log_loss"]
    )
    assert told["test_accuracy"].min() > 0.9
    calls = [str(request.body["messages"]) for _, request in classifier.provider.calls]  # type: ignore[union-attr]
    assert 0 < len(calls) == len(set(calls))


def test_a_clone_is_unfitted_and_shares_what_cannot_be_copied() -> None:
    original = Classifier([CHEAP], provider=ScriptedProvider(knows), store=MemoryStore())
    copied = clone(original.set_params(cost_weight=0.5))
    assert copied.get_params() == original.get_params()
    assert copied.provider is original.provider
    assert copied.store is original.store
    assert not hasattr(copied, "classes_")


def test_a_fitted_one_can_be_pickled_and_goes_on_with_what_it_learned() -> None:
    original = Classifier([CHEAP], task="pets", provider=ScriptedProvider({CHEAP.name: "cat"}))
    assert pickle.loads(pickle.dumps(original)).get_params()["task"] == "pets"
    with original.fit(X, Y):
        original.predict(ODD)
        again = pickle.loads(pickle.dumps(original))
        assert again.cost_usd_ == original.cost_usd_ > 0.0
        # the log of these decisions stayed behind
        assert again.decision_ids_ == ()
        assert again.predict_proba(X[:10]).tolist() == original.predict_proba(X[:10]).tolist()
        with again.partial_fit(X[:3] * 2, Y[:3] * 2):
            again.predict(ODD)
            again.feedback(ODD_Y)


def test_closing_lets_go_of_the_log_and_what_comes_next_opens_it_again(tmp_path: Path) -> None:
    path = tmp_path / "log.db"
    first = Classifier([CHEAP], task="pets", provider=ScriptedProvider(knows), store=path)
    first.fit(X, Y).predict(ODD)
    ids = first.decision_ids_
    kept = pickle.dumps(first)
    first.close()
    first.close()
    with pickle.loads(kept) as second:
        assert second.decision_ids_ == ids
        second.feedback(ODD_Y)
        assert second.router_.knowledge.outcomes == len(ODD)
    with first:
        assert first.router_.knowledge.outcomes == len(ODD)


def test_a_fit_on_the_same_log_goes_on_and_learns_the_same_texts_once(tmp_path: Path) -> None:
    options: dict[str, Any] = {"task": "pets", "store": tmp_path / "log.db"}
    rows = []
    for _ in range(2):
        with Classifier([CHEAP], provider=ScriptedProvider(knows), **options) as classifier:
            learned = classifier.fit(X, Y).router_.knowledge.classes
            rows.append(getattr(learned, "rows")("pets", LABELS))  # noqa: B009 - not of the protocol
    assert rows == [120, 120]


def test_what_is_held_by_a_store_of_ones_own_cannot_be_pickled() -> None:
    classifier = Classifier([CHEAP], store=MemoryStore()).fit(X, Y)
    with classifier, pytest.raises(ConfigurationError, match="give the path of its log"):
        pickle.dumps(classifier)


def test_a_closed_memory_goes_on_too(make: Callable[..., Classifier]) -> None:
    classifier = make().fit(X, Y)
    before = classifier.predict_proba(X[:5]).tolist()
    classifier.close()
    assert classifier.predict_proba(X[:5]).tolist() == before
