"""How likely an arm takes each label to be, from its answer's tokens."""

from __future__ import annotations

from itertools import pairwise
from math import log

import pytest
from hypothesis import given
from hypothesis import strategies as st

from metallm.core.completion import Token
from metallm.core.task import Task
from metallm.tasks.forms import form_of
from metallm.tasks.likely import MOST, likely_labels

PAIR = ("negative", "positive")
NESTED = ("not overruling", "not relevant", "overruling")


def token(said: str | bytes, probability: float, others: dict[str, float] | None = None) -> Token:
    """A token among others, itself the first of them."""
    text = said.encode() if isinstance(said, str) else said
    told = {text: probability} | {key.encode(): each for key, each in (others or {}).items()}
    return Token(text, log(probability), tuple((key, log(each)) for key, each in told.items()))


def likely(tokens: list[Token], labels: tuple[str, ...], label: str) -> dict[str, float]:
    return dict(likely_labels(tokens, labels, label))


def test_a_label_of_one_token_is_as_likely_as_the_token_among_the_labels() -> None:
    told = likely([token("positive", 0.6, {"negative": 0.2, "The": 0.1})], PAIR, "positive")
    assert told == pytest.approx({"positive": 0.75, "negative": 0.25})


def test_spellings_of_one_label_count_together() -> None:
    others = {"Positive": 0.1, " positive": 0.1, '"negative': 0.2}
    told = likely([token("positive", 0.6, others)], PAIR, "positive")
    assert told == pytest.approx({"positive": 0.8, "negative": 0.2})


def test_a_label_of_several_tokens_has_the_product_of_their_probabilities() -> None:
    tokens = [token("pos", 0.8, {"neg": 0.2}), token("itive", 0.5, {"sibly": 0.5})]
    assert likely(tokens, PAIR, "positive") == pytest.approx(
        {"positive": 0.4 / 0.6, "negative": 0.2 / 0.6}
    )


def test_labels_that_begin_alike_part_where_their_tokens_do() -> None:
    tokens = [
        token("not", 0.7, {"over": 0.3}),
        token(" over", 0.9, {" relevant": 0.1}),
        token("ruling", 1.0),
    ]
    assert likely(tokens, NESTED, "not overruling") == pytest.approx(
        {"not overruling": 0.63, "overruling": 0.3, "not relevant": 0.07}
    )


def test_a_beginning_that_was_left_is_shared_by_the_labels_it_can_become() -> None:
    tokens = [token("over", 0.6, {"not": 0.4}), token("ruling", 1.0)]
    assert likely(tokens, NESTED, "overruling") == pytest.approx(
        {"overruling": 0.6, "not overruling": 0.2, "not relevant": 0.2}
    )


def test_where_a_label_begins_another_what_follows_tells_which_was_meant() -> None:
    labels = ("good", "good enough", "bad")
    ended = [token("good", 0.8, {"bad": 0.2}), token(".", 0.7, {" enough": 0.3})]
    assert likely(ended, labels, "good") == pytest.approx(
        {"good": 0.56, "good enough": 0.24, "bad": 0.2}
    )


def test_json_around_a_label_counts_for_nothing() -> None:
    tokens = [
        token('{"', 0.9, {"positive": 0.1}),
        token("label", 1.0),
        token('": "', 0.8),
        token("positive", 0.6, {"negative": 0.3}),
        token('"}', 1.0),
    ]
    told = likely(tokens, PAIR, "positive")
    assert told == pytest.approx({"positive": 2 / 3, "negative": 1 / 3})
    merged = [token('{"label": "positive', 0.6, {'{"label": "negative': 0.3}), token('"}', 1.0)]
    assert likely(merged, PAIR, "positive") == pytest.approx(told)


def test_a_letter_is_no_beginning_of_a_word() -> None:
    letters = tuple("ABCD")
    told = likely([token("B", 0.6, {"A": 0.2, "Because": 0.2})], letters, "B")
    assert told["B"] == pytest.approx(0.6)
    assert told["A"] == pytest.approx(0.2)


def test_labels_that_were_not_told_share_what_is_left_and_are_no_likelier_than_any_told() -> None:
    letters = tuple("ABCDE")
    told = likely([token("B", 0.6, {"A": 0.1})], letters, "B")
    # three more, .1 each at most, of the .3 that is left
    assert told == pytest.approx({"B": 0.6, "A": 0.1})
    told = likely([token("B", 0.6, {"A": 0.05})], letters, "B")
    assert told == pytest.approx({"B": 0.6 / 0.8, "A": 0.05 / 0.8})


