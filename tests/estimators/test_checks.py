"""scikit-learn's own checks of estimators.

They pass tables of numbers. So they are run on a classifier that writes each row down as a text
first, and is the public one in all else; of the public one itself, the one that asks for no numbers
is. None of them is expected to fail; what is left out stands in EXCLUDED, with the reason. That a
classifier is deterministic is asked of the one of the tests alone, whose arm always says the same.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import pytest
from sklearn.exceptions import SkipTestWarning
from sklearn.utils.estimator_checks import check_estimator, estimator_checks_generator
from sklearn.utils.validation import validate_data

import metallm
from metallm.core.arm import Arm
from metallm.core.completion import ChatRequest
from metallm.estimators.classifier import Classifier
from metallm.providers.scripted import ScriptedProvider


def _knows_nothing(_arm: Arm, _request: ChatRequest) -> str:
    return "I cannot tell."


def _made(kind: type[Classifier]) -> Classifier:
    arm = metallm.Arm("sim/one", 0.1, 0.4)
    return kind([arm], provider=ScriptedProvider(_knows_nothing))


class OfNumbers(Classifier):
    """Classifies rows of numbers, each written down as words."""

    def _texts(self, X: Any) -> list[str]:  # noqa: N803 - scikit-learn's name
        rows = validate_data(self, X, reset=not hasattr(self, "classes_"))
        return super()._texts([self._written(row) for row in rows])

    def _written(self, row: Any) -> str:
        return " ".join(f"c{place}v{math.floor(2 * value)}" for place, value in enumerate(row))

    def __sklearn_tags__(self) -> Any:
        tags = super().__sklearn_tags__()
        tags.input_tags.two_d_array = True
        tags.input_tags.one_d_array = tags.input_tags.string = False
        tags.non_deterministic = False
        return tags


def _named(check: Callable[..., None]) -> str:
    """A check's name with its options; what pytest would make of it is a screen long."""
    options = getattr(check, "keywords", {})
    return "-".join([getattr(check, "func", check).__name__, *map(str, options)])


EXCLUDED = {"check_array_api_input": "texts stand in no array of that kind"}
CHECKS = {_named(check): check for _, check in estimator_checks_generator(_made(OfNumbers))}


@pytest.mark.parametrize("name", [name for name in CHECKS if name.split("-")[0] not in EXCLUDED])
def test_it_does_as_estimators_do(name: str) -> None:
    CHECKS[name](_made(OfNumbers))


def test_the_public_one_passes_the_checks_that_ask_for_no_numbers() -> None:
    with pytest.warns(SkipTestWarning, match="requires input"):
        told = check_estimator(_made(Classifier))
    assert told
    assert {each["status"] for each in told} == {"passed"}
