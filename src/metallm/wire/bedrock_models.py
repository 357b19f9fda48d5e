"""What Bedrock's models differ in, where a translation depends on it, read from their ids.

An id is a model's ("amazon.titan-text-express-v1"), one of a region's or the whole world's profile
of it ("eu.anthropic.claude-sonnet-4-5-20250929-v1:0"), or an ARN that ends in either, or in a name
that tells nothing.

Source: https://docs.aws.amazon.com/bedrock/latest/userguide/conversation-inference-supported-models-features.html
"""

from __future__ import annotations

import re
from typing import Any

from metallm.wire import anthropic_models
from metallm.wire.base import UncarriedError
from metallm.wire.words import word

_WITHOUT_SYSTEM = re.compile(
    r"amazon\.titan-|ai21\.j2-|cohere\.command-(text|light)|mistral\.mi[sx]tral-(7b|8x7b)"
)
_CACHING = re.compile(r"anthropic\.claude-(3-[57]|(?!3|v|instant))|amazon\.nova-")
_CALLS_WHOLE = re.compile(r"meta\.llama|mistral\.mistral-large-24")
_COUNTS_ALL = re.compile(r"openai\.")
_CLAUDE = re.compile(r"anthropic\.claude-")
_NOVA = re.compile(r"amazon\.nova-")
_NOVA_2 = re.compile(r"amazon\.nova-2-")
_EFFORTS = {"minimal": "low", "low": "low", "medium": "medium", "high": "high", "xhigh": "high"}


def takes_system(model: str) -> bool:
    """Whether a system prompt can stand apart; else it is said before the first turn."""
    return _WITHOUT_SYSTEM.search(model) is None


def takes_cache_points(model: str) -> bool:
    """Whether a prompt may say how far it is to be kept; other models refuse such marks."""
    return _CACHING.search(model) is not None


def streams_calls(model: str) -> bool:
    """Whether tools can be called in a stream."""
    return _CALLS_WHOLE.search(model) is None


def counts_all(model: str) -> bool:
    """Whether the tokens of the input may be told with those of the cache among them."""
    return _COUNTS_ALL.search(model) is not None


def takes_schema(model: str) -> bool:
    """Whether answers can be held to a JSON schema, of models whose versions decide that."""
    return _CLAUDE.search(model) is None or anthropic_models.takes_schema(model)


def signs_thoughts(model: str) -> bool:
    """Whether the model wants its thoughts back."""
    return _CLAUDE.search(model) is not None


def top_k_for(value: object, model: str) -> dict[str, Any]:
    """`additionalModelRequestFields` that stand for top_k.

    Raises:
        UncarriedError: the model has no such field.
    """
    if _CLAUDE.search(model):
        return {"top_k": value}
    if _NOVA.search(model):
        return {"inferenceConfig": {"topK": value}}
    raise UncarriedError(f"top_k, for {model} has none")


def thinking_for(
    effort: object, model: str, limit: int | None
) -> tuple[dict[str, Any], int | None]:
    """`additionalModelRequestFields` for OpenAI's `reasoning_effort`, and the limit of the output.

    Args:
        effort: of the request; None for none.
        model: its id.
        limit: most output tokens of the request, thinking included; None for none.

    Raises:
        UncarriedError: an unknown effort, a model that does not think, or no room for it.
    """
    if effort is None or word(effort) == "none":
        return {}, limit
    if _CLAUDE.search(model):
        most = anthropic_models.most_output(model) if limit is None else limit
        thinking, told = anthropic_models.thinking_for(effort, model, most)
        if thinking is None:
            return {}, limit
        fields: dict[str, Any] = {"thinking": thinking}
        return (fields if told is None else {**fields, "output_config": {"effort": told}}), most
    if word(effort) not in _EFFORTS:
        raise UncarriedError(f"reasoning_effort {effort!r:.40}")
    if _NOVA_2.search(model):
        config = {"type": "enabled", "maxReasoningEffort": _EFFORTS[word(effort)]}
        return {"reasoningConfig": config}, limit
    if _COUNTS_ALL.search(model):
        return {"reasoning_effort": effort}, limit
    raise UncarriedError(f"reasoning_effort, for {model} takes none")