def test_without_alternatives_the_probability_of_the_answer_is_known_at_least() -> None:
    bare = Token(b"positive", log(0.9))
    assert likely([bare], PAIR, "positive") == pytest.approx({"positive": 0.9})


def test_a_character_cut_in_two_is_one_character() -> None:
    labels = ("négatif", "neutre")
    whole = "négatif".encode()
    tokens = [token(whole[:2], 0.7, {"neutre": 0.3}), token(whole[2:], 1.0)]
    assert likely(tokens, labels, "négatif") == pytest.approx({"négatif": 0.7, "neutre": 0.3})


def test_the_label_of_a_longer_answer_is_read_where_it_is_stated() -> None:
    tokens = [
        token("Not ", 1.0),
        token("negative", 0.9, {"positive": 0.1}),
        token(". Answer: ", 1.0),
        token("positive", 0.7, {"negative": 0.3}),
    ]
    assert likely(tokens, PAIR, "positive")["positive"] == pytest.approx(0.7)


def test_an_answer_that_opens_with_its_label_and_explains_it_is_read_at_its_beginning() -> None:
    tokens = [
        token("B", 0.8, {"A": 0.1}),
        token(", for ", 1.0),
        token("B", 0.99),
        token(" it must be", 1.0),
    ]
    assert likely(tokens, ("A", "B"), "B")["B"] == pytest.approx(0.8 / 0.9)


@pytest.mark.parametrize(
    "tokens",
    [
        pytest.param([], id="no tokens"),
        pytest.param([token("whatever", 0.9)], id="another text"),
        pytest.param([token(b"\xff positive", 0.9)], id="no text"),
        pytest.param(
            [token("I say positive, and positive again", 0.9)], id="two places that may be meant"
        ),
    ],
)
def test_what_cannot_be_placed_tells_nothing(tokens: list[Token]) -> None:
    assert likely_labels(tokens, PAIR, "positive") == ()


def test_only_the_likeliest_of_many_labels_are_told() -> None:
    labels = tuple(f"label{number:03d}" for number in range(200))
    others = dict.fromkeys(labels[1:100], 0.001)
    told = likely_labels([token(labels[0], 0.9, others)], labels, labels[0])
    assert len(told) == MOST
    assert told[0][0] == labels[0]


def test_a_form_reads_them_for_one_label_and_not_for_several() -> None:
    tokens = [token("cat", 0.6, {"dog": 0.4})]
    single, multi = (form_of(Task("pets", kind, ("cat", "dog"))) for kind in ("single", "multi"))
    assert dict(single.likely(tokens, "cat")) == pytest.approx({"cat": 0.6, "dog": 0.4})
    assert multi.likely(tokens, "cat") == ()


ALPHABET = st.sampled_from("ab ")
LABELS = (
    st.lists(st.text(ALPHABET, min_size=1, max_size=5).map(str.strip), min_size=2, max_size=5)
    .map(lambda labels: tuple(dict.fromkeys(" ".join(each.split()) for each in labels)))
    .filter(lambda labels: len(labels) > 1 and "" not in labels)
)


@given(LABELS, st.data())
def test_whatever_the_tokens_it_is_a_distribution_over_the_labels(
    labels: tuple[str, ...], data: st.DataObject
) -> None:
    label = data.draw(st.sampled_from(labels))
    cuts = data.draw(st.sets(st.integers(1, max(len(label) - 1, 1)), max_size=3))
    edges = [0, *sorted(each for each in cuts if each < len(label)), len(label)]
    tokens = []
    for start, end in pairwise(edges):
        weights = data.draw(st.lists(st.floats(0.01, 1.0), min_size=4, max_size=4))
        texts = data.draw(st.lists(st.text(ALPHABET, max_size=4), min_size=3, max_size=3))
        total = sum(weights)
        others = {text: each / total for text, each in zip(texts, weights[1:], strict=True)}
        tokens.append(token(label[start:end], weights[0] / total, others))
    told = likely_labels(tokens, labels, label)
    if told:
        chances = [each for _, each in told]
        assert {name for name, _ in told} <= set(labels)
        assert label in dict(told)
        assert chances == sorted(chances, reverse=True)
        assert min(chances) >= 0.0
        assert sum(chances) <= 1.0 + 1e-9
