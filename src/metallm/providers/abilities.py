"""What models are known to lack, as rows of data; an arm's own `lacks` adds to it.

Only what a provider documents stands here, and only for its own API. A model that no row names is
taken to be able to do everything: its provider says so where it cannot.
"""

from __future__ import annotations

import re
from dataclasses import replace
from typing import TYPE_CHECKING

from metallm.core.needs import AUDIO, FILES, IMAGES, JSON_SCHEMA, REASONING

if TYPE_CHECKING:
    from metallm.core.arm import Arm

_PLAIN = (AUDIO, FILES, IMAGES, JSON_SCHEMA, REASONING)

ROWS: tuple[tuple[str, re.Pattern[str], tuple[str, ...]], ...] = (
    ("openai", re.compile(r"gpt-3\.5-"), _PLAIN),
    ("openai", re.compile(r"gpt-4(-\d{4})?(-32k.*)?$"), _PLAIN),
    ("openai", re.compile(r"gpt-4-turbo"), (AUDIO, JSON_SCHEMA, REASONING)),
    ("openai", re.compile(r"gpt-4(o|\.1)"), (REASONING,)),
    ("anthropic", re.compile(r"claude-(2|instant)"), _PLAIN),
    ("anthropic", re.compile(r"claude-3-(opus|sonnet|haiku|5)"), (JSON_SCHEMA, REASONING)),
)
"""Provider, beginning of the model's name, and what it lacks; the first that fits counts."""


def able(arm: Arm) -> Arm:
    """The arm with what its model is known to lack; the very arm where nothing is known."""
    if arm.base_url is not None:
        return arm
    model, provider = arm.upstream_model, arm.provider.lower()
    lacks = next((row[2] for row in ROWS if row[0] == provider and row[1].match(model)), ())
    missing = tuple(need for need in lacks if need not in arm.lacks)
    return replace(arm, lacks=(*arm.lacks, *missing)) if missing else arm
