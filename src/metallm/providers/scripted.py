"""A provider that says what it was told to: for tests of ours and of those who use us."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from metallm.core.completion import Completion, StreamEvent
from metallm.core.price import Usage
from metallm.errors import ConfigurationError, ProviderError, StreamCutError
from metallm.providers.capabilities import obstacles
from metallm.wire.openai_chat import wants_usage, write_answer
from metallm.wire.openai_stream import write_chunk

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator

    from metallm.core.arm import Arm
    from metallm.core.completion import ChatRequest


@dataclass(frozen=True, slots=True)
class Cut:
    """A stream that breaks off after this text; as a whole answer it is a StreamCutError too."""

    text: str = ""


Scripted = str | Completion | ProviderError | Cut
"""One answer: a text, a whole completion, an error to raise, or a stream that breaks off."""

Script = Callable[["Arm", "ChatRequest"], Scripted] | Mapping[str, Scripted | Sequence[Scripted]]
"""Answers by a function, or by arm: one for all calls, or one a call with the last repeated."""

USAGE = Usage(input_tokens=10, output_tokens=5)


class ScriptedProvider:
    """Answers without a network, at once, and notes what it was asked.

    Args:
        script: what to answer.
        usage: billed tokens of every answer that is given as a text; None sends none.

    Attributes:
        calls: name of the arm and the request, for each call, in order.
        closed: `close` was called.
    """

    def __init__(self, script: Script, *, usage: Usage | None = USAGE) -> None:
        self._script = script
        self._usage = usage
        self._told: Counter[str] = Counter()
        self.calls: list[tuple[str, ChatRequest]] = []
        self.closed = False

    def count(self, arm: str | None = None) -> int:
        """Calls so far, of one arm or of all."""
        return sum(1 for name, _ in self.calls if arm in {None, name})

    def obstacles(
        self, arms: Sequence[Arm], request: ChatRequest, *, stream: bool, input_tokens: int
    ) -> Mapping[str, str]:
        """As over HTTP: what arms lack, and what their wires cannot carry."""
        return obstacles(arms, request, stream=stream, input_tokens=input_tokens)

    async def complete(self, arm: Arm, request: ChatRequest) -> Completion:
        """The scripted answer.

        Raises:
            ProviderError: where the script says so.
            ConfigurationError: the script has nothing for this arm.
        """
        answer = self._next(arm, request)
        if isinstance(answer, Completion):
            return answer
        if isinstance(answer, Cut):
            raise StreamCutError(arm.name, "the script cuts the answer")
        raw = write_answer(
            answer_id=self._answer_id(),
            created=0,
            model=arm.upstream_model,
            text=answer,
            usage=self._usage,
        )
        return Completion(arm.name, answer, self._usage, 0.0, raw)

    async def stream(self, arm: Arm, request: ChatRequest) -> AsyncGenerator[StreamEvent, None]:
        """The scripted answer as events: one a word, then the finish, then usage.

        Raises:
            ProviderError: where the script says so, before the first event.
            StreamCutError: after the text of a `Cut`.
            ConfigurationError: the script has nothing for this arm.
        """
        answer = self._next(arm, request)
        answer_id, model = self._answer_id(), arm.upstream_model

        def event(text: str, finish_reason: str | None = None) -> StreamEvent:
            delta = {"content": text} if text else {}
            data = write_chunk(
                answer_id=answer_id,
                created=0,
                model=model,
                delta=delta,
                finish_reason=finish_reason,
            )
            return StreamEvent(data, text)

        text = answer if isinstance(answer, str) else answer.text
        for word in split_text(text):
            yield event(word)
        if isinstance(answer, Cut):
            raise StreamCutError(arm.name, "the script cuts the answer")
        yield event("", "stop")
        usage = answer.usage if isinstance(answer, Completion) else self._usage
        if usage is not None:
            data = write_chunk(answer_id=answer_id, created=0, model=model, usage=usage)
            yield StreamEvent(data, "", usage, only_usage=not wants_usage(request))

    async def close(self) -> None:
        """Note that it was called."""
        self.closed = True

    def _answer_id(self) -> str:
        return f"scripted-{len(self.calls)}"

    def _next(self, arm: Arm, request: ChatRequest) -> str | Completion | Cut:
        self.calls.append((arm.name, request))
        if isinstance(self._script, Mapping):
            answer = self._from_mapping(arm.name, self._script)
        else:
            answer = self._script(arm, request)
        if isinstance(answer, ProviderError):
            raise answer
        return answer

    def _from_mapping(
        self, arm: str, script: Mapping[str, Scripted | Sequence[Scripted]]
    ) -> Scripted:
        answers = script.get(arm, ())
        if isinstance(answers, str) or not isinstance(answers, Sequence):
            return answers
        if not answers:
            raise ConfigurationError(f"the script has no answer for arm {arm!r}")
        place = min(self._told[arm], len(answers) - 1)
        self._told[arm] += 1
        return answers[place]


def split_text(text: str) -> list[str]:
    """The words of a text, each with the blanks before it; joined they are the text again."""
    pieces: list[str] = []
    start = 0
    for place in range(1, len(text)):
        if text[place].isspace() and not text[place - 1].isspace():
            pieces.append(text[start:place])
            start = place
    return [*pieces, text[start:]] if text else []
