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

    Args:
        settings: names; the first is given where there is no other file, and wins ties.
        files: names.
        scores: of each setting and file a figure of which more is better.
    """
    given = {}
    for file in files:
        others = [other for other in files if other != file]
        means = [
            float(np.mean([scores[setting][other] for other in others])) if others else 0.0
            for setting in settings
        ]
        given[file] = settings[int(np.argmax(means))]
    return Choice(given, scores)
