"""Doors of a router: to ask arms, to classify, to teach; awaited, or without an event loop."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any

from metallm.assembly.choices import http_provider
from metallm.core.query import Query
from metallm.core.task import Task
from metallm.errors import ConfigurationError, InputError, ProviderError, UnfitArmError
from metallm.router.caller import Caller
from metallm.router.checks import check_text, check_whole, hedging, judging_arm
from metallm.router.classifier import Classifier
from metallm.router.conversations import Conversations
from metallm.router.engine import Engine
from metallm.router.grader import Grader
from metallm.router.hedged import Hedging
from metallm.router.many import in_order
from metallm.tasks.grading import grading_prompt, read_grade

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Coroutine, Sequence
    from typing import TypeVar

    from metallm.core.arm import Arm
    from metallm.core.hedge import Hedge
    from metallm.core.judge_arm import JudgeArm
    from metallm.core.protocols import Provider
    from metallm.core.query import Message
    from metallm.router.answers import Answer, Classified
    from metallm.router.conversations import Affinity
    from metallm.tasks.asked import Asked
    from metallm.tasks.forms import TaskForm

    _T = TypeVar("_T")


class Doors(Engine):
    """An engine that can be asked.

    Args:
        arms: the LLMs to choose from.
        asked: finds what a classification asks.
        provider: calls the arms; None for HTTP.
        judge: an arm that grades a share of the answers to open questions; None for nobody.
        affinity: what it counts that an arm has read a conversation, see `Conversations`.
        hedge: when a slow call gets another beside it; None for never.
        sleep: waits for some seconds before a hedge.
        parts: of the engine.
    """

    def __init__(
        self,
        arms: Sequence[Arm],
        *,
        asked: Asked,
        provider: Provider | None,
        judge: JudgeArm | None,
        affinity: Affinity,
        hedge: Hedge | None,
        sleep: Callable[[float], Awaitable[object]],
        **parts: Any,
    ) -> None:
        super().__init__(arms, **parts)
        self._hedging = None if hedge is None else Hedging(hedging(hedge, self.arms), sleep)
        self._asked = asked
        self._provider_given = provider
        self._judge = judging_arm(judge, self.arms)
        self._affinity = affinity
        self._caller: Caller | None = None
        self._runner: asyncio.Runner | None = None

    @property
    def caller(self) -> Caller:
        """What calls the arms; made when it is first needed."""
        if self._caller is None:
            provider = self._provider_given or http_provider()
            conversations = Conversations(self._affinity)
            self._caller = Caller(self, provider, conversations, hedging=self._hedging)
            if self._judge is not None:
                self._caller.grader = Grader(self._caller, self._judge, grading_prompt, read_grade)
        return self._caller

    async def complete(
        self,
        source: str | Sequence[Message],
        *,
        task: str | None = None,
        arms: Sequence[str] | None = None,
        cost_weight: float | None = None,
        session: str | None = None,
        min_quality: float | None = None,
        **options: Any,
    ) -> Answer:
        """Decide, call the arm, log.

        Args:
            source: a text or chat messages.
            task: name of the task, where known.
            arms: names of the arms that may be chosen; None for all.
            cost_weight: p for this query alone.
            session: names the conversation; None knows it by what was said before.
            min_quality: the least acceptable quality, 0 to 1: arms that are believed below it are
                not asked, unless all are. None for none.
            options: further fields of the request, such as max_tokens.

        Raises:
            ProviderError: no arm answered, or the query was refused.
            InputError: the query or an option cannot be used.
        """
        query = Query.of(source, task=task)
        body = {**options, "messages": list(query.messages)}
        return await self.caller.answer(
            query,
            body,
            arms=arms,
            cost_weight=cost_weight,
            session=session,
            min_quality=min_quality,
        )

    async def classify(
        self,
        text: str,
        labels: Sequence[str] | Task | None = None,
        *,
        task: str | None = None,
        arms: Sequence[str] | None = None,
        cost_weight: float | None = None,
        max_calls: int = 1,
    ) -> Classified:
        """Which of the labels fits a text.

        Args:
            text: what is classified.
            labels: 2 or more, or a task; None for a declared one.
            task: name of the task; what is learned of it is learned under its name and labels. A
                declared one has its labels, prompt and costs.
            arms: names of the arms that may be asked; None for all.
            cost_weight: p for this query alone.
            max_calls: how many arms may be asked at most. With 1 an arm's answer, or the student's,
                is the label; with more all answers and the text settle it together.

        Raises:
            ProviderError: no arm answered, or the query was refused.
            InputError: the query or an option cannot be used.
        """
        check_text(text)
        form, name = self._form(labels, task)
        query = Query.of(form.messages(text), task=name, text=text)
        return await Classifier(self.caller).classify(
            query, form, arms=arms, cost_weight=cost_weight, max_calls=max_calls
        )

    async def classify_many(
        self,
        texts: Sequence[str],
        labels: Sequence[str] | Task | None = None,
        *,
        concurrency: int = 16,
        **options: Any,
    ) -> list[Classified | ProviderError | InputError]:
        """Which of the labels fits each of many texts, in their order.

        A text that no arm answers, or none can take, has its error in its place; so has an empty
        one. What fails all of them, such as a mistake in an option, is raised.

        Args:
            texts: what is classified.
            labels: as for `classify`.
            concurrency: how many texts are asked about at the same time.
            options: as for `classify`.

        Raises:
            InputError: a label, a task or an option cannot be used.
            MetaLLMError: as `classify`, but for errors of a single text.
        """
        check_whole("concurrency", concurrency)
        self._form(labels, options.get("task"))

        async def one(text: str) -> Classified | ProviderError | InputError:
            try:
                check_text(text)
            except InputError as error:
                return error
            try:
                return await self.classify(text, labels, **options)
            except (ProviderError, UnfitArmError) as error:
                return error

        return await in_order(texts, one, concurrency)

    def teach(
        self,
        texts: Sequence[str],
        truth: Sequence[str],
        *,
        labels: Sequence[str] | Task | None = None,
        task: str | None = None,
        messages: Callable[[str], Sequence[Message]] | None = None,
    ) -> None:
        """Learn true labels of texts that no arm was asked about; see `Engine.teach`.

        Args:
            texts: n texts.
            truth: their n labels.
            labels: all labels, or a task; None for those of the declared task, else for those in
                `truth`.
            task: its name.
            messages: how a text will be asked about; a task says so itself.
        """
        if isinstance(labels, Task) or task in self.scoring.declared:
            form, task = self._form(labels, task)
            if form.task.kind in {"multi", "choice"}:
                raise InputError(
                    f"task {task!r} has no student to teach: it is of kind {form.task.kind!r}"
                )
            truth = [form.task.canonical(each) for each in truth]
            labels, messages = form.labels, messages or form.messages
        super().teach(texts, truth, labels=labels, task=task, messages=messages)

    def complete_sync(self, source: str | Sequence[Message], **options: Any) -> Answer:
        """`complete` for code without an event loop."""
        return self._run(self.complete(source, **options))

    def classify_sync(
        self, text: str, labels: Sequence[str] | Task | None = None, **options: Any
    ) -> Classified:
        """`classify` for code without an event loop."""
        return self._run(self.classify(text, labels, **options))

    def classify_many_sync(
        self, texts: Sequence[str], labels: Sequence[str] | Task | None = None, **options: Any
    ) -> list[Classified | ProviderError | InputError]:
        """`classify_many` for code without an event loop."""
        return self._run(self.classify_many(texts, labels, **options))

    async def aclose(self) -> None:
        """Let go of connections and of the log."""
        if self._caller is not None:
            await self._caller.close()
        if self._runner is not None:
            # the loop of the synchronous doors: it cannot be closed from within another one
            await asyncio.to_thread(self._runner.close)
            self._runner = None
        super().close()

    def close(self) -> None:
        """Let go of the log, and of the connections of the synchronous doors."""
        if self._runner is not None:
            if self._caller is not None:
                self._runner.run(self._caller.close())
            self._runner.close()
            self._runner = None
        super().close()

    def _form(
        self, labels: Sequence[str] | Task | None, task: str | None
    ) -> tuple[TaskForm, str | None]:
        """How it is asked, and the name that it is learned by."""
        form, name = self._asked.form(labels, task)
        if isinstance(labels, Task):
            self.scoring.know(labels)
        return form, name

    def _run(self, work: Coroutine[Any, Any, _T]) -> _T:
        try:
            asyncio.get_running_loop()
        except RuntimeError:
            if self._runner is None:
                self._runner = asyncio.Runner()
            return self._runner.run(work)
        work.close()
        raise ConfigurationError(
            "the ..._sync methods cannot run inside an event loop: await the others"
        )
