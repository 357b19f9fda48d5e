from __future__ import annotations

import json
from collections.abc import Callable
from itertools import product

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from metallm.core.folding import fold
from metallm.tasks.reading import LabelReader

SENTIMENT = LabelReader(("positive", "negative"))
OVERRULING = LabelReader(("overruling", "not overruling"))


@pytest.mark.parametrize("label", ["positive", "negative"])
@pytest.mark.parametrize(
    "answer",
    [
        "{}",
        " {}\n",
        "{}.",
        "{}!",
        '"{}"',
        "'{}'",
        "“{}”",
        "`{}`",
        "**{}**",
        "__{}__",
        "**{}.**",
        "### {}",
        "- {}",
        "({})",
        "[{}]",
        "<{}>",
        "\ufeff{}",
        "**Answer:** {}",
        "Answer: {}",
        "answer = {}",
        "Sentiment: **{}**",
        "Label: '{}'",
        "The answer is {}.",
        "The correct answer is: {}",
        "The sentiment in this sentence is {}.",
        "The sentiment of the sentence is clearly {}",
        "I would say {}, all in all.",
        "This is a {} review.",
        "Not sure, but I lean to {}.",
        "While it is not perfect, the sentiment is {}.",
        "No doubt about it: {}",
        "{}\n\nThe sentence isn't about anything else.",
        "{}, because nothing speaks against it.",
        "So the final answer is \\boxed{{{}}}.",
        "$\\boxed{{\\text{{{}}}}}$",
        '{{"label": "{}"}}',
        '{{"Answer": "{}.", "confidence": 0.9}}',
        '```json\n{{"label": "{}"}}\n```',
        'Sure! {{"reasoning": "it is not negative or positive", "label": "{}"}}',
        "{} and again {}",
    ],
)
def test_a_label_is_read_out_of_what_it_is_wrapped_in(answer: str, label: str) -> None:
    for written in (label, label.upper(), label.title()):
        assert SENTIMENT.read(answer.format(*[written] * answer.count("{}"))) == label


@pytest.mark.parametrize(
    "answer",
    [
        "",
        " \n ",
        "...",
        "neutral",
        "I cannot tell.",
        "positivee",
        "positively",
        "unpositive",
        "HIV-positive",
        "non-positive",
        "positive-ish people",
        "positive and negative",
        "positive or negative",
        "positive/negative",
        "positive, negative",
        "Answer: positive or negative",
        "Answer: positive/negative",
        "- positive\n- negative",
        "positive\nnegative",
        "It has a positive start and a negative end.",
        "The answer is positive. No, the answer is negative.",
        "is the sentiment in this sentence positive or negative?",
        "Is it positive? Hard to say.",
        '{"label": "neutral"}',
        '{"label": "not positive"}',
        '{"label": "positive", "labe',
        '{"label": "positive and negative"}',
        "\\boxed{positive} or \\boxed{negative}",
    ],
)
def test_an_answer_that_names_no_label_or_several_is_unreadable(answer: str) -> None:
    expected = "positive" if answer.endswith('"labe') else None
    assert SENTIMENT.read(answer) == expected


@pytest.mark.parametrize(
    "answer",
    [
        "not positive",
        "Not positive.",
        "**not positive**",
        "This is not positive.",
        "this is not\npositive",
        "It isn't positive at all.",
        "It isn’t really positive.",
        "The answer is not positive.",
        "I don't think the answer is positive",
        "The sentiment isnt positive",
        "neither positive nor anything else",
        "never positive",
        "There is no positive word in it.",
        "not, in my view, positive",
        "far from positive",
        "anything but positive",
        "It cannot be called positive.",
        "positive is wrong",
        '"Positive" would not be right.',
        "positive it is not",
        "Answer: positive is incorrect",
        "without a positive word",
        "The review fails to be positive",
        "Positive\n\nOn second thought it is not positive.",
    ],
)
def test_a_denial_does_not_read_as_what_it_denies(answer: str) -> None:
    assert SENTIMENT.read(answer) is None


@pytest.mark.parametrize(
    "answer",
    [
        "Answer: positive, not negative.",
        "The answer is positive rather than negative",
        "The sentiment is positive, since nothing negative is said.",
        "Positive\n\nThe negative words are meant as a joke.",
        "Some of it is negative.\nAnswer: positive",
        "negative words, yes, but the label is positive",
        "Options:\n- positive\n- negative\n\nAnswer: positive",
    ],
)
def test_a_stated_label_wins_over_others_that_are_only_mentioned(answer: str) -> None:
    assert SENTIMENT.read(answer) == "positive"


@pytest.mark.parametrize(
    ("answer", "label"),
    [
        ("not overruling", "not overruling"),
        ("Not Overruling.", "not overruling"),
        ("not   overruling", "not overruling"),
        ("overruling", "overruling"),
        ("This is not overruling an earlier case.", "not overruling"),
        ("this is not\noverruling", "not overruling"),
        ("Answer: not overruling", "not overruling"),
        ("The court is overruling itself.", "overruling"),
        ("This is not really overruling.", None),
        ("It is not not overruling.", None),
        ("overruling or not overruling", None),
    ],
)
def test_a_label_within_a_longer_one_counts_only_where_the_longer_one_does_not_stand(
    answer: str, label: str | None
) -> None:
    assert OVERRULING.read(answer) == label


