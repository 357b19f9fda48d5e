"""Tasks of every kind through the router: asked, read, scored, learned, and after a restart."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest

import metallm
from doubles import CHEAP, DEAR, HashEmbedder, counting_ids
from metallm.assembly import Router
from metallm.core.arm import Arm
from metallm.core.classes import EVIDENCE, STUDENT
from metallm.core.completion import ChatRequest
from metallm.core.task import Task
from metallm.errors import (
    ConfigurationError,
    FeedbackConflictError,
    InputError,
    UnknownLabelError,
)
from metallm.providers.scripted import Scripted, ScriptedProvider
from metallm.router.engine import Engine

MAIL = Task(
    "mail",
    "single",
    ["billing", "login"],
    none_of_these="other",
    instructions="You sort mail.",
    examples=[("Where is my invoice?", "billing")],
    error_costs={"login": {"billing": 5.0}},
)
STARS = Task("stars", "ordinal", ["1", "2", "3", "4", "5"])
TOPICS = Task("topics", "multi", ["sports", "politics", "tech"])
QUIZ = Task("quiz", "choice")
TASKS = (MAIL, STARS, TOPICS, QUIZ)


class Says(ScriptedProvider):
    """Arms that all say the same."""

    def __init__(self, said: str) -> None:
        super().__init__(self._reply)
        self.said = said

    def _reply(self, _arm: Arm, _request: ChatRequest) -> Scripted:
        return self.said


def routed(
    said: str, tasks: Sequence[Task] = TASKS, *, arms: Sequence[Arm] = (CHEAP, DEAR), **options: Any
) -> Router:
    return metallm.Router(
        arms,
        embedder=HashEmbedder(),
        provider=Says(said),
        new_id=counting_ids(),
        tasks=tasks,
        **options,
    )


@pytest.fixture(name="log")
def _log(tmp_path: Path) -> Path:
    return tmp_path / "log.db"


@pytest.mark.parametrize(
    ("task", "said", "read", "truth", "quality"),
    [
        (MAIL, "login", "login", "Login", 1.0),
        (MAIL, "billing", "billing", "login", 0.0),
        (MAIL, "login", "login", "billing", 0.8),
        (MAIL, "none of these", "other", "other", 1.0),
        (MAIL, "who knows", None, "other", 0.0),
        (STARS, "4 stars", "4", "5", 0.75),
        (STARS, "1", "1", "5", 0.0),
        (TOPICS, "tech, sports", "sports | tech", ["tech", "Sports"], 1.0),
        (TOPICS, "sports", "sports", "tech|sports", 0.5),
        (TOPICS, '{"labels": ["tech"]}', "tech", "politics", 0.0),
        (QUIZ, "B) because of that", "B", "b", 1.0),
        (QUIZ, "B", "B", "C", 0.0),
    ],
)
def test_a_declared_task_is_read_and_scored_by_its_name(
    task: Task, said: str, read: str | None, truth: str | list[str], quality: float
) -> None:
    router = routed(said)
    found = router.classify_sync("some text", task=task.name)
    assert found.label == read
    assert (found.decision.task, found.decision.labels) == (task.name, task.labels)
    assert router.feedback(found.decision_id, label=truth).quality == pytest.approx(quality)
    logged = router.outcomes(found.decision_id)[-1]
    assert logged.quality == pytest.approx(quality)
    assert logged.label == task.canonical(truth)
    router.close()


def test_prompt_and_format_are_the_tasks() -> None:
    arm = metallm.Arm("sim/one", 1.0, 2.0, structured=True)
    provider = Says('{"label": "login"}')
    router = metallm.Router([arm], embedder=HashEmbedder(), provider=provider, tasks=TASKS)
    assert router.classify_sync("cannot sign in", task="mail").label == "login"
    request = provider.calls[-1][1]
    said = [each["content"] for each in request.body["messages"]]
    assert [each["role"] for each in request.body["messages"]] == ["user", "assistant", "user"]
    assert said[1] == "billing"
    assert "You sort mail." in said[2]
    assert request.answer_format is not None
    assert request.answer_format["json_schema"]["schema"]["properties"]["label"]["enum"] == [
        "billing", "login", "other",
    ]  # fmt: skip
    router.close()


def test_a_task_in_place_of_labels_needs_no_declaration() -> None:
    router = routed("4", ())
    found = router.classify_sync("fine", STARS)
    assert found.decision.task == "stars"
    assert router.feedback(found.decision_id, label="3").quality == 0.75
    with pytest.raises(InputError, match="another task is called 'stars'"):
        router.classify_sync("fine", Task("stars", "single", STARS.labels))
    router.close()


def test_other_labels_under_a_declared_name_are_refused_and_reach_nobody() -> None:
    router = routed("billing")
    for labels in (["billing", "login"], ["spam", "ham"], Task("mail", "single", ["a", "b"])):
        with pytest.raises(InputError, match="declared with the labels billing, login, other"):
            router.classify_sync("hello", labels, task="mail")
    with pytest.raises(InputError, match="another task is called 'mail'"):
        router.classify_sync("hello", Task("mail", "single", MAIL.labels))
    with pytest.raises(InputError, match="no task 'post' is declared"):
        router.classify_sync("hello", task="post")
    assert router.knowledge.decisions == 0
    router.close()


def test_two_declared_tasks_of_one_name_cannot_be() -> None:
    with pytest.raises(ConfigurationError, match="two tasks are called 'mail'"):
        routed("", [MAIL, MAIL])


def test_settings_declare_tasks(tmp_path: Path) -> None:
    from metallm.settings import load_settings

    path = tmp_path / "metallm.toml"
    path.write_text(
        '[store]\npath = ""\n[[arms]]\nname = "sim/one"\ninput_price = 1.0\noutput_price = 2.0\n'
        '[[tasks]]\nname = "stars"\nkind = "ordinal"\nlabels = ["1", "2", "3"]\n'
    )
    router = Router.from_settings(load_settings(path), provider=Says("2"))
    found = router.classify_sync("so so", task="stars")
    assert router.feedback(found.decision_id, label="3").quality == 0.5
    router.close()


def test_feedback_after_a_restart_is_scored_by_the_declared_task(log: Path) -> None:
    router = routed("4", store=log)
    found = router.classify_sync("fine", task="stars")
    router.close()
    again = routed("4", store=log)
    assert again.feedback(found.decision_id, label="5").quality == 0.75
    again.close()


def test_costs_that_change_later_change_nothing_of_the_past(log: Path) -> None:
    router = routed("billing", store=log)
    found = router.classify_sync("cannot sign in", task="mail")
    assert router.feedback(found.decision_id, label="login").quality == 0.0
    router.close()
    cheaper = Task("mail", "single", MAIL.labels, error_costs={"billing": {"other": 4.0}})
    again = routed("billing", [cheaper], store=log)
    state = again.knowledge.dump()
    # the same label once more is no contradiction, and is learned once
    assert again.feedback(found.decision_id, label="Login").quality == 0.0
    assert again.knowledge.dump() == state
    with pytest.raises(FeedbackConflictError):
        again.feedback(found.decision_id, label="other")
    assert again.feedback(found.decision_id, label="login", replace=True).quality == 0.75
    again.close()


def test_the_letters_of_options_have_no_student() -> None:
    router = routed("B", policy="greedy")
    for number in range(40):
        found = router.classify_sync(f"question {number}", task="quiz")
        assert router.decision(found.decision_id).words == b""
        router.feedback(found.decision_id, label="AB"[number % 2])
    # as if the name had been that of plain labels before
    texts, truth = [f"text {n}" for n in range(40)], ["A", "B"] * 20
    Engine.teach(router, texts, truth, labels=QUIZ.labels, task="quiz")
    found = router.classify_sync("question 41", task="quiz")
    assert STUDENT not in found.decision.propensities
    assert router.classify_sync("question 42", task="quiz", max_calls=2).arm == EVIDENCE
    router.close()


def test_several_labels_are_what_one_arm_says() -> None:
    router = routed("sports, tech")
    for number in range(40):
        found = router.classify_sync(f"text {number}", task="topics")
        assert (found.arm, found.label) == (found.calls[0].arm, "sports | tech")
        assert (found.confidence, dict(found.probabilities)) == (None, {})
        router.feedback(found.decision_id, label=["sports"] if number % 2 else ["tech", "sports"])
    assert router.knowledge.outcomes == 40
    assert STUDENT not in router.classify_sync("text 41", task="topics").decision.propensities
    with pytest.raises(InputError, match="max_calls must be 1 for task 'topics'"):
        router.classify_sync("text", task="topics", max_calls=2)
    with pytest.raises(UnknownLabelError):
        router.feedback(found.decision_id, label=["law"])
    with pytest.raises(InputError, match="no label is named"):
        router.feedback(found.decision_id, label=[])
    router.close()


def test_a_student_takes_over_a_scale_as_early_as_its_errors_are_small() -> None:
    """Its answers are measured as the arms' are: by how far they are off."""
    router = routed("3", policy="greedy", cost_weight=0.5)
    texts = [f"{'bad' if n % 2 else 'worse'} film {n}" for n in range(60)]
    router.teach(texts, [("2", "1")[n % 2] for n in range(60)], labels=STARS.labels, task="stars")
    found = router.classify_sync("bad film 99", task="stars")
    own = found.decision.estimates[STUDENT]
    assert found.confidence is not None
    assert own.quality > found.confidence
    router.close()


def test_a_declared_task_is_taught_as_it_is_asked_about() -> None:
    router = routed("login", policy="greedy", cost_weight=0.5)
    texts = [f"{'an invoice' if n % 2 else 'a password'} {n}" for n in range(60)]
    router.teach(texts, ["Login", "BILLING"] * 30, task="mail")
    found = router.classify_sync("a password 99", task="mail")
    assert STUDENT in found.decision.propensities
    with pytest.raises(UnknownLabelError):
        router.teach(["hello"], ["spam"], task="mail")
    for task in ("topics", "quiz"):
        with pytest.raises(InputError, match=f"task '{task}' has no student to teach"):
            router.teach(["hello"], ["A"], task=task)
    router.close()


@pytest.mark.parametrize("text", ["", "  ", None, 7])
def test_what_is_no_text_is_refused(text: Any) -> None:
    router = routed("1")
    with pytest.raises(InputError):
        router.classify_sync(text, task="stars")
    assert router.knowledge.decisions == 0
    router.close()
