from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from metallm.cli.quiz_log import Earlier, earlier_answers, logged_prompts
from metallm.core.decision import ArmEstimate, Decision
from metallm.core.log import Entry, Record
from metallm.core.outcome import Outcome

LABELS = ("no", "yes")
ESTIMATE = ArmEstimate(0.5, 0.1, 0.0, 0.5)


def decision(number: int, text: str | None = "text", labels: tuple[str, ...] = LABELS) -> Decision:
    """A decision between two arms, with a context of its text's length."""
    return Decision(
        id=f"dec_{number}",
        index=number,
        arm="old",
        propensity=1.0,
        propensities={"old": 1.0},
        estimates={"old": ESTIMATE, "new": ESTIMATE},
        policy="named",
        version=0,
        cost_weight=0.0,
        cost_scale=1.0,
        context=np.array([len(text or "")], dtype=np.float32),
        input_tokens=1,
        labels=labels,
        task="t",
        text=text,
    )


def answered(number: int, arm: str = "new", answer: str | None = "yes") -> Outcome:
    return Outcome(f"dec_{number}", arm, "completion", answer=answer, cost_usd=0.5)


def judged(number: int, arm: str = "new", label: str | None = "yes") -> Outcome:
    return Outcome(f"dec_{number}", arm, "feedback", quality=1.0, label=label)


def log(*records: Record) -> Sequence[Entry]:
    return [Entry(seq, record) for seq, record in enumerate(records, 1)]


def key(text: str, labels: tuple[str, ...] = LABELS) -> tuple[bytes, tuple[str, ...]]:
    return np.array([len(text)], dtype=np.float32).tobytes(), labels


def test_an_answer_is_known_by_its_context_and_labels() -> None:
    found = earlier_answers(
        log(decision(0, "one"), answered(0), decision(1, "three"), answered(1), judged(1)), "new"
    )
    assert found == {
        key("one"): Earlier("dec_0", "yes", 0.5, judged=False),
        key("three"): Earlier("dec_1", "yes", 0.5, judged=True),
    }
    other = ("yes", "no", "perhaps")
    assert key("one", other) not in found


def test_answers_of_other_arms_failures_and_plain_queries_are_none_of_it() -> None:
    found = earlier_answers(
        log(
            decision(0, "a"),
            answered(0, arm="old"),
            decision(1, "bb"),
            Outcome("dec_1", "new", "failure", error="gone"),
            decision(2, "ccc", labels=()),
            answered(2),
            decision(3, "dddd"),
        ),
        "new",
    )
    assert found == {}


def test_an_arm_that_stood_in_for_another_has_answered() -> None:
    found = earlier_answers(
        log(decision(0), Outcome("dec_0", "old", "failure", error="gone"), answered(0)), "new"
    )
    assert found[key("text")].answer == "yes"


def test_of_two_answers_the_judged_one_counts() -> None:
    first = log(decision(0), answered(0, answer=None), judged(0), decision(1), answered(1))
    assert earlier_answers(first, "new")[key("text")].decision_id == "dec_0"
    last = log(decision(0), answered(0), decision(1), answered(1, answer=None), judged(1))
    assert earlier_answers(last, "new")[key("text")] == Earlier("dec_1", None, 0.5, judged=True)


def test_a_judge_s_word_leaves_an_answer_to_be_judged() -> None:
    opinion = Outcome("dec_0", "new", "feedback", quality=1.0, judge="j")
    found = earlier_answers(log(decision(0), answered(0), opinion), "new")
    assert not found[key("text")].judged


def test_prompts_are_the_logged_texts_with_their_newest_true_label() -> None:
    (prompt,) = logged_prompts(
        log(
            decision(0, "is it"),
            judged(0, label="no"),
            decision(1, "is it"),
            judged(1, label="yes"),
            decision(2, None),
            judged(2, label="yes"),
            decision(3, "never judged"),
            decision(4, "judged without a label"),
            judged(4, label=None),
        )
    )
    assert (prompt.text, prompt.truth, prompt.labels, prompt.task) == ("is it", "yes", LABELS, "t")
    assert "is it" in prompt.sent
    assert "- no\n- yes" in prompt.sent
    assert prompt.reader()("Yes.") == "yes"