@pytest.mark.parametrize(
    ("labels", "answer", "label"),
    [
        (("C", "C++", "C#"), "C++.", "C++"),
        (("C", "C++", "C#"), "**C**", "C"),
        (("C", "C++", "C#"), "I would use C++ here", "C++"),
        (("(a|b)", ".*"), ".*", ".*"),
        (("(a|b)", ".*"), "a", None),
        (("(a|b)", "x"), "It must be (a|b), I think", "(a|b)"),
        (("-1", "1"), "-1", "-1"),
        (("-1", "1"), "1", "1"),
        (("1", "2"), "-1", None),
        (("1", "2"), "1.5", None),
        (("1", "2"), "Score: 2.", "2"),
        (("1", "2"), '{"label": 2}', "2"),
        (("true", "false"), '{"answer": true}', "true"),
        (("yes", "no"), "No, it isn't.", "no"),
        (("yes", "no"), "The answer is no", "no"),
        (("yes", "no"), "yes and no", None),
        (("Straße", "Weg"), "STRASSE", "Straße"),
        (("sık", "bol"), "SIK", "sık"),
        (("žluťoučký kůň", "pes"), "Je to žluťoučký  KŮŇ.", "žluťoučký kůň"),
        (("é", "x"), "e\u0301", "é"),
        (("积极", "消极"), "「积极」。", "积极"),
        (("积极", "消极"), "“积极”", "积极"),
        (("🐎", "🐕"), "the answer is 🐎!", "🐎"),
        (("card arrival", "card linking", "arrival"), "Category: card arrival", "card arrival"),
        (("card arrival", "card linking", "arrival"), "it is about arrival", "arrival"),
    ],
)
def test_labels_may_hold_any_character(
    labels: tuple[str, ...], answer: str, label: str | None
) -> None:
    assert LabelReader(labels).read(answer) == label


def test_no_depth_of_nesting_or_length_upsets_the_reader() -> None:
    for answer in (
        '{"a":' * 50_000 + "}" * 50_000,
        "[" * 100_000,
        "*" * 100_000 + "positive",
        "not " * 20_000 + "positive",
        '{"label": ' + "9" * 10_000 + "}",
    ):
        assert SENTIMENT.read(answer) in {"positive", None}


# a label's own edges must not be what decorates it
letters = st.text(st.characters(categories=["L"]), min_size=1, max_size=3)
inner = st.text(
    st.characters(categories=["L", "N", "Zs"], include_characters="+?^$&%@[(|"), max_size=8
)
cores = st.tuples(letters, inner, letters).map("".join)
decorations = st.sampled_from(
    ["{}", " {} ", "{}\n", "{}.", '"{}"', "'{}'", "**{}**", "({})", "**{}.**\n", "`{}`", "- {}"]
)
cases: st.SearchStrategy[Callable[[str], str]] = st.sampled_from(
    [str, str.upper, str.lower, str.title, str.swapcase, str.casefold]
)


@given(labels=st.lists(cores, min_size=2, max_size=5, unique_by=fold), data=st.data())
def test_a_label_in_any_case_and_decoration_is_read_as_itself(
    labels: list[str], data: st.DataObject
) -> None:
    label = data.draw(st.sampled_from(labels))
    written = data.draw(decorations).format(data.draw(cases)(label))
    assert LabelReader(labels).read(written) == label


@given(labels=st.lists(st.text(min_size=1), min_size=2, max_size=5, unique_by=fold))
def test_any_label_at_all_is_read_as_itself(labels: list[str]) -> None:
    assume(all(map(fold, labels)))
    reader = LabelReader(labels)
    assert [reader.read(label) for label in labels] == labels


@given(
    labels=st.lists(st.text(min_size=1), min_size=2, max_size=5, unique_by=fold),
    answer=st.text() | st.recursive(st.text(), st.lists).map(json.dumps),
)
def test_what_is_read_is_a_label_or_nothing(labels: list[str], answer: str) -> None:
    assume(all(map(fold, labels)))
    assert LabelReader(labels).read(answer) in {*labels, None}


pieces = st.sampled_from(
    [*'{}:".,?\n-()', "positive", "negative", "not", "n't", "or", "answer", "is", "\\boxed{", "**"]
)


@given(answer=st.lists(pieces).map(" ".join))
def test_no_arrangement_of_what_it_looks_for_upsets_the_reader(answer: str) -> None:
    assert SENTIMENT.read(answer) in {"positive", "negative", None}


@given(
    before=st.sampled_from(["not {}", "this is not {}", "it isn't {}", "The answer is not {}."]),
    label=st.sampled_from(["positive", "negative"]),
    case=cases,
)
def test_a_denied_label_is_never_read(before: str, label: str, case: Callable[[str], str]) -> None:
    assert SENTIMENT.read(case(before.format(label))) is None


def test_both_labels_named_evenly_are_never_read() -> None:
    for one, joint, other in product(
        ("positive", "negative"), (" or ", " and ", "/", ", ", "\n"), ("positive", "negative")
    ):
        expected = one if one == other else None
        assert SENTIMENT.read(f"{one}{joint}{other}") == expected
