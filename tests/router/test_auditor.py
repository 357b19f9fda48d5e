"""Chances of audits: more where an answer is doubted, as logged, and never above the share."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from metallm.core.audit import Audit
from metallm.errors import ConfigurationError
from metallm.router.auditor import Auditor

QUERIES = st.lists(
    st.tuples(
        st.one_of(st.none(), st.floats(0.0, 1.0)),
        st.floats(0.0, 1.0, exclude_max=True),
        st.booleans(),
    ),
    max_size=200,
)


@given(st.floats(0.0, 1.0), QUERIES)
def test_audits_are_never_more_than_their_share(
    share: float, queries: list[tuple[float | None, float, bool]]
) -> None:
    auditor, audited = Auditor(share), 0
    for number, (confidence, drawn, answered) in enumerate(queries, start=1):
        if answered:
            auditor.passed()
            continue
        audited += auditor.chosen(confidence, drawn) is not None
        assert audited <= share * number


def test_audits_come_to_about_the_share_and_their_chances_are_those_observed() -> None:
    rng, auditor, n = np.random.default_rng(0), Auditor(0.1), 20_000
    sure = rng.beta(4, 1, size=n)
    chances = [auditor.chosen(each, rng.random()) for each in sure.tolist()]
    taken = np.array([each is not None for each in chances])
    assert 0.085 <= taken.mean() <= 0.1
    weights = np.array([0.0 if each is None else 1.0 / each for each in chances])
    # Horvitz-Thompson: weighted by 1 / chance the audited stand for all, here within 3 errors
    total = weights.sum() / n
    error = float(np.sqrt((weights * np.maximum(weights - 1.0, 0.0)).sum())) / n
    assert total == pytest.approx(1.0, abs=3 * error)
    mean = (weights * sure).sum() / n
    assert mean == pytest.approx(sure.mean(), abs=3 * error)


def test_what_is_doubted_is_audited_more_and_what_is_sure_still_is() -> None:
    rng, auditor = np.random.default_rng(1), Auditor(0.1)
    taken = {0.5: 0, 1.0: 0}
    for number in range(20_000):
        sure = (0.5, 1.0)[number % 2]
        taken[sure] += auditor.chosen(sure, rng.random()) is not None
    assert taken[0.5] > 4 * taken[1.0] > 0


def test_where_the_reference_mostly_answers_anyway_the_others_are_audited_more() -> None:
    rng, auditor = np.random.default_rng(2), Auditor(0.1)
    audited = 0
    for number in range(20_000):
        if number % 4:
            auditor.passed()
        else:
            audited += auditor.chosen(0.8, rng.random()) is not None
    assert audited / 5_000 == pytest.approx(0.36, abs=0.03)


@pytest.mark.parametrize("share", [-0.1, 1.1, float("nan")])
def test_a_share_out_of_range_is_refused(share: float) -> None:
    with pytest.raises(ConfigurationError, match="0 to 1"):
        Audit("openai/gpt-4o", share)


def test_an_audit_names_an_arm() -> None:
    with pytest.raises(ConfigurationError, match="name of an arm"):
        Audit(" ")
