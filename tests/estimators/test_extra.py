"""scikit-learn is loaded where its face is used alone; without it the extra is named."""

from __future__ import annotations

import subprocess
import sys

import pytest

import metallm
from metallm.estimators.classifier import Classifier

WITHOUT = """
import sys
sys.modules["sklearn"] = None  # as if it were not installed
from metallm import *
import metallm
try:
    metallm.Classifier
except metallm.MetaLLMError as error:
    print(type(error).__name__, error)
"""


def _said(program: str) -> str:
    done = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, check=True
    )
    return done.stdout.strip()


def test_it_is_a_name_of_the_package() -> None:
    assert metallm.Classifier is Classifier


@pytest.mark.process
def test_the_rest_of_the_package_neither_loads_nor_needs_it() -> None:
    assert _said("import sys, metallm; metallm.Router; print('sklearn' in sys.modules)") == "False"
    assert _said(WITHOUT) == (
        "MissingExtraError scikit-learn is not installed: pip install 'metallm[sklearn]'"
    )
