"""Settings chosen without the file they are reported on: by the mean over the other files."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence


@dataclass(frozen=True, slots=True)
class Choice:
    """What each file got, and why.

    Args:
        given: the setting of each file.
        scores: of each setting, its mean on each file.
    """

    given: Mapping[str, str]
    scores: Mapping[str, Mapping[str, float]]


def choose(
    settings: Sequence[str], files: Sequence[str], scores: Mapping[str, Mapping[str, float]]
) -> Choice:
    """Give each file the setting with the best mean over the others.

    The first setting, a method's default, stands unless another is better by more than a standard
    error of their paired difference over the files (the rule of one standard error, Breiman et al.
    1984): settings that tie would otherwise be chosen by noise.

    Args:
        settings: names; the first is given where there are no two other files.
        files: names.
        scores: of each setting and file a figure of which more is better.
    """
    given = {}
    for file in files:
        others = [other for other in files if other != file]
        given[file] = max(settings, key=lambda name: _lead(scores, settings[0], name, others))
    return Choice(given, scores)


def _lead(
    scores: Mapping[str, Mapping[str, float]], default: str, name: str, files: Sequence[str]
) -> float:
    """The mean lead over the default, 0 where it is no more than its standard error."""
    if len(files) < 2:
        return 0.0
    ahead = np.array([scores[name][file] - scores[default][file] for file in files])
    mean = float(ahead.mean())
    return mean if mean > float(ahead.std(ddof=1)) / len(files) ** 0.5 else 0.0
