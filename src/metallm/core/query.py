"""A query: what the caller asks, and the text of it that is embedded."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, cast

from metallm.errors import InputError

if TYPE_CHECKING:
    from metallm.core.client import Client

Message = Mapping[str, Any]
"""One chat message in the shape of OpenAI's chat completions: role, content, ..."""

CHARACTERS_PER_TOKEN = 4.0
"""A rough tokenizer for cost guesses; what it gets wrong the cost learner corrects per arm."""


@dataclass(frozen=True, slots=True)
class Query:
    """What is asked.

    Args:
        text: the bare question, which is embedded.
        messages: what is sent upstream, in OpenAI's message shape.
        task: name of the task, where the caller knows it.
        input_tokens: a guess of the tokens of `messages`.
        client: who asks through a gateway; goes into the decision.
    """

    text: str
    messages: tuple[Message, ...]
    task: str | None = None
    input_tokens: int = 0
    client: Client | None = None

    @classmethod
    def of(
        cls,
        source: str | Sequence[Message],
        *,
        task: str | None = None,
        text: str | None = None,
    ) -> Query:
        """Make a query from a text or from chat messages.

        Args:
            source: a text, or messages each with a role and content.
            task: name of the task.
            text: the bare question, if it is not the last user turn.

        Raises:
            InputError: an empty text, no messages, a message without a role, or no user turn.
        """
        if isinstance(source, str):
            messages: tuple[Message, ...] = ({"role": "user", "content": source},)
            question = source
        elif isinstance(source, Sequence):
            messages = tuple(cast("Sequence[Message]", source))
            question = last_user_text(messages) if text is None else text
        else:
            raise InputError(
                f"a query is a text or a list of messages, not {type(source).__name__}"
            )
        if text is not None:
            question = text
        if not question.strip():
            raise InputError("the query is empty: there is no text to route on")
        characters = len(source) if isinstance(source, str) else sum(map(_characters, messages))
        tokens = max(1, round(characters / CHARACTERS_PER_TOKEN))
        return cls(question, messages, task, tokens)


def message_text(message: Message) -> str:
    """The text of one message; parts that are not text (images, audio) are passed over."""
    content = message.get("content")
    if isinstance(content, str):
        return content
    if isinstance(content, Sequence):
        parts = (part.get("text") for part in content if isinstance(part, Mapping))
        return "\n".join(part for part in parts if isinstance(part, str))
    return ""


def _characters(message: Message) -> int:
    return len(message_text(message))


def last_user_text(messages: Sequence[Message]) -> str:
    """The text of the last user turn that has one: a long shared prefix would fill the context.

    A turn of pictures alone, such as a tool showed, says nothing that can be routed on.

    Raises:
        InputError: no messages, a message that is no object with a role, or no user turn.
    """
    if not messages:
        raise InputError("the query has no messages")
    for position, message in enumerate(messages):
        if not isinstance(message, Mapping) or not isinstance(message.get("role"), str):
            raise InputError(f"messages[{position}] must be an object with a role")
    turns = [message for message in reversed(messages) if message["role"] == "user"]
    if not turns:
        raise InputError("no message has the role 'user': there is nothing to route on")
    return next((text for text in map(message_text, turns) if text.strip()), "")
