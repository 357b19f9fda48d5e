"""What models are known to lack, as rows of data; an arm's own `lacks` adds to it.

Only what a provider documents stands here, and only for its own API. A model that no row names is
taken to be able to do everything: its provider says so where it cannot.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from metallm.core.needs import AUDIO, FILES, IMAGES, JSON_SCHEMA, REASONING, TOOLS
from metallm.core.wires import ANTHROPIC, BEDROCK
from metallm.errors import ConfigurationError
from metallm.providers.registry import wire_of

if TYPE_CHECKING:
    from metallm.core.arm import Arm

_PLAIN = (AUDIO, FILES, IMAGES, JSON_SCHEMA, REASONING)


@dataclass(frozen=True, slots=True)
class Row:
    """What some models of a provider are known for.

    Args:
        provider: a host's name.
        model: the beginning of their names.
        lacks: needs that they do not meet.
        max_output_tokens: most tokens of an answer; None where that is not known.
    """

    provider: str
    model: re.Pattern[str]
    lacks: tuple[str, ...] = ()
    max_output_tokens: int | None = None


_TEXT = (AUDIO, IMAGES, JSON_SCHEMA, REASONING)
_TALK = (*_TEXT, TOOLS)


def _bedrock(model: str) -> re.Pattern[str]:
    """An id's beginning, behind a region or an ARN."""
    return re.compile(rf"(?:.*[./])?{model}")


ROWS = (
    Row("openai", re.compile(r"gpt-3\.5-"), _PLAIN, 4_096),
    Row("openai", re.compile(r"gpt-4(-\d{4})?(-32k.*)?$"), _PLAIN, 8_192),
    Row("openai", re.compile(r"gpt-4-turbo"), (AUDIO, JSON_SCHEMA, REASONING), 4_096),
    Row("openai", re.compile(r"gpt-4o-2024-05-13"), (JSON_SCHEMA, REASONING), 4_096),
    Row("openai", re.compile(r"gpt-4o"), (REASONING,), 16_384),
    Row("openai", re.compile(r"gpt-4\.1"), (REASONING,), 32_768),
    Row("anthropic", re.compile(r"claude-(2|instant)"), _PLAIN, 4_096),
    Row("anthropic", re.compile(r"claude-3-5"), (JSON_SCHEMA, REASONING), 8_192),
    Row("anthropic", re.compile(r"claude-3-(opus|sonnet|haiku)"), (JSON_SCHEMA, REASONING), 4_096),
    Row("bedrock", _bedrock(r"ai21\.jamba-instruct"), (*_TALK, FILES)),
    Row("bedrock", _bedrock(r"ai21\.jamba"), _TEXT),
    Row("bedrock", _bedrock(r"amazon\.nova-micro"), (*_TEXT, FILES)),
    Row("bedrock", _bedrock(r"amazon\.nova-(lite|pro|premier)"), (AUDIO, JSON_SCHEMA, REASONING)),
    Row("bedrock", _bedrock(r"amazon\.titan-text-lite"), _TALK, 4_096),
    Row("bedrock", _bedrock(r"amazon\.titan-text-express"), _TALK, 8_192),
    Row("bedrock", _bedrock(r"amazon\.titan-text-premier"), (*_TALK, FILES), 3_072),
    Row("bedrock", _bedrock(r"anthropic\.claude-(v2|instant)"), _TALK, 4_096),
    Row("bedrock", _bedrock(r"anthropic\.claude-3-5-haiku"), _TEXT, 8_192),
    Row("bedrock", _bedrock(r"anthropic\.claude-3-5"), (AUDIO, JSON_SCHEMA, REASONING), 8_192),
    Row("bedrock", _bedrock(r"anthropic\.claude-3-[ohs]"), (AUDIO, JSON_SCHEMA, REASONING), 4_096),
    Row("bedrock", _bedrock(r"cohere\.command-light"), (*_TALK, FILES)),
    Row("bedrock", _bedrock(r"cohere\.command-text"), _TALK),
    Row("bedrock", _bedrock(r"cohere\.command-r"), _TEXT),
    Row("bedrock", _bedrock(r"meta\.llama3-[78]"), _TALK, 2_048),
    Row("bedrock", _bedrock(r"meta\.llama3-2-[13]b"), _TALK),
    Row("bedrock", _bedrock(r"meta\.llama3-2"), (AUDIO, JSON_SCHEMA, REASONING)),
    Row("bedrock", _bedrock(r"meta\.llama3"), _TEXT),
    Row("bedrock", _bedrock(r"mistral\.mi[sx]tral-(7b|8x7b)"), _TALK),
    Row("bedrock", _bedrock(r"mistral\.mistral-large-24"), _TEXT),
    Row("gemini", re.compile(r"gemini-(1|2\.0)"), (REASONING,), 8_192),
)
"""The first that fits counts."""


def able(arm: Arm) -> Arm:
    """The arm with what is known of its model; the very arm where nothing is.

    Raises:
        ConfigurationError: it is said to tell log probabilities, and its host's wire has none.
    """
    if arm.logprobs and (wire := wire_of(arm).name) in {ANTHROPIC, BEDROCK}:
        raise ConfigurationError(
            f"arm {arm.name!r}: the wire {wire!r} has no log probabilities; leave out logprobs"
        )
    model, provider = arm.upstream_model, arm.provider.lower()
    rows = (row for row in ROWS if row.provider == provider and row.model.match(model))
    # a model's id is AWS's wherever its regions are
    elsewhere = arm.base_url is not None and arm.wire != BEDROCK
    row = None if elsewhere else next(rows, None)
    if row is None:
        return arm
    missing = (need for need in row.lacks if need not in arm.lacks)
    most = arm.max_output_tokens or row.max_output_tokens
    return replace(arm, lacks=(*arm.lacks, *missing), max_output_tokens=most)
