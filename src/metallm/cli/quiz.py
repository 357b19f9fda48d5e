"""`metallm quiz`: introduce a new arm by asking it what is known already."""

from __future__ import annotations

from pathlib import Path  # noqa: TC003 - typer reads the annotations
from typing import TYPE_CHECKING, Annotated, Any

import typer

from metallm.cli.configured import read_settings
from metallm.cli.console import progress, put_json, put_table, tell, usd
from metallm.cli.guard import InterruptedWorkError, WorkFailedError
from metallm.cli.options import AsJson, Config, Store  # noqa: TC001 - typer reads them
from metallm.errors import ConfigurationError, InputError, UnknownArmError

if TYPE_CHECKING:
    from collections.abc import Sequence

    from metallm.assembly import Router
    from metallm.cli.quiz_plan import Plan
    from metallm.cli.tally import Tally
    from metallm.evaluation.prompts import Prompt
    from metallm.settings import Settings


def quiz(
    arm: Annotated[str, typer.Argument(metavar="ARM", help="Name of an arm in the settings.")],
    source: Annotated[
        Path | None,
        typer.Option(
            "--from",
            metavar="FILE",
            help="Prompts with their right answers, .parquet, .csv or .jsonl: query, reference. "
            "Default: classifications in the log, where its texts are kept.",
        ),
    ] = None,
    prompts: Annotated[
        int, typer.Option(min=1, max=1000, metavar="N", help="How many prompts to ask.")
    ] = 50,
    yes: Annotated[bool, typer.Option("--yes", help="Do not ask before spending.")] = False,
    concurrency: Annotated[
        int, typer.Option(min=1, max=256, metavar="N", help="Prompts at the same time.")
    ] = 8,
    config: Config = None,
    store: Store = None,
    as_json: AsJson = False,
) -> None:
    """Ask a new arm what is known already, and learn from it.

    The prompts stand for all in the source, and what they are expected to cost is told first.
    Every answer is in the log once it came: after an interrupt the same command goes on where it
    was, and asks nothing twice. Exits with 1 where prompts failed.
    """
    from metallm.cli.quiz_plan import plan

    settings = read_settings(config, store=store)
    names = [each.name for each in settings.arms]
    if arm not in names:
        raise UnknownArmError(arm, names)
    if not settings.store.path:
        raise ConfigurationError(
            "store.path is empty: what a quiz teaches would be lost with this process; "
            "name a log with --store"
        )
    planned = plan(settings, arm, _prompts(settings, source), prompts)
    asked = _Quiz(settings, arm, planned)
    try:
        asked.run(concurrency, sure=yes)
    except KeyboardInterrupt as error:
        raise InterruptedWorkError(
            f"{asked.tally.whole.rows} of {len(planned.prompts)} prompts are answered in the log; "
            "the same command goes on from there"
        ) from error
    asked.say(as_json=as_json)
    if asked.tally.failed:
        raise WorkFailedError(
            f"{asked.tally.failed} of {len(planned.prompts)} prompts failed: run the same command "
            "again to ask for them once more"
        )


def _prompts(settings: Settings, source: Path | None) -> Sequence[Prompt]:
    """The prompts to choose from, at least one."""
    if source is not None:
        from metallm.evaluation.prompts import read_prompts

        found = read_prompts(source)
        left_out = (
            (found.unknown, "have no reference"),
            (found.unscorable, "have a reference that is no letter of an option and no label"),
        )
        for count, why in left_out:
            if count:
                tell(f"left out: {count} queries {why}")
        return found.prompts
    from contextlib import closing

    from metallm.cli.configured import open_log
    from metallm.cli.quiz_log import logged_prompts

    with closing(open_log(settings)) as log:
        prompts = logged_prompts(log.read())
    if not prompts:
        raise InputError(
            "the log has no classification with its text and true label: name a file of prompts "
            "with --from, or keep texts from now on with router.log_prompts = true"
        )
    return prompts


