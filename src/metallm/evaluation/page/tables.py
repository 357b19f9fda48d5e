"""Tables of a classification's page."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from metallm.evaluation.page.html import Child, Safe, el, named, shown
from metallm.evaluation.page.numbers import NONE, between, percent, usd

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from metallm.core.task import Task
    from metallm.evaluation.answered import Always, RowAnswer, RunReport, Share
    from metallm.evaluation.classification import ClassificationReport, LabelScore

MOST_IN_MATRIX = 16
"""Labels that a matrix shows; of more, the pairs that were taken for each other most are listed."""

MOST_PAIRS = 20
MOST_TEXT = 280
MOST_LABEL = 44
MOST_LABELS = 40
"""Labels whose figures are shown; of more, those that are told worst."""
NO_LABEL = "no label"


def table(heads: Sequence[str], rows: Sequence[Sequence[Child]], cls: str | None = None) -> Safe:
    """A table.

    Args:
        heads: of its columns; those that begin with # hold numbers.
        rows: cells.
        cls: class of the table.
    """
    right = [head.startswith("#") for head in heads]
    names = [head.removeprefix("#") for head in heads]
    head = el("tr", [el("th", name, cls=_set(at)) for name, at in zip(names, right, strict=True)])
    body = [
        el("tr", [_cell(cell, at) for cell, at in zip(row, right, strict=True)]) for row in rows
    ]
    return el("div", el("table", el("thead", head), el("tbody", body), cls=cls), cls="scroll")


def who_answered(report: RunReport, hues: Mapping[str, int]) -> Safe:
    """One line an arm, and one for all."""
    rows = [_shared(each, report.whole.rows, hues[each.name]) for each in report.by_arm]
    rows.append(_shared(report.whole, report.whole.rows, None))
    heads = ["who answered", "#rows", "", "#right", "#95 % interval", "#confidence", "#cost"]
    if report.scores is None:
        rows = [[*row[:3], *row[5:]] for row in rows]
        heads = [*heads[:3], *heads[5:]]
    return table(heads, rows)


def who_was_asked(report: RunReport) -> Safe:
    """One line a model that was asked, whoever settled the label."""
    rows: list[list[Child]] = []
    for each in report.asked:
        row: list[Child] = [
            named(each.arm, MOST_LABEL),
            f"{each.calls:,}",
            _bar(each.calls, report.whole.rows, 2, "of all rows"),
            percent(each.agreed / each.calls),
        ]
        if report.scores is not None:
            mean = None if each.accuracy is None else each.accuracy.mean
            row += [percent(mean), between(each.accuracy)]
        rows.append(row)
    heads = ["who was asked", "#calls", "", "#its label was taken"]
    return table(heads + (["#right itself", "#95 % interval"] if report.scores else []), rows)


def labels_given(report: RunReport, task: Task) -> Safe:
    """How often each label was answered, and how well it was told where the truth is known."""
    scores = {} if report.scores is None else {each.label: each for each in report.scores.by_label}
    there = [each for each in report.by_label if each.name or each.rows]
    by_one = scores and task.kind != "multi"  # several labels together have no score
    picked = _telling(there, scores if by_one else {})
    top = max((each.rows for each in picked), default=1) or 1
    rows: list[list[Child]] = []
    for each in picked:
        score = scores.get(each.name)
        row: list[Child] = [
            named(each.name, MOST_LABEL) if each.name else el("i", NO_LABEL),
            f"{each.rows:,}",
            _bar(each.rows, top, 2),
        ]
        if scores:
            told = [NONE] * 4 if score is None else [
                f"{score.support:,}", percent(score.precision), percent(score.recall),
                percent(score.f1),
            ]  # fmt: skip
            row += told
        rows.append(row)
    heads = ["label" if task.kind != "multi" else "labels", "#answered", ""]
    found = table([*heads, *(["#true", "#precision", "#recall", "#F1"] if scores else [])], rows)
    if len(picked) == len(there):
        return found
    order = "told worst" if by_one else "answered most"
    return el("div", el("p", f"{len(picked)} of {len(there)}, those {order}.", cls="quiet"), found)


def _telling(labels: Sequence[Share], scores: Mapping[str, LabelScore]) -> Sequence[Share]:
    """All labels, or of very many those that are told worst, or were answered most."""
    if len(labels) <= MOST_LABELS:
        return labels
    if not scores:
        return sorted(labels, key=lambda each: -each.rows)[:MOST_LABELS]
    known = [each for each in labels if each.name in scores and scores[each.name].support]
    return sorted(known, key=lambda each: scores[each.name].f1)[:MOST_LABELS]


def confusion(task: Task, scores: ClassificationReport) -> Safe | None:
    """Which label was taken for which."""
    counts = scores.confusion
    if counts is None:
        return None
    columns = [*task.labels, NO_LABEL]
    if not counts[:, -1].any():
        counts, columns = counts[:, :-1], columns[:-1]
    if len(task.labels) > MOST_IN_MATRIX:
        return _pairs(task, counts, columns)
    shares = counts / np.maximum(counts.sum(axis=1, keepdims=True), 1)
    head = [el("th", "truth ↓  answered →", cls="quiet")]
    head += [el("th", named(each, MOST_LABEL)) for each in columns]
    body = [
        el(
            "tr",
            el("th", named(label, MOST_LABEL), cls="side"),
            [
                _heat(int(counts[at, to]), float(shares[at, to]), right=at == to)
                for to in range(len(columns))
            ],
        )
        for at, label in enumerate(task.labels)
    ]
    return el("div", el("table", el("tr", head), body, cls="heat"), cls="scroll")


def singles(always: Sequence[Always], run: Share, *, judged: bool) -> Safe:
    """This run beside always asking one model, per 1,000 rows."""
    priced = max(run.rows - run.unpriced, 1)
    ours = 1000.0 * run.cost_usd / priced
    costs = [1000.0 * each.cost_usd / each.rows for each in always if each.cost_usd is not None]
    top = max([ours, *costs]) or 1.0
    mean = None if run.accuracy is None else run.accuracy.mean
    rows: list[list[Child]] = [
        ["this run, observed", percent(mean), usd(ours), _bar(ours, top, None), NONE]
    ]
    for each in sorted(always, key=lambda one: (one.cost_usd is None, one.cost_usd or 0.0)):
        cost = None if each.cost_usd is None else 1000.0 * each.cost_usd / each.rows
        times = NONE if cost is None or not ours else f"{cost / ours:,.2g} ×"
        rows.append(
            [
                named(each.arm, MOST_LABEL),
                percent(each.accuracy),
                usd(cost),
                None if cost is None else _bar(cost, top, 7),
                times,
            ]
        )
    heads = ["always", "#accuracy", "#cost of 1,000 rows", "", "#of this run"]
    if not judged:
        rows, heads = [[row[0], *row[2:]] for row in rows], [heads[0], *heads[2:]]
    return table(heads, rows)


def looked_at(answers: Sequence[RowAnswer], *, judged: bool) -> Safe:
    """Rows with their texts."""
    rows: list[list[Child]] = []
    for each in answers:
        cells: list[Child] = [
            f"{each.row:,}",
            el("div", shown(each.text, MOST_TEXT), cls="said"),
            _chip(each.label, each.correct),
        ]
        if judged:
            cells.append(_chip(each.truth, None) if each.truth is not None else NONE)
        sure = NONE if each.confidence is None else f"{each.confidence:.2f}"
        rows.append([*cells, sure, _who(each)])
    heads = ["#row", "text", "answered", *(["truth"] if judged else []), "#confidence", "by"]
    return table(heads, rows, "rows judged" if judged else "rows")


def _shared(each: Share, whole: int, hue: int | None) -> list[Child]:
    unknown = f" + {each.unpriced:,} unknown" if each.unpriced else ""
    mean = None if each.accuracy is None else each.accuracy.mean
    return [
        named(each.name, MOST_LABEL) if hue is not None else el("b", "all"),
        f"{each.rows:,}",
        None if hue is None else _bar(each.rows, whole, hue, percent(each.rows / whole)),
        percent(mean),
        between(each.accuracy),
        NONE if each.confidence is None else f"{each.confidence:.2f}",
        usd(each.cost_usd) + unknown,
    ]


def _who(answer: RowAnswer) -> Safe:
    """Who settled the label, and what each model said that was asked."""
    said = [
        el("div", named(arm, MOST_LABEL), ": ", named(label or NO_LABEL, MOST_LABEL), cls="quiet")
        for arm, label in answer.said
        if len(answer.said) > 1 or arm != answer.arm
    ]
    return el("div", named(answer.arm, MOST_LABEL), said, cls="names")


def _pairs(task: Task, counts: np.ndarray, columns: Sequence[str]) -> Safe:
    """The commonest confusions, where a matrix would be too large."""
    found = [
        (int(counts[at, to]), label, columns[to])
        for at, label in enumerate(task.labels)
        for to in np.flatnonzero(counts[at]).tolist()
        if columns[to] != label
    ]
    found.sort(key=lambda pair: (-pair[0], pair[1], pair[2]))
    rows = [
        [named(truth, MOST_LABEL), named(said, MOST_LABEL), f"{rows:,}"]
        for rows, truth, said in found[:MOST_PAIRS]
    ]
    return table(["truth", "answered", "#rows"], rows)


def _heat(rows: int, share: float, *, right: bool) -> Safe:
    hue = "heat" if right else "wrong"
    style = f"background: rgba(var(--{hue}), {0.08 + 0.5 * share:.2f})" if rows else None
    return el("td", f"{rows:,}" if rows else "·", style=style, cls=None if rows else "zero")


def _chip(label: str | None, correct: bool | None) -> Safe:
    if label is None:
        return el("span", el("i", NO_LABEL), cls="chip no")
    kind = {None: "chip", True: "chip yes", False: "chip no"}[correct]
    return el("span", named(label, MOST_LABEL), cls=kind)


def _bar(value: float, top: float, hue: int | None, title: str | None = None) -> Safe:
    cls = "bar" if hue is None else f"bar c{hue}"
    width = f"width: {100 * value / top:.1f}%"
    return el("div", el("span", cls=cls, style=width), cls="track", title=title)


def _set(right: bool) -> str | None:
    return "n" if right else None


def _cell(cell: Child, right: bool) -> Safe:
    return el("td", cell, cls=_set(right))
