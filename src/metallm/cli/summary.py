"""What a bulk classification says at its end: on the terminal, as JSON, and as a page."""

from __future__ import annotations

import time
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from metallm.cli.console import put_json, put_table, tell, usd
from metallm.cli.fixed import best_of, dearest_of, plain, told
from metallm.cli.tally import percent

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from pathlib import Path

    from metallm.cli.question import Question
    from metallm.cli.rows import Row
    from metallm.cli.tally import Tally
    from metallm.evaluation.answered import Always, RowAnswer, RunReport
    from metallm.evaluation.intervals import Interval
    from metallm.evaluation.suspects import Suspects

NAMED = 5
"""Rows of each kind that are named on the terminal."""


@dataclass(frozen=True, slots=True)
class Found:
    """A job at its end.

    Args:
        question: what was asked.
        rows: what it was about.
        answers: of the rows that have one, as the journal holds them.
        tally: of these.
        left: rows that were not asked.
        always: what single arms are expected to have come to.
        spent: the budget, as values that JSON can hold; None without one.
        source: name of the file.
        out: where the answers are.
    """

    question: Question
    rows: Sequence[Row]
    answers: Sequence[Mapping[str, Any]]
    tally: Tally
    left: int
    always: Sequence[Always]
    spent: Mapping[str, Any] | None
    source: str
    out: str

    def row_answers(self) -> list[RowAnswer]:
        """The rows that somebody was asked about, with their texts."""
        texts = {row.number: row.text for row in self.rows}
        return [
            row_answer(answer, texts[answer["row"]])
            for answer in self.answers
            if answer.get("error") is None and not answer.get("example")
        ]


def summed_up(found: Found) -> tuple[RunReport | None, Suspects]:
    """The figures of a job, and the rows to look at."""
    from metallm.evaluation.answered import run_report
    from metallm.evaluation.suspects import suspects

    answers = found.row_answers()
    report = run_report(found.question.task, answers) if answers else None
    return report, suspects(answers)


def row_answer(answer: Mapping[str, Any], text: str) -> RowAnswer:
    """An answer of the journal with its row's text."""
    from metallm.evaluation.answered import RowAnswer

    return RowAnswer(
        row=answer["row"],
        text=text,
        label=answer["label"],
        truth=answer.get("truth"),
        arm=answer["arm"],
        cost_usd=answer.get("cost_usd"),
        confidence=answer.get("confidence"),
        said=tuple((each["arm"], each["label"]) for each in answer.get("said") or ()),
        at=answer.get("at"),
    )


def say(found: Found, report: RunReport | None, rows: Suspects, *, as_json: bool) -> None:
    """Tell what it came to.

    Args:
        found: the job.
        report: its figures; None where no row has an answer.
        rows: those to look at.
        as_json: as one line of JSON.
    """
    judged = found.tally.whole.judged > 0
    best = best_of(found.always) if judged else None
    if as_json:
        put_json(_document(found, report, rows, None if best is None else best.arm))
        return
    put_table(found.tally.table())
    if report is not None:
        _say_report(report, found.tally)
        _say_rows(rows)
    dearest = dearest_of(found.always)
    for each in dict.fromkeys(each for each in (best, dearest) if each is not None):
        tell(told(each, judged=judged))
    if found.spent is not None:
        tell(_budget(found.spent))
    if found.answers:
        tell(f"answers are in {found.out}")


def write_page(path: Path, found: Found, report: RunReport | None, rows: Suspects) -> None:
    """Write the page of a job. Arguments as for `say`.

    Raises:
        ConfigurationError: it could not be written.
    """
    from metallm.cli.files import write_atomically
    from metallm.evaluation.page.classify_page import Page, classify_page

    if report is None:
        tell(f"no row has an answer, so that there is nothing to tell in {path}")
        return
    page = Page(
        source=found.source,
        task=found.question.task,
        report=report,
        suspects=rows,
        always=found.always,
        failed=found.tally.failed,
        empty=found.tally.empty,
        left=found.left,
        examples=found.tally.examples,
        spent="" if found.spent is None else _budget(found.spent),
        made_at=time.strftime("%d %B %Y, %H:%M").lstrip("0"),
    )
    text = classify_page(page)
    write_atomically(path, lambda place: place.write_text(text, encoding="utf-8"))
    tell(f"the report is in {path}")


def _document(
    found: Found, report: RunReport | None, rows: Suspects, best: str | None
) -> dict[str, Any]:
    return {
        **found.tally.plain(),
        "left": found.left,
        "figures": None if report is None else _figures(report),
        "look_at": {
            name: [each.row for each in getattr(rows, name)]
            for name in ("contested", "divided", "doubtful", "unread")
        },
        "always": plain(found.always),
        "best_single": best,
        "budget": found.spent,
        "out": found.out,
    }


def _figures(report: RunReport) -> dict[str, Any]:
    """Single figures by name; None where no truth is known."""
    scores, sure = report.scores, report.calibration
    return {
        "accuracy_interval": None if scores is None else _ends(scores.accuracy),
        "macro_f1": None if scores is None else scores.macro_f1,
        "quality": None if scores is None else scores.quality,
        "error_cost": None if scores is None else scores.error_cost,
        "confidence": report.whole.confidence,
        "calibration_error": None if sure is None else sure.expected_error,
        "brier": None if sure is None else sure.brier,
        "own_answers": {
            each.name: {
                "rows": each.rows,
                "share": each.rows / report.whole.rows,
                "accuracy": None if each.accuracy is None else each.accuracy.mean,
            }
            for each in report.own
        },
    }


def _ends(interval: Interval) -> list[float]:
    return [interval.low, interval.high]


def _say_report(report: RunReport, tally: Tally) -> None:
    scores = report.scores
    if scores is not None:
        sure = scores.accuracy
        tell(
            f"accuracy {percent(sure.mean)} (95 %: {100 * sure.low:.1f} to {100 * sure.high:.1f} % "
            f"of {sure.n} rows), macro-F1 {scores.macro_f1:.3f}"
        )
    for each in report.own:
        right = "" if each.accuracy is None else f", {percent(each.accuracy.mean)} of them right"
        tell(f"{each.name} settled {percent(each.rows / report.whole.rows)} of the rows{right}")
    if report.calibration is not None:
        told_error = report.calibration.expected_error
        tell(f"confidence is off by {100 * told_error:.1f} points in the mean")
    if tally.unread:
        tell(f"{tally.unread} answers named none of the labels, or several: their label is null")
    if scores is not None and len(tally.arms) > 1:
        tell(
            "an arm's accuracy is that on the rows it was chosen for, which differ from arm to "
            "arm: it does not tell what it would have got on the others"
        )


def _say_rows(rows: Suspects) -> None:
    """Which rows to look at, by their numbers."""
    kinds = (
        ("surest against the truth", rows.contested),
        ("models differ", rows.divided),
        ("least sure", rows.doubtful),
    )
    named = [
        f"{name} {', '.join(str(each.row) for each in found[:NAMED])}"
        for name, found in kinds
        if found
    ]
    if named:
        tell(f"rows to look at: {'; '.join(named)} (--report FILE.html shows their texts)")


def _budget(spent: Mapping[str, Any]) -> str:
    told_all = f"{usd(spent['spent_usd'])} of the budget of {usd(spent['budget_usd'])} are spent"
    before, full = spent["spent_before_usd"], spent["counted_in_full_usd"]
    told_before = f", {usd(before)} of them by earlier runs" if before else ""
    told_full = (
        f"; {usd(full)} are for calls whose bill is not known, which count with the most they can "
        "have cost"
        if full
        else ""
    )
    return told_all + told_before + told_full
