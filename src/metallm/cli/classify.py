"""`metallm classify`: bulk classification."""

from __future__ import annotations

from contextlib import nullcontext
from typing import TYPE_CHECKING

from metallm.cli.classify_options import (  # noqa: TC001 - typer reads the annotations
    Audit,
    AuditShare,
    Budget,
    Concurrency,
    Data,
    Estimate,
    FewShot,
    Gateway,
    Keep,
    Labels,
    Limit,
    MaxCalls,
    Out,
    Report,
    TaskName,
    Text,
    Truth,
    Warm,
)
from metallm.cli.configured import read_settings
from metallm.cli.guard import WorkFailedError
from metallm.cli.options import (  # noqa: TC001 - typer reads the annotations
    AsJson,
    Config,
    CostWeight,
    Policy,
    Seed,
    Store,
)
from metallm.errors import ConfigurationError

if TYPE_CHECKING:
    from contextlib import AbstractContextManager

    from metallm.cli.classify_run import Asking
    from metallm.cli.journal import Journal
    from metallm.cli.spending import Spending
    from metallm.core.task import Task
    from metallm.settings import Settings


def classify(
    data: Data,
    text: Text,
    labels: Labels = None,
    task: TaskName = None,
    truth: Truth = None,
    few_shot: FewShot = 0,
    out: Out = None,
    keep: Keep = None,
    report: Report = None,
    gateway: Gateway = None,
    warm: Warm = None,
    limit: Limit = None,
    concurrency: Concurrency = 8,
    max_calls: MaxCalls = 1,
    audit: Audit = None,
    audit_share: AuditShare = 0.1,
    estimate: Estimate = False,
    budget: Budget = None,
    config: Config = None,
    cost_weight: CostWeight = None,
    policy: Policy = None,
    seed: Seed = None,
    store: Store = None,
    as_json: AsJson = False,
) -> None:
    """Classify the rows of a table.

    Every answer is kept as it comes. After an interrupt the same command goes on where it was;
    rows that failed are asked again. Exits with 1 where rows failed, or the budget did not do.
    """
    from metallm.cli.answers_file import kept_columns
    from metallm.cli.classify_run import Asking, door_of
    from metallm.cli.examples import with_examples
    from metallm.cli.files import check_writable
    from metallm.cli.journal import Journal
    from metallm.cli.question import question_of
    from metallm.cli.rows import read_rows
    from metallm.cli.summary import say, summed_up, write_page
    from metallm.settings import tasks_of

    _check_together(
        gateway,
        warm=warm is not None,
        budget=budget is not None,
        estimate=estimate,
        few_shot=few_shot > 0,
        audit=audit is not None,
    )
    settings = _audited(
        read_settings(config, cost_weight=cost_weight, policy=policy, seed=seed, store=store),
        audit,
        audit_share,
    )
    # a gateway's prompts are its own: what it declares counts, and not the settings here
    tasks = tasks_of(settings) if gateway is None else _tasks_at(gateway, task)
    question = question_of(labels, task, tasks)
    if report is not None:
        check_writable(report)
    kept = kept_columns(data, keep)
    table = read_rows(data, text=text, task=question.task, truth=truth)
    out = out or data.with_name(f"{data.stem}.labels.jsonl")
    with Journal(out, table, look=estimate) as journal:
        question = with_examples(question, few_shot, table, journal, settings)
        rows = table[:limit]
        if estimate:
            from metallm.cli.estimate import tell_estimate

            tell_estimate(
                settings, question, rows, journal, warm=warm, max_calls=max_calls, as_json=as_json
            )
            _tell_of_audit(settings)
            return
        with _books(budget, settings, journal) as books:
            asking = Asking(rows, journal, books)
            door = door_of(settings, question, gateway, warm, max_calls, books)
            asking.run(door, concurrency, compare=report is not None)
            journal.finish(complete=asking.complete, kept=kept)
            found = asking.found(question, source=data.name)
            figures, doubts = summed_up(found)
            if report is not None:
                write_page(report, found, figures, doubts)
            say(found, figures, doubts, as_json=as_json)
    _check_done(asking)


def _audited(settings: Settings, arm: str | None, share: float) -> Settings:
    """The settings, with the audit that was asked for in place of theirs."""
    from metallm.settings import AuditSettings

    if arm is None:
        return settings
    return settings.model_copy(update={"audit": AuditSettings(arm=arm, share=share)})


def _tell_of_audit(settings: Settings) -> None:
    from metallm.cli.console import tell

    audit = settings.audit
    if audit.arm:
        tell(
            f"not in these figures: the audit, which sends up to {audit.share:.0%} of the rows to "
            f"{audit.arm} as well"
        )


def _check_together(
    gateway: str | None, *, warm: bool, budget: bool, estimate: bool, few_shot: bool, audit: bool
) -> None:
    """Refuse what only a router in this process can do, where a gateway is to be asked."""
    if gateway is None:
        return
    if warm:
        raise ConfigurationError("--warm is for a router in this process, not for a --gateway")
    if budget:
        raise ConfigurationError(
            "--budget is for a router in this process: what a gateway tries, repeats and falls "
            "back to is not seen from here, so that no bound holds. Leave out --gateway, or give "
            "this job a key of the gateway that has a budget of its own"
        )
    if estimate:
        raise ConfigurationError(
            "--estimate needs the arms and their prices: leave out --gateway, and name the "
            "gateway's own settings with --config"
        )
    if audit:
        raise ConfigurationError(
            "--audit is for a router in this process: a gateway audits as its own settings say "
            "([audit] in its metallm.toml)"
        )
    if few_shot:
        raise ConfigurationError(
            "--few-shot is for a router in this process: a gateway builds its own prompts. Declare "
            "the task there, with its examples ([[tasks]] in its metallm.toml), and name it with "
            "--task"
        )


def _tasks_at(gateway: str, name: str | None) -> dict[str, Task]:
    from metallm.cli.gateway_client import declared_tasks, root_of

    root_of(gateway)
    return {} if name is None else declared_tasks(gateway)


def _books(
    budget: float | None, settings: Settings, journal: Journal
) -> AbstractContextManager[Spending | None]:
    """The budget of this job, or nothing."""
    if budget is None:
        return nullcontext()
    from metallm.assembly.budgeted import check_bounded
    from metallm.cli.spending import Spending, spending_path

    check_bounded(settings)
    return Spending(spending_path(journal.out), budget, journal.answers.values())


def _check_done(asking: Asking) -> None:
    """Exit with 1 where rows have no answer, saying how to go on."""
    told = []
    if asking.exhausted is not None:
        from metallm.cli.console import usd

        short = asking.exhausted
        told.append(
            f"{asking.left} of {asking.total} rows are not answered: {usd(short.left_usd)} of the "
            f"budget of {usd(short.limit_usd)} are left, and the next call can cost up to "
            f"{usd(short.needed_usd)}. Run the same command with a larger --budget to go on"
        )
    if asking.tally.failed:
        told.append(
            f"{asking.tally.failed} of {asking.total} rows failed, the last with: "
            f"{asking.tally.error}. Run the same command again to ask for them once more"
        )
    if asking.tally.empty:
        told.append(
            f"{asking.tally.empty} of {asking.total} rows have no text, and so no label: fill in "
            "what is missing, or take these rows out"
        )
    if told:
        raise WorkFailedError("; ".join(told))