class _Quiz:
    """One run over the prompts that the arm has not answered yet."""

    def __init__(self, settings: Settings, arm: str, plan: Plan) -> None:
        from metallm.cli.tally import Count, Tally

        self.tally: Tally = Tally()
        self._settings = settings
        self._arm = arm
        self._plan = plan
        self._bill = Count()
        self._expected_usd: float | None = 0.0
        for text, earlier in plan.earlier.items():
            self.tally.add(
                {
                    "label": earlier.answer,
                    "arm": arm,
                    "cost_usd": earlier.cost_usd,
                    "correct": earlier.answer == plan.prompts[text].truth,
                }
            )

    def run(self, concurrency: int, *, sure: bool) -> None:
        """Tell the cost, have it confirmed, ask.

        Raises:
            InputError: the answer was no.
        """
        import asyncio

        from metallm.assembly import Router

        # opened before anybody is asked: a log that another process owns is told at once
        router = Router.from_settings(self._settings)
        try:
            self._expected_usd = self._plan.cost_usd(router, self._arm)
            if self._confirmed(sure=sure):
                asyncio.run(self._ask(router, concurrency))
            else:
                raise InputError("nothing was asked: confirm with y, or give --yes")
        finally:
            router.close()

    def _confirmed(self, *, sure: bool) -> bool:
        left, total = len(self._plan.left), len(self._plan.prompts)
        if left < total:
            tell(f"{total - left} of {total} prompts are answered already")
        if not left:
            return True
        unknown = self._expected_usd is None
        cost = "at an unknown cost" if unknown else f"expected to cost {usd(self._expected_usd)}"
        tell(f"{left} prompts for {self._arm}, {cost}")
        if sure:
            return True
        try:
            return typer.confirm("Ask them?", err=True)
        except typer.Abort:  # nobody there to answer
            return False

    async def _ask(self, router: Router, concurrency: int) -> None:
        from metallm.cli.bulk import classify_rows
        from metallm.cli.quiz_door import QuizDoor

        door = QuizDoor(router, self._arm, self._plan.prompts)
        left = self._plan.left
        try:
            for text, earlier in self._plan.earlier.items():
                if not earlier.judged:  # an interrupt came between answer and judgement
                    await door.judge(earlier.decision_id, self._plan.prompts[text].truth)
            with progress("quiz") as report:

                def keep(answer: dict[str, Any]) -> None:
                    self.tally.add(answer)
                    if answer.get("error") is None:
                        self._bill.add(answer)
                    seen = self.tally.whole.rows + self.tally.failed
                    report(seen, len(self._plan.prompts), self.tally.note())

                await classify_rows(left, door, concurrency=concurrency, keep=keep)
        finally:
            await door.close()

    def say(self, *, as_json: bool) -> None:
        """Accuracy with its interval, and the bill."""
        from metallm.evaluation.intervals import wilson_interval

        whole, expected = self.tally.whole, usd(self._expected_usd)
        sure = wilson_interval(whole.correct, whole.judged) if whole.judged else None
        if as_json:
            ends = None if sure is None else [sure.low, sure.high]
            put_json(
                {
                    "arm": self._arm,
                    "prompts": len(self._plan.prompts),
                    "answered_before": len(self._plan.earlier),
                    "expected_usd": self._expected_usd,
                    "bill_usd": self._bill.cost_usd,
                    "bill_unknown": self._bill.cost_unknown,
                    "accuracy_interval": ends,
                    **self.tally.plain(),
                }
            )
            return
        put_table(self.tally.table())
        if sure is not None:
            tell(
                f"95 % interval of the accuracy: {100 * sure.low:.1f} to {100 * sure.high:.1f} %, "
                "on prompts that stand for all in the source"
            )
        if self.tally.unread:
            tell(f"{self.tally.unread} answers named none of the labels, or several: wrong")
        unknown = self._bill.cost_unknown
        more = f" and {unknown} answers of unknown cost" if unknown else ""
        tell(f"bill of this run {usd(self._bill.cost_usd)}{more}, expected {expected}")
