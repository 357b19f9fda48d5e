from __future__ import annotations

from html import unescape
from html.parser import HTMLParser

from hypothesis import given
from hypothesis import strategies as st

from metallm.evaluation.intervals import wilson_interval
from metallm.evaluation.page.html import Safe, el, join, shown
from metallm.evaluation.page.numbers import between, count, percent, usd


class _Reader(HTMLParser):
    def __init__(self) -> None:
        super().__init__(convert_charrefs=True)
        self.tags: list[str] = []
        self.attributes: list[tuple[str, str | None]] = []
        self.text = ""

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append(tag)
        self.attributes += attrs

    def handle_data(self, data: str) -> None:
        self.text += data


def _read(html: str) -> _Reader:
    reader = _Reader()
    reader.feed(html)
    reader.close()
    return reader


HOSTILE = st.text(
    alphabet=st.one_of(st.characters(exclude_categories=()), st.sampled_from("<>&\"'/ =\u202e\x00"))
)


@given(HOSTILE)
def test_no_text_becomes_an_element_or_leaves_its_place(text: str) -> None:
    seen = _read(el("p", shown(text, 50), "|", text.replace("\r", "")))
    assert set(seen.tags) <= {"p", "bdi", "i", "span"}
    assert all(name == "class" for name, _ in seen.attributes)


@given(HOSTILE)
def test_an_attribute_holds_any_text_and_nothing_else(text: str) -> None:
    (attribute,) = _read(el("p", title=text)).attributes
    assert attribute[0] == "title"
    assert (attribute[1] or "").replace("\ufffd", "") == unescape(
        el("p", title=text)[10:-6]
    ).replace("\ufffd", "")


def test_signs_that_act_without_being_seen_are_spelled_out() -> None:
    told = shown("a\u202eb\x1b[31m\u200bc\nd\ud800", 50)
    assert _read(told).text == "aU+202EbU+001B[31mU+200Bc dU+D800"
    told.encode()  # half a surrogate pair cannot be written
    assert "\u202e" not in told


def test_a_long_text_is_cut_and_says_by_how_much() -> None:
    assert _read(shown("x" * 1234, 4)).text == "xxxx … 1,230 more"


def test_what_is_safe_stays_and_nothing_else_does() -> None:
    inner = el("b", "1 < 2", None, [3, "&"], cls="x")
    assert inner == '<b class="x">1 &lt; 23&amp;</b>'
    assert el("p", inner, data_row=1.5, hidden=None) == f'<p data-row="1.5">{inner}</p>'
    assert el("br") == "<br/>"
    assert join([Safe("<i>"), "<i>"]) == "<i>&lt;i&gt;"


def test_numbers_are_told_with_as_many_digits_as_they_need() -> None:
    assert [usd(each) for each in (None, 0.0, 1234.5, 12.345, 0.000123456, 3e-12)] == [
        "unknown", "$0.00", "$1,234.50", "$12.35", "$0.000123", "$0.0000000000",
    ]  # fmt: skip
    gap = "\N{NO-BREAK SPACE}"
    assert (percent(0.5), percent(None), percent(0.5, 0)) == (f"50.0{gap}%", "–", f"50{gap}%")
    assert between(wilson_interval(5, 10)) == f"23.7{gap}–{gap}76.3{gap}%"
    assert (between(None), count(1, "row"), count(2000, "row")) == ("–", "1 row", "2,000 rows")
