"""What a collection asks: which queries, of which arms, scored how."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from metallm.cli.collect_scores import ByJudge, ByLabel, ByWords
from metallm.cli.collecting import Collector, Prompt
from metallm.cli.console import progress, tell, usd
from metallm.cli.rows import digest_of
from metallm.core.completion import ChatRequest
from metallm.errors import ConfigurationError, InputError, UnknownArmError, UnknownPriceError

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from metallm.cli.collect_scores import Scorer
    from metallm.cli.collected import Collected
    from metallm.cli.question import Question
    from metallm.cli.spending import Spending
    from metallm.core.arm import Arm
    from metallm.core.protocols import Provider
    from metallm.errors import BudgetExhaustedError
    from metallm.settings import Settings

OPEN_LIMIT = 1024
"""Tokens of an answer to an open question, under a budget, where --max-tokens says nothing."""

GRADE_LIMIT = 16
"""Tokens of a judge's grade."""


@dataclass(frozen=True, slots=True)
class Job:
    """What is to be collected.

    Args:
        prompts: the queries, each once.
        arms: who is asked.
        question: the task; None for open questions.
        judge: who grades; None for nobody.
        rubric: what makes an answer good.
        max_tokens: of an answer; None for what arms and hosts say.
    """

    prompts: tuple[Prompt, ...]
    arms: tuple[Arm, ...]
    question: Question | None
    judge: Arm | None
    rubric: str
    max_tokens: int | None

    @property
    def order(self) -> list[tuple[str, str]]:
        """All queries and models, in order."""
        return [(prompt.query_id, arm.name) for prompt in self.prompts for arm in self.arms]

    @property
    def output_limit(self) -> int:
        """Tokens of an answer at most, under a budget."""
        from metallm.tasks.lengths import answer_limit

        if self.max_tokens is not None:
            return self.max_tokens
        if self.question is None:
            return OPEN_LIMIT
        return answer_limit(self.question.task.labels, several=self.question.several)

    def pairs(self, collected: Collected) -> list[tuple[Prompt, Arm]]:
        """What is left to ask, query by query: what a budget leaves is whole rows."""
        return [
            (prompt, arm)
            for prompt in self.prompts
            for arm in self.arms
            if not collected.has(prompt.query_id, arm.name)
        ]

    def left(self, collected: Collected) -> int:
        """How many answers are left to ask for."""
        return len(self.pairs(collected))

    async def run(
        self, settings: Settings, collected: Collected, books: Spending | None, concurrency: int
    ) -> BudgetExhaustedError | None:
        """Ask for all that is left; gives what a budget was short of, if it was.

        Raises:
            WorkFailedError: too many calls failed one after the other.
        """
        pairs, total = self.pairs(collected), len(self.order)
        seen = total - len(pairs)
        if seen:
            tell(f"{seen} of {total} answers are there already in {collected.path}")
        provider = self._provider(settings, books)
        try:
            with progress("collect") as report:

                def keep(outcome: dict[str, Any]) -> None:
                    nonlocal seen
                    collected.add(outcome)
                    seen += 1
                    spent = "" if books is None else f"{usd(books.spent_usd)} spent"
                    report(seen, total, spent)

                collector = Collector(
                    provider,
                    self._scorer(provider),
                    body={} if self.max_tokens is None else {"max_tokens": self.max_tokens},
                    answer_format=None
                    if self.question is None
                    else self.question.form().answer_format,
                    dataset="" if self.question is None else self.question.name or "",
                    keep=keep,
                )
                await collector.run(pairs, concurrency)
                return collector.exhausted
        finally:
            await provider.close()

    def _provider(self, settings: Settings, books: Spending | None) -> Provider:
        from metallm.assembly.choices import http_provider

        if books is None:
            return http_provider(settings.providers)
        from metallm.assembly.budgeted import budgeted_provider

        return budgeted_provider(settings, books, output_tokens=self.output_limit, tell=tell)

    def _scorer(self, provider: Provider) -> Scorer:
        if self.judge is not None:
            judge = self.judge

            async def ask(prompt: str) -> str:
                body = {
                    "messages": [{"role": "user", "content": prompt}],
                    "max_tokens": GRADE_LIMIT,
                }
                return (await provider.complete(judge, ChatRequest(body))).text

            return ByJudge(ask, self.rubric)
        return ByWords() if self.question is None else ByLabel(self.question.form())


