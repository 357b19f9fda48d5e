from __future__ import annotations

import re
from html.parser import HTMLParser

import pytest

from metallm.core.classes import EVIDENCE, STUDENT
from metallm.core.task import Task
from metallm.evaluation.answered import Always, RowAnswer, run_report
from metallm.evaluation.page.classify_page import Page, classify_page
from metallm.evaluation.page.sections import reference
from metallm.evaluation.suspects import suspects

HOSTILE = '<script>alert(1)</script><img src="http://x.example/a.png">"\u202e'
LABELS = ["a<b>", "b&c", "c\"d'"]


class _Reader(HTMLParser):
    """Checks that every element is closed in its turn, and keeps what a reader would see."""

    VOID = frozenset({"meta", "br"})

    def __init__(self) -> None:
        super().__init__(convert_charrefs=True)
        self.open: list[str] = []
        self.tags: set[str] = set()
        self.names: set[str] = set()
        self.text = ""

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.add(tag)
        self.names |= {name for name, _ in attrs}
        if tag not in self.VOID:
            self.open.append(tag)

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.add(tag)
        self.names |= {name for name, _ in attrs}

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag

    def handle_data(self, data: str) -> None:
        if self.open[-1:] != ["style"]:
            self.text += data


def _rows(*, truth: bool = True, count: int = 60) -> list[RowAnswer]:
    arms = [STUDENT, EVIDENCE, *[f"sim/{HOSTILE}{n}" for n in range(8)]]
    return [
        RowAnswer(
            row=n,
            text=f"{n} {HOSTILE}",
            label=None if n % 11 == 0 else LABELS[n % 3],
            truth=LABELS[n % 2] if truth else None,
            arm=arms[n % len(arms)],
            cost_usd=None if n % 13 == 0 else 0.001 * (n % 5),
            confidence=None if n % 7 == 0 else (n % 10) / 10,
            said=((arms[2], LABELS[0]), (arms[3], None if n % 2 else LABELS[1])),
            at=float(n),
        )
        for n in range(1, count + 1)
    ]


def _page(rows: list[RowAnswer], task: Task, always: list[Always]) -> str:
    return classify_page(
        Page(
            source=HOSTILE,
            task=task,
            report=run_report(task, rows),
            suspects=suspects(rows),
            always=always,
            failed=2,
            left=3,
            examples=4,
            spent=HOSTILE,
            made_at="now",
        )
    )


def _seen(html: str) -> _Reader:
    reader = _Reader()
    reader.feed(html)
    reader.close()
    assert not reader.open
    return reader


ALWAYS = [
    Always(f"sim/{HOSTILE}0", 60, 0.9, 0.5),
    Always("sim/cheap", 60, 0.4, 0.01),
    Always("sim/free", 60, 0.4, 0.0),
    Always("sim/unknown", 60, 0.7, None),
]


@pytest.mark.parametrize("truth", [True, False])
@pytest.mark.parametrize("kind", ["single", "multi", "ordinal"])
@pytest.mark.parametrize("always", [ALWAYS, ALWAYS[:1], []])
def test_hostile_texts_labels_and_names_stay_texts_and_nothing_is_fetched(
    truth: bool, kind: str, always: list[Always]
) -> None:
    task = Task(HOSTILE, kind, LABELS)  # type: ignore[arg-type]
    html = _page(_rows(truth=truth), task, always)
    seen = _seen(html)
    assert not seen.tags & {"script", "img", "link", "iframe", "object", "a", "base", "form"}
    assert not seen.names & {"src", "href", "srcset", "action", "data"}
    assert not [name for name in seen.names if name.startswith("on")]
    assert "url(" not in html
    assert "@import" not in html
    assert "default-src &#x27;none&#x27;" in html
    assert "\u202e" not in html


def test_it_tells_figures_with_intervals_and_rows_to_look_at() -> None:
    rows, task = _rows(), Task("t", "single", LABELS, error_costs={(LABELS[0], LABELS[1]): 3.0})
    seen = _seen(_page(rows, task, ALWAYS)).text
    report = run_report(task, rows)
    assert report.scores is not None
    assert f"{100 * report.scores.accuracy.mean:.1f}" in seen
    assert f"{report.scores.macro_f1:.3f}" in seen
    assert "mean cost of errors" in seen
    assert "Sure, and against the given truth · 20 of" in seen
    for title in ("Models differ", "Least sure", "No label read", "Confusion", "Over the run"):
        assert title in seen
    assert "60 rows answered, 3 not asked, 2 failed, 4 as examples in the prompt" in seen


def test_without_truth_there_is_no_word_of_accuracy() -> None:
    seen = _seen(_page(_rows(truth=False), Task("t", "single", LABELS), ALWAYS)).text
    assert "accuracy" not in seen.lower()
    assert "There are no true labels" in seen
    assert "Least sure" in seen


def test_many_labels_are_told_by_the_commonest_confusions() -> None:
    labels = [f"label {n}" for n in range(40)]
    rows = [
        RowAnswer(n, "x", labels[n % 40], labels[(n // 2) % 40], "sim/a", 0.1, None)
        for n in range(1, 120)
    ]
    seen = _seen(_page(rows, Task("t", "single", labels), [])).text
    assert "Taken for each other" in seen
    assert "those told worst" not in seen


@pytest.mark.parametrize(
    ("kind", "truth", "order"),
    [("single", True, "told worst"), ("multi", True, "answered most"),
     ("single", False, "answered most")],
)  # fmt: skip
def test_of_very_many_labels_the_most_telling_are_shown(kind: str, truth: bool, order: str) -> None:
    labels = [f"label {n}" for n in range(90)]
    rows = [
        RowAnswer(n, "x", labels[n % 90], labels[n % 45] if truth else None, "sim/a", 0.1, None)
        for n in range(1, 400)
    ]
    task = Task("t", kind, labels)  # type: ignore[arg-type]
    seen = _seen(_page(rows, task, [])).text
    assert f"40 of 90, those {order}." in seen


@pytest.mark.parametrize("count", [1, 2, 9])
def test_a_few_rows_make_a_page_too(count: int) -> None:
    row = RowAnswer(1, "x", "a", "a", "sim/a", 0.0, None)
    rows = [row] * count
    seen = _seen(_page(rows, Task("t", "single", ["a", "b"]), [Always("sim/a", 1, 1.0, 0.0)]))
    assert "None: nothing is against the truth" in seen.text


def test_the_reference_is_the_best_single_model_where_that_is_known_else_the_dearest() -> None:
    cheap = Always("cheap", 10, 0.9, 0.1)
    dear, unknown = Always("dear", 10, 0.8, 1.0), Always("unknown", 10, 0.99, None)
    assert reference([cheap, dear, unknown], judged=True) is cheap
    assert reference([cheap, dear, unknown], judged=False) is dear
    assert reference([cheap, unknown], judged=True) is None


def test_every_number_on_a_chart_lies_on_it() -> None:
    html = _page(_rows(), Task("t", "single", LABELS), ALWAYS)
    for name, value in re.findall(r' (x|y|x1|x2|y1|y2|cx|cy)="([^"]+)"', html):
        most = 440.0 if name in {"x", "x1", "x2", "cx"} else 230.0
        assert -1.0 <= float(value) <= most + 1.0, (name, value)
