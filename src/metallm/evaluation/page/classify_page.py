"""What a bulk classification came to, as a page: one file, no script, nothing from elsewhere."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from metallm.core.classes import EVIDENCE, STUDENT
from metallm.evaluation.page import charts, tables
from metallm.evaluation.page.html import Child, Safe, el, named, plain, shown
from metallm.evaluation.page.numbers import between, count, percent, usd
from metallm.evaluation.page.style import CSS, HUES

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from metallm.core.task import Task
    from metallm.evaluation.answered import Always, RunReport
    from metallm.evaluation.suspects import Suspects

SAFE = "default-src 'none'; style-src 'unsafe-inline'; img-src data:"
"""Even if a text got out of its place, nothing would be run or fetched."""

_OWN = {STUDENT: "by the text alone", EVIDENCE: "by the text and what models had answered"}


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
    left: int = 0
    examples: int = 0
    spent: str = ""
    made_at: str = ""


def classify_page(page: Page) -> str:
    """The page as HTML."""
    hues = _hues(page.report)
    body = el(
        "main",
        _head(page),
        _tiles(page),
        _single_models(page),
        _over_the_run(page, hues),
        _answers(page),
        _rows(page),
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
    best = reference(page.always, judged=report.scores is not None)
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


def reference(always: Sequence[Always], *, judged: bool) -> Always | None:
    """The single model to compare with: the best where that is known, else the dearest."""
    priced = [each for each in always if each.cost_usd is not None]
    if len(priced) < 2:
        return None
    if judged:
        return max(priced, key=lambda each: each.accuracy)
    return max(priced, key=lambda each: each.cost_usd or 0.0)


def _single_models(page: Page) -> Safe | None:
    report, judged = page.report, page.report.scores is not None
    if not page.always:
        return None
    chart = _cost_chart(page) if judged else None
    rows = max(each.rows for each in page.always)
    told = (
        "What always asking one model would have come to is an expectation: no model answered "
        f"every row. It is what the router has learned by now, over {count(rows, 'row')}."
    )
    return _section(
        "Against always asking one model",
        told,
        el(
            "div",
            [chart] if chart is not None else [],
            tables.singles(page.always, report.whole, judged=judged),
            cls="pair",
        ),
    )


def _cost_chart(page: Page) -> Safe | None:
    whole = page.report.whole
    ours = 1000.0 * whole.cost_usd / max(whole.rows - whole.unpriced, 1)
    spots = [
        charts.Spot(each.arm, 1000.0 * each.cost_usd / each.rows, min(max(each.accuracy, 0.0), 1.0))
        for each in page.always
        if each.cost_usd
    ]
    if not spots or not ours or whole.accuracy is None:
        return None
    sure = whole.accuracy
    run = charts.Spot("this run", ours, sure.mean, sure.low, sure.high)
    caption = "Accuracy by cost per 1,000 rows. Rings are expectations, the dot was observed."
    return el("figure", charts.cost_and_quality(run, spots), el("figcaption", caption))


def _over_the_run(page: Page, hues: Mapping[str, int]) -> Safe:
    report, rows = page.report, page.report.whole.rows
    used = {arm: hues[arm] for arm in _by_hue(report, hues)}
    pictures: list[Child] = [_figure(charts.stacked(report.spans, used, rows), _key(used))]
    best = reference(page.always, judged=report.scores is not None)
    others = {}
    if best is not None and best.cost_usd:
        others[best.arm] = best.cost_usd / best.rows * rows
    pictures.append(_figure(charts.spent(report.costs, others), "Spent, row by row."))
    return _section(
        "Over the run",
        _own_words(report),
        el("div", pictures, cls="pair"),
        tables.who_answered(report, hues),
        tables.who_was_asked(report) if report.asked else None,
        el(
            "p",
            "A model's share of right answers is that on the rows it was chosen for, which differ "
            "from model to model.",
            cls="quiet",
        )
        if report.scores is not None
        else None,
    )


def _own_words(report: RunReport) -> str:
    """What the router took over, in a sentence."""
    told = []
    for each in report.own:
        right = "" if each.accuracy is None else f", {percent(each.accuracy.mean)} of them right"
        told.append(
            f"{each.name} settled {count(each.rows, 'row')} "
            f"({percent(each.rows / report.whole.rows)}) {_OWN[each.name]}{right}."
        )
    return " ".join(told) or "Every answer is a model's own: no task is learned yet, or none asked."


def _answers(page: Page) -> Safe:
    report = page.report
    matrix = None if report.scores is None else tables.confusion(page.task, report.scores)
    many = len(page.task.labels) > tables.MOST_IN_MATRIX
    return _section(
        "Labels" if report.scores is None else "How right the answers are",
        _error_cost(page),
        el("div", _truths(page), cls="pair"),
        tables.labels_given(report, page.task),
        None if matrix is None else el("h3", "Taken for each other" if many else "Confusion"),
        matrix,
    )


def _truths(page: Page) -> list[Safe]:
    """Accuracy over the run, and whether confidence is worth what it says."""
    report, pictures = page.report, []
    if report.scores is not None and len(report.spans) > 1:
        told = "Accuracy over the run, with the 95 % interval of each part."
        chart = charts.accuracy_over(report.spans, report.whole.rows)
        pictures.append(_figure(chart, told))
    if report.calibration is not None:
        found = report.calibration
        told = (
            f"Confidence and the share that was right, of {sum(each.n for each in found.bins):,} "
            f"answers: off by {found.expected_error:.3f} in the mean, Brier score "
            f"{found.brier:.3f}. On the dashed line confidence is what it says; below it, answers "
            "are less often right than they seem. Larger dots hold more answers."
        )
        pictures.append(_figure(charts.reliability(found.bins), told))
    return pictures


def _error_cost(page: Page) -> str:
    scores = page.report.scores
    if scores is None:
        return "There are no true labels: what was answered, and how often."
    if page.task.kind == "single" and not page.task.error_costs:
        return ""
    return (
        f"Mean quality of answers {scores.quality:.3f}; mean cost of errors "
        f"{scores.error_cost:.3f} in the unit of the task's costs."
    )


def _rows(page: Page) -> Safe:
    found, judged = page.suspects, page.report.scores is not None
    lists = (
        ("Sure, and against the given truth", found.contested,
         "The surest first: where a label in the file is wrong, it is likely among these."),
        ("Models differ", found.divided, "The least sure first."),
        ("Least sure", found.doubtful, "A person's label teaches most here."),
        ("No label read", found.unread, "The answer named none of the labels, or several."),
    )  # fmt: skip
    parts: list[Child] = []
    for place, (title, rows, told) in enumerate(lists):
        if not rows:
            continue
        total = found.counts[place]
        most = f"{len(rows)} of {total:,} rows" if total > len(rows) else count(total, "row")
        summary = el("summary", f"{title} · {most}")
        note = el("p", told, cls="quiet")
        table = tables.looked_at(rows, judged=judged)
        parts.append(el("details", summary, note, table, open=None if parts else ""))
    if not parts:
        parts.append(el("p", "None: nothing is against the truth, divided or unread.", cls="quiet"))
    return _section("Rows to look at", "", parts)


def _foot() -> Safe:
    return el(
        "footer",
        "Costs are at the arms' prices and by the usage that hosts report. Intervals are of 95 % "
        "(Wilson). Made by metallm classify.",
    )


def _section(title: str, told: str, *children: Child | Sequence[Child]) -> Safe:
    note = el("p", told, cls="note") if told else None
    return el("section", el("h2", title), note, *children)


def _figure(chart: Safe, caption: Child) -> Safe:
    return el("figure", chart, el("figcaption", caption))


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


def _hues(report: RunReport) -> dict[str, int]:
    """A hue for each arm: the router's own have theirs, the rest by their rows."""
    hues = {STUDENT: 0, EVIDENCE: 1}
    models = [each.name for each in report.by_arm if each.name not in hues]
    for place, name in enumerate(models):
        hues[name] = min(2 + place, HUES - 1)
    return hues


def _by_hue(report: RunReport, hues: Mapping[str, int]) -> list[str]:
    """Arms as the stacks have them, from below."""
    return sorted((each.name for each in report.by_arm), key=lambda arm: hues[arm])


def _key(hues: Mapping[str, int]) -> Safe:
    return el(
        "span",
        [el("span", el("i", cls=f"c{hue}"), named(arm, 40)) for arm, hue in hues.items()],
        cls="key",
    )
