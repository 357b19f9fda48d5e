"""What hosts of OpenAI's wire differ in, for requests that were translated into it.

Requests that came in this wire pass as they are: their callers know whom they ask.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from metallm.core.needs import REASONING
from metallm.wire.extensions import without_extensions
from metallm.wire.words import kind, objects, word

if TYPE_CHECKING:
    from collections.abc import Mapping

    from metallm.core.arm import Arm


def obstacle(arm: Arm, body: Mapping[str, Any]) -> str | None:
    """What of a translated request an arm's host refuses; None where it takes all."""
    if _is_openais_own(arm) and body.get("top_k") is not None and "top_k" not in arm.ignores:
        return "OpenAI's API has no top_k"
    return None


def for_strict_hosts(arm: Arm, body: Mapping[str, Any]) -> dict[str, Any]:
    """A translated body without what strict hosts refuse, in the words that the arm's host knows.

    OpenAI's newer models take the limit under its newer name alone, other hosts know the older.
    Texts in parts, which not every host knows, are put together.
    """
    plain = without_extensions(body)
    if isinstance(plain.get("messages"), list):
        plain["messages"] = [_joined(message) for message in plain["messages"]]
    if REASONING in arm.lacks:
        plain.pop("reasoning_effort", None)
    if _is_openais_own(arm) and "max_tokens" in plain:
        plain["max_completion_tokens"] = plain.pop("max_tokens")
    return plain


def _joined(message: Any) -> Any:
    content = message.get("content") if isinstance(message, dict) else None
    texts = [part for part in objects(content) if kind(part) == "text"]
    if not isinstance(content, list) or not texts or len(texts) < len(content):
        return message
    return {**message, "content": "\n".join(word(part.get("text")) for part in texts)}


def _is_openais_own(arm: Arm) -> bool:
    return arm.base_url is None and arm.provider.lower() in {"azure", "openai"}
