"""What a collection is expected to cost, and what it came to."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from metallm.cli.console import put_json, put_table, tell, usd
from metallm.cli.guard import WorkFailedError
from metallm.cli.tally import percent

if TYPE_CHECKING:
    from metallm.cli.collect_job import Job
    from metallm.cli.collected import Collected
    from metallm.cli.spending import Spending
    from metallm.core.arm import Arm
    from metallm.errors import BudgetExhaustedError

OPEN_ANSWER = 250
"""Output tokens that an open answer is assumed to have."""

JUDGED_AROUND = 150
"""Input tokens of a judge's prompt beside question and answer."""


def say_estimate(job: Job, collected: Collected, *, as_json: bool) -> None:
    """What is left is expected to cost; nobody is asked."""
    pairs = job.pairs(collected)
    answer = _answer_tokens(job)
    costs: dict[str, float | None] = {}
    for arm in job.arms:
        tokens = [prompt.input_tokens for prompt, each in pairs if each is arm]
        costs[arm.name] = _list_usd(arm, sum(tokens), answer * len(tokens))
    if job.judge is not None:
        shown = sum(prompt.input_tokens + answer + JUDGED_AROUND for prompt, _ in pairs)
        costs[f"{job.judge.name} as judge"] = _list_usd(job.judge, shown, 2 * len(pairs))
    known = [cost for cost in costs.values() if cost is not None]
    document = {
        "queries": len(job.prompts),
        "calls": len(pairs),
        "output_tokens_per_answer": answer,
        "arms": costs,
        "expected_usd": sum(known),
        "unknown_price": [name for name, cost in costs.items() if cost is None],
    }
    if as_json:
        put_json(document)
        return
    tell(
        f"{len(pairs):,} calls are left, for {len(job.prompts):,} queries and {len(job.arms)} "
        "arms; nobody was asked"
    )
    for name, cost in costs.items():
        tell(f"{name}: {'UNKNOWN price' if cost is None else usd(cost)}")
    tell(
        f"together {usd(sum(known))} at list prices, with {answer} output tokens an answer, which "
        "is an assumption: models that reason write many more. --budget holds them to an amount"
    )


def say(
    job: Job, collected: Collected, books: Spending | None, *, written: int, as_json: bool
) -> None:
    """What was collected, arm by arm."""
    arms = {arm.name: _tally(job, collected, arm.name) for arm in job.arms}
    if as_json:
        spent = None if books is None else books.plain()
        put_json({"rows": written, "arms": arms, "spent": spent, "out": str(collected.out)})
        return
    from rich.table import Table

    table = Table("arm", "answers", "failed", "unscored", "quality", "cost")
    for column in table.columns[1:]:
        column.justify = "right"
    for name, each in arms.items():
        quality = "-" if each["quality"] is None else percent(each["quality"])
        table.add_row(
            name,
            str(each["answers"]),
            str(each["failed"]),
            str(each["unscored"]),
            quality,
            usd(each["cost_usd"]) if each["answers"] else "-",
        )
    put_table(table)
    if books is not None:
        tell(f"{usd(books.spent_usd)} of {usd(books.budget_usd)} spent")
    if written:
        tell(
            f"{written:,} rows are in {collected.out}: "
            f"'metallm replay {collected.out}' tells what routing them is worth, "
            "Router.fit learns from them"
        )


def check_done(job: Job, collected: Collected, exhausted: BudgetExhaustedError | None) -> None:
    """Exit with 1 where answers are missing, saying how to go on.

    Raises:
        WorkFailedError: some are.
    """
    left = job.left(collected)
    if exhausted is not None:
        raise WorkFailedError(
            f"{left} of {len(job.order)} answers are missing: {usd(exhausted.left_usd)} of the "
            f"budget of {usd(exhausted.limit_usd)} are left, and the next call can cost up to "
            f"{usd(exhausted.needed_usd)}. Run the same command with a larger --budget to go on"
        )
    if left:
        errors = [
            each["error"] for each in collected.outcomes.values() if each.get("error") is not None
        ]
        raise WorkFailedError(
            f"{left} of {len(job.order)} answers failed, the last with: {errors[-1]}. Run the same "
            "command again to ask for them once more"
        )


def _tally(job: Job, collected: Collected, arm: str) -> dict[str, Any]:
    known = [collected.outcomes.get((prompt.query_id, arm)) for prompt in job.prompts]
    rows = [each for each in known if each is not None]
    answers = [each for each in rows if each.get("error") is None]
    scores = [each["score"] for each in answers if each["score"] is not None]
    bills = [each["cost_usd"] for each in answers]
    return {
        "answers": len(answers),
        "failed": len(rows) - len(answers),
        "unscored": len(answers) - len(scores),
        "quality": sum(scores) / len(scores) if scores else None,
        "cost_usd": None if None in bills else sum(bills),
    }


def _answer_tokens(job: Job) -> int:
    from metallm.tasks.lengths import usual_answer

    if job.question is None:
        return min(OPEN_ANSWER, job.max_tokens or OPEN_ANSWER)
    return usual_answer(job.question.task.labels)


def _list_usd(arm: Arm, input_tokens: int, output_tokens: int) -> float | None:
    price = arm.list_price
    if price is None:
        return None
    return (input_tokens * price.input + output_tokens * price.output) / 1e6
