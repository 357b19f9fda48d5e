from __future__ import annotations

import json
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from metallm.cli.guard import WorkFailedError
from metallm.cli.spending import Spending, spending_path
from metallm.core.ledger import Reservation, nano_usd
from metallm.errors import BudgetExhaustedError, ConfigurationError


def _answer(decision_id: str, cost_usd: float | None, **more: object) -> dict[str, object]:
    return {"row": 3, "decision_id": decision_id, "cost_usd": cost_usd, **more}


def test_what_was_spent_is_there_after_a_restart_and_open_calls_count_in_full(
    tmp_path: Path,
) -> None:
    path = spending_path(tmp_path / "out.csv")
    with Spending(path, 1.0) as first:
        first.settle(first.reserve(500, "sim/a"), 200)
        first.release(first.reserve(500, "sim/a"))
        first.settle(first.reserve(70, "sim/a"), 70)
        first.reserve(40, "sim/b")  # no word came back
        assert first.uncertain == 70
    with Spending(path, 1.0) as second:
        assert second.before == 200 + 70 + 40
        second.settle(second.reserve(9), 9)
    with Spending(path, 1.0) as third:
        assert third.before == 319


@settings(max_examples=40, deadline=None)
@given(
    amounts=st.lists(st.tuples(st.integers(0, 100), st.floats(0, 1)), max_size=20),
    cuts=st.lists(st.floats(0, 1), min_size=1, max_size=4),
    limit=st.integers(0, 600),
)
def test_a_kill_at_any_byte_forgets_no_call_that_was_made(
    tmp_path_factory: pytest.TempPathFactory,
    amounts: list[tuple[int, float]],
    cuts: list[float],
    limit: int,
) -> None:
    path = tmp_path_factory.mktemp("spent") / "x.spent"
    billed = 0
    for cut in cuts:
        with Spending(path, limit / 1e9) as books:
            for number, (bound, share) in enumerate(amounts):
                try:
                    made = books.reserve(bound, "a")
                except BudgetExhaustedError:
                    continue
                billed += int(bound * share)  # the call is made, and the host bills it
                if number >= cut * len(amounts):
                    break  # killed before what it came to is written
                books.settle(made, int(bound * share))
        with path.open("ab") as file:
            file.write(b'{"call": 1, "nano')
        assert billed <= limit
    with Spending(path, limit / 1e9) as books:
        assert billed <= books.before <= limit


def test_answers_of_runs_without_a_budget_count_by_what_they_cost(tmp_path: Path) -> None:
    path = tmp_path / "x.spent"
    with Spending(path, 1.0) as books:
        books.settle(books.reserve(800, "a"), 800)
        books.answered("dec_1")
    answers = [
        _answer("dec_1", 8e-7),
        _answer("dec_2", 5e-7),
        {"row": 4, "error": "no arm answered"},
        {"row": 5, "label": "a"},  # an example, which nobody was asked about
    ]
    with Spending(path, 1.0, answers) as books:
        assert books.before == 800 + 500
    with pytest.raises(ConfigurationError, match="row 3 was answered at an unknown cost"):
        Spending(path, 1.0, [_answer("dec_3", None)])
    with Spending(path, 1.0, [_answer("dec_1", None)]) as books:
        assert books.before == 800


def test_every_call_is_written_before_it_is_made(tmp_path: Path) -> None:
    path = tmp_path / "x.spent"
    with Spending(path, 1.0) as books:
        made = books.reserve(nano_usd(0.25), "sim/a")
        assert isinstance(made, Reservation)
        line = json.loads(path.read_text())
        assert line == {"call": 0, "arm": "sim/a", "at_most_nano_usd": 250_000_000}
        assert books.plain() == {
            "budget_usd": 1.0,
            "spent_usd": 0.0,
            "spent_before_usd": 0.0,
            "counted_in_full_usd": 0.0,
            "left_usd": 0.75,
        }


def test_two_runs_never_spend_from_one_budget_at_once(tmp_path: Path) -> None:
    path = tmp_path / "x.spent"
    with Spending(path, 1.0), pytest.raises(ConfigurationError, match="another run spends"):
        Spending(path, 1.0)
    with Spending(path, 1.0):
        pass


@pytest.mark.parametrize("line", ["mine", "[1]", '{"call": "x"}', '{"call": 1}', "7"])
def test_a_file_of_something_else_is_left_alone(tmp_path: Path, line: str) -> None:
    path = tmp_path / "x.spent"
    path.write_text(line + "\n")
    with pytest.raises(ConfigurationError, match="holds something else"):
        Spending(path, 1.0)
    assert path.read_text() == line + "\n"


@pytest.mark.parametrize("room", [0, 5])
def test_a_call_that_cannot_be_written_down_is_not_made(tmp_path: Path, room: int) -> None:
    resource = pytest.importorskip("resource")
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    with Spending(tmp_path / "x.spent", 1.0) as books:
        resource.setrlimit(resource.RLIMIT_FSIZE, (room, hard))  # as if the disk were full
        try:
            with pytest.raises(WorkFailedError, match="no budget holds"):
                books.reserve(1, "a")
        finally:
            resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))
