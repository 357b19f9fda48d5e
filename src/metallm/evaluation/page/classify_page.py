"""What a bulk classification came to, as a page: one file, no script, nothing from elsewhere."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from metallm.core.classes import STUDENT
from metallm.evaluation.page import sections
from metallm.evaluation.page.html import Safe, el, plain, shown
from metallm.evaluation.page.numbers import between, count, percent, usd
from metallm.evaluation.page.style import CSS

if TYPE_CHECKING:
    from collections.abc import Sequence

    from metallm.core.task import Task
    from metallm.evaluation.answered import Always, RunReport
    from metallm.evaluation.suspects import Suspects

SAFE = "default-src 'none'; style-src 'unsafe-inline'; img-src data:"
"""Even if a text got out of its place, nothing would be run or fetched."""


@dataclass(frozen=True, slots=True, eq=False)
class Page:
    """What the page tells.

    Args:
        source: name of the file that was classified.
        task: what was asked.
        report: of the rows that were answered.
        suspects: rows to look at.
        always: what single arms are expected to have come to.
        failed: rows that got no answer.
        empty: rows without a text.
        left: rows that were not asked.
        examples: rows that stood in the prompt.
        spent: a sentence on the budget; "" without one.
        made_at: when, in words.
    """

    source: str
    task: Task
    report: RunReport
    suspects: Suspects
    always: Sequence[Always]
    failed: int = 0
    empty: int = 0
    left: int = 0
    examples: int = 0
    spent: str = ""
    made_at: str = ""


def classify_page(page: Page) -> str:
    """The page as HTML."""
    body = el(
        "main",
        _head(page),
        _tiles(page),
        sections.single_models(page),
        sections.over_the_run(page, sections.hues_of(page.report)),
        sections.answers(page),
        sections.rows_to_look_at(page),
        _foot(),
    )
    head = el(
        "head",
        el("meta", charset="utf-8"),
        el("meta", name="viewport", content="width=device-width, initial-scale=1"),
        el("meta", http_equiv="Content-Security-Policy", content=SAFE),
        el("title", f"{plain(page.source, 120)}: what classifying it came to"),
        el("style", Safe(CSS)),
    )
    return f'<!doctype html>\n<html lang="en">{head}{el("body", body)}</html>\n'


def _head(page: Page) -> Safe:
    rows = page.report.whole.rows
    asked = f"{count(rows, 'row')} answered"
    asked += f", {page.left:,} not asked" if page.left else ""
    asked += f", {page.failed:,} failed" if page.failed else ""
    asked += f", {page.empty:,} without a text" if page.empty else ""
    asked += f", {page.examples:,} as examples in the prompt" if page.examples else ""
    labels = count(len(page.task.labels), "label")
    return el(
        "header",
        el("h1", shown(page.source, 120)),
        el("p", f"Classified as {plain(page.task.name, 80)} ({labels}): {asked}. {page.made_at}"),
        el("p", plain(page.spent, 500), cls="warn") if page.spent else None,
    )


def _tiles(page: Page) -> Safe:
    report = page.report
    whole, parts = report.whole, []
    if report.scores is not None:
        told = f"95 %: {between(whole.accuracy)}, of {whole.judged:,}"
        parts.append(_tile("accuracy", percent(report.scores.accuracy.mean), told))
        parts.append(_tile("macro-F1", f"{report.scores.macro_f1:.3f}", _worst(report)))
    elif whole.confidence is not None:
        told = "mean; no true labels to hold it against"
        parts.append(_tile("confidence", f"{whole.confidence:.2f}", told))
    unknown = f", {whole.unpriced:,} rows of unknown cost" if whole.unpriced else ""
    per = 1000.0 * whole.cost_usd / max(whole.rows - whole.unpriced, 1)
    parts.append(_tile("cost", usd(whole.cost_usd), f"{usd(per)} per 1,000 rows{unknown}"))
    free = sum(each.rows for each in report.by_arm if each.name == STUDENT)
    told = "settled without asking any model"
    parts.append(_tile("by the text alone", percent(free / whole.rows), told))
    best = sections.reference(page.always, judged=report.scores is not None)
    if best is not None and best.cost_usd:
        saved = 1.0 - per / (1000.0 * best.cost_usd / best.rows)
        words = "less" if saved >= 0 else "more"
        parts.append(
            _tile(
                "spent",
                f"{abs(100 * saved):.0f} % {words}",
                f"than always {plain(best.arm, 40)}, expected",
            )
        )
    return el("div", parts, cls="tiles")


def _foot() -> Safe:
    return el(
        "footer",
        "Costs are at the arms' prices and by the usage that hosts report. Intervals are of 95 % "
        "(Wilson). Made by metallm classify.",
    )


def _tile(name: str, value: str, told: str) -> Safe:
    return el("div", el("span", name, cls="name"), el("b", value), el("span", told), cls="tile")


def _worst(report: RunReport) -> str:
    """The label that is told worst."""
    scores = [] if report.scores is None else report.scores.by_label
    known = [each for each in scores if each.support]
    if not known:
        return ""
    worst = min(known, key=lambda each: each.f1)
    return f"lowest {worst.f1:.3f}: {plain(worst.label, 40)}"
