"""What real inputs and real models do to classifications, through the router's own door."""

from __future__ import annotations

from typing import Any

import pytest

import metallm
from doubles import CHEAP, DEAR, HashEmbedder
from metallm.assembly import Router
from metallm.core.classes import STUDENT
from metallm.errors import FeedbackConflictError, InputError, UnknownLabelError
from metallm.providers.scripted import ScriptedProvider

NESTED = ["card", "card arrival", "card arrival late", "not a card"]
SCRIPTS = ["契約", "счёт", "απάντηση", "שאלה", "สัญญา"]


def says(said: str) -> ScriptedProvider:
    return ScriptedProvider(lambda _arm, _request: said)


def routed(said: str, **options: Any) -> Router:
    given = {"provider": says(said), "embedder": HashEmbedder(), "policy": "greedy", **options}
    return metallm.Router([CHEAP, DEAR], **given)


@pytest.mark.parametrize(
    ("labels", "said", "read"),
    [
        (NESTED, "Card arrival.", "card arrival"),
        (NESTED, "It is about a card arrival late in the week", "card arrival late"),
        (NESTED, "not a card", "not a card"),
        (SCRIPTS, "СЧЁТ", "счёт"),
        (SCRIPTS, '{"label": "契約"}', "契約"),
        (SCRIPTS, "Answer: Απάντηση", "απάντηση"),
        (SCRIPTS, "สัญญา", "สัญญา"),
        (["positive", "negative"], "Das ist eindeutig positiv.", None),
        (["positive", "negative"], "肯定的", None),
        (["positive", "negative"], "I cannot classify this text as positive.", None),
        (["positive", "negative"], "", None),
    ],
)
def test_an_answer_is_read_or_counts_as_wrong(
    labels: list[str], said: str, read: str | None
) -> None:
    router = routed(said)
    found = router.classify_sync("some text", labels, task="odd")
    assert found.label == read
    truth = labels[0] if read is None else read
    assert router.feedback(found.decision_id, label=truth).quality == float(read is not None)
    router.close()


def test_a_text_of_a_megabyte_is_sent_whole_and_learned_from() -> None:
    provider = says("spam")
    router = routed("", provider=provider)
    text = "buy now, it is cheap " * 50_000
    found = router.classify_sync(text, ["spam", "ham"], task="mail")
    assert found.label == "spam"
    assert text in provider.calls[-1][1].body["messages"][0]["content"]
    assert router.feedback(found.decision_id, label="spam").quality == 1.0
    router.close()


def test_a_thousand_labels_are_asked_learned_and_answered_by_the_student() -> None:
    labels = [f"topic number {n}" for n in range(1000)]
    router = routed("topic number 7", cost_weight=0.5)
    router.teach(
        [f"{'apples' if n % 2 else 'pears'} {n}" for n in range(60)],
        [labels[n % 2] for n in range(60)],
        labels=labels,
        task="many",
    )
    found = router.classify_sync("apples 99", labels, task="many")
    assert STUDENT in found.decision.propensities
    assert sum(found.probabilities.values()) == pytest.approx(1.0)
    found = router.classify_sync("something else", labels, task="other")
    assert found.label == "topic number 7"
    with pytest.raises(UnknownLabelError, match="topic number 19 and 980 more"):
        router.feedback(found.decision_id, label="topic number 1000")
    router.close()


@pytest.mark.parametrize("labels", [[], ["one"], ["one", "One "], ["one", ""], "one, two"])
def test_a_set_of_labels_that_tells_nothing_apart_is_refused(labels: list[str]) -> None:
    router = routed("one")
    with pytest.raises(InputError):
        router.classify_sync("some text", labels)
    assert router.knowledge.decisions == 0
    router.close()


def test_a_truth_outside_the_labels_or_a_second_one_changes_nothing() -> None:
    router = routed("yes")
    found = router.classify_sync("some text", ["yes", "no", "maybe"], task="answers")
    with pytest.raises(UnknownLabelError):
        router.feedback(found.decision_id, label="never")
    assert router.knowledge.outcomes == 0
    router.feedback(found.decision_id, label="no")
    state = router.knowledge.dump()
    with pytest.raises(FeedbackConflictError):
        router.feedback(found.decision_id, label="maybe")
    assert router.knowledge.dump() == state
    assert router.feedback(found.decision_id, label="maybe", replace=True).label == "maybe"
    router.close()