def job_of(
    settings: Settings,
    queries: Path,
    *,
    text: str,
    reference: str | None,
    labels: str | None,
    task: str | None,
    arms: str | None,
    judge: str | None,
    rubric: str,
    max_tokens: int | None,
    limit: int | None,
) -> Job:
    """The job that the options describe; everything that could be wrong is found here.

    Raises:
        ConfigurationError: no arms, or nothing to score answers by.
        UnknownArmError: an arm that is not set up.
        UnknownPriceError: an arm without a price that is not flagged so.
        TableError: an unreadable file or a missing column.
        InputError: a reference that is no label, or an empty query.
    """
    from metallm.cli.question import question_of
    from metallm.settings import tasks_of

    question = None
    if labels is not None or task is not None:
        question = question_of(labels, task, tasks_of(settings))
    if reference is None and judge is None:
        raise ConfigurationError(
            "nothing tells how good an answer is: give --reference with the column of right "
            "answers, or --judge with an arm that grades"
        )
    asked = _arms(settings, arms)
    return Job(
        _prompts(queries, text, reference, question, limit),
        asked,
        question,
        None if judge is None else _arms(settings, judge)[0],
        rubric,
        max_tokens,
    )


def _arms(settings: Settings, names: str | None) -> tuple[Arm, ...]:
    from metallm.providers.prices import priced

    known = {each.name: priced(each.arm()) for each in settings.arms}
    if not known:
        raise ConfigurationError(
            "no arms are set up: add [[arms]] to metallm.toml, or write one with 'metallm init'"
        )
    chosen = list(known) if names is None else [name.strip() for name in names.split(",")]
    for name in chosen:
        if name not in known:
            raise UnknownArmError(name, tuple(known))
        if known[name].list_price is None and known[name].price != "unknown":
            raise UnknownPriceError(name)
    return tuple(known[name] for name in dict.fromkeys(chosen))


def _prompts(
    path: Path, text: str, reference: str | None, question: Question | None, limit: int | None
) -> tuple[Prompt, ...]:
    """The queries of a table; one that stands there twice is asked once."""
    form = None if question is None else question.form()
    prompts: dict[str, Prompt] = {}
    for number, (value, truth) in enumerate(_cells(path, text, reference, question), 1):
        if limit is not None and number > limit:
            break
        if not value.strip():
            raise InputError(f"row {number} of {path}: the column {text} is empty")
        if truth is None and reference is not None:
            raise InputError(
                f"row {number} of {path}: the column {reference} is empty, so that no answer can "
                "be scored"
            )
        messages = (
            ({"role": "user", "content": value},) if form is None else tuple(form.messages(value))
        )
        sent = digest_of(value, [str(each["content"]) for each in messages])
        prompt = Prompt(sent, value, messages, truth)
        known = prompts.setdefault(sent, prompt)
        if known.reference != prompt.reference:
            raise InputError(
                f"row {number} of {path}: the same query stood there before with another reference "
                f"({known.reference!r}, now {prompt.reference!r})"
            )
    return tuple(prompts.values())


def _cells(
    path: Path, text: str, reference: str | None, question: Question | None
) -> Sequence[tuple[str, str | None]]:
    if question is not None:
        from metallm.cli.rows import read_rows

        rows = read_rows(path, text=text, task=question.task, truth=reference)
        return [(row.text, row.truth) for row in rows]
    from metallm.tables.columns import text_column
    from metallm.tables.files import read_table, require_columns

    wanted = [text] if reference is None else [text, reference]
    table = read_table(path, text_columns=wanted)
    require_columns(table, wanted, source=str(path))
    texts = [value or "" for value in text_column(table, text).to_pylist()]
    if reference is None:
        return [(value, None) for value in texts]
    told = [value or None for value in text_column(table, reference).to_pylist()]
    return list(zip(texts, told, strict=True))
