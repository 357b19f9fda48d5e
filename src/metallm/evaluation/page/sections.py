"""The parts of a classification's page."""

from __future__ import annotations

from typing import TYPE_CHECKING

from metallm.core.classes import EVIDENCE, STUDENT
from metallm.evaluation.page import charts, tables
from metallm.evaluation.page.html import Child, Safe, el, named
from metallm.evaluation.page.numbers import count, percent
from metallm.evaluation.page.style import HUES

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from metallm.evaluation.answered import Always, RunReport
    from metallm.evaluation.page.classify_page import Page

_OWN = {STUDENT: "by the text alone", EVIDENCE: "by the text and what models had answered"}


def reference(always: Sequence[Always], *, judged: bool) -> Always | None:
    """The single model to compare with: the best where that is known, else the dearest."""
    priced = [each for each in always if each.cost_usd is not None]
    if len(priced) < 2:
        return None
    if judged:
        return max(priced, key=lambda each: each.accuracy)
    return max(priced, key=lambda each: each.cost_usd or 0.0)


def single_models(page: Page) -> Safe | None:
    """What always asking one model would have come to; None where nothing tells."""
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


def over_the_run(page: Page, hues: Mapping[str, int]) -> Safe:
    """Who answered, and what was spent, as the run went on."""
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


def answers(page: Page) -> Safe:
    """How right the answers are, in all, over the run and by label."""
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


def rows_to_look_at(page: Page) -> Safe:
    """Rows with their texts, the most telling first."""
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


def hues_of(report: RunReport) -> dict[str, int]:
    """A hue for each arm: the router's own have theirs, the rest by their rows."""
    hues = {STUDENT: 0, EVIDENCE: 1}
    models = [each.name for each in report.by_arm if each.name not in hues]
    for place, name in enumerate(models):
        hues[name] = min(2 + place, HUES - 1)
    return hues


def _section(title: str, told: str, *children: Child | Sequence[Child]) -> Safe:
    note = el("p", told, cls="note") if told else None
    return el("section", el("h2", title), note, *children)


def _figure(chart: Safe, caption: Child) -> Safe:
    return el("figure", chart, el("figcaption", caption))


def _by_hue(report: RunReport, hues: Mapping[str, int]) -> list[str]:
    """Arms as the stacks have them, from below."""
    return sorted((each.name for each in report.by_arm), key=lambda arm: hues[arm])


def _key(hues: Mapping[str, int]) -> Safe:
    return el(
        "span",
        [el("span", el("i", cls=f"c{hue}"), named(arm, 40)) for arm, hue in hues.items()],
        cls="key",
    )
