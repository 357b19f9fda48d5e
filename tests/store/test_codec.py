"""Records go through a real SQLite file's types and come back with the very same bits."""

from __future__ import annotations

import sqlite3
import struct
from collections.abc import Callable, Iterator, Mapping
from dataclasses import fields, is_dataclass, replace
from typing import Any

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays

from metallm.core.client import Client
from metallm.core.decision import ArmEstimate, Decision
from metallm.core.estimates import ArmEstimates
from metallm.core.outcome import Lesson, Outcome, Recorded, Taught
from metallm.store import codec
from metallm.store.migrations import MIGRATIONS

FLOATS = st.floats() | st.sampled_from([-0.0, float("nan"), float("inf"), 5e-324])
# every code point, lone surrogates and NUL among them
TEXTS = st.text(st.characters(exclude_categories=()), max_size=20)
COUNTS = st.integers(-(2**63), 2**63 - 1)


def bits(value: Any) -> Any:
    """A value in a form that is equal only where every bit is."""
    if isinstance(value, np.ndarray):
        return (value.dtype.str, value.shape, value.tobytes())
    if isinstance(value, float):
        return struct.pack("<d", value)
    if is_dataclass(value):
        return [(field.name, bits(getattr(value, field.name))) for field in fields(value)]
    if isinstance(value, Mapping):
        return [(key, bits(inner)) for key, inner in value.items()]
    if isinstance(value, tuple):
        return [bits(inner) for inner in value]
    return (type(value), value)


estimates = st.builds(ArmEstimate, FLOATS, FLOATS, st.none() | FLOATS, FLOATS)
contexts = arrays.arrays(np.float32, st.integers(0, 5), elements=st.floats(width=32))
TAGS = st.lists(TEXTS, max_size=3).map(tuple)
NAMES = st.none() | TEXTS
# one that names nothing is the same as none
clients = st.builds(Client, TEXTS, NAMES, NAMES, st.none() | FLOATS, TAGS)
decisions = st.builds(
    Decision,
    id=TEXTS,
    index=COUNTS,
    arm=TEXTS,
    propensity=FLOATS,
    propensities=st.dictionaries(TEXTS, FLOATS, max_size=3),
    estimates=st.dictionaries(TEXTS, estimates, max_size=3),
    policy=TEXTS,
    version=COUNTS,
    cost_weight=FLOATS,
    cost_scale=FLOATS,
    context=contexts,
    input_tokens=COUNTS,
    labels=st.lists(TEXTS, max_size=3).map(tuple),
    task=st.none() | TEXTS,
    text=st.none() | TEXTS,
    words=st.binary(max_size=6),
    parent=st.none() | TEXTS,
    client=st.none() | clients,
    at=FLOATS,
)
FINITE = st.floats(allow_nan=False, allow_infinity=False) | st.just(-0.0)
lessons = st.builds(Lesson, TEXTS, FINITE, st.none() | FINITE, FINITE)
outcomes = st.builds(
    Outcome,
    decision_id=TEXTS,
    arm=TEXTS,
    kind=st.sampled_from(["completion", "failure", "feedback"]),
    quality=st.none() | FLOATS,
    label=st.none() | TEXTS,
    answer=st.none() | TEXTS,
    cost_usd=st.none() | FLOATS,
    cost_estimated=st.booleans(),
    latency_s=st.none() | FLOATS,
    input_tokens=st.none() | COUNTS,
    output_tokens=st.none() | COUNTS,
    list_usd=st.none() | FLOATS,
    error=st.none() | TEXTS,
    replaces=st.none() | FLOATS,
    replaces_label=st.none() | TEXTS,
    replaces_weight=FLOATS,
    weight=FLOATS,
    judge=st.none() | TEXTS,
    corrected=st.none() | FLOATS,
    corrected_weight=FLOATS,
    lessons=st.lists(lessons, max_size=3).map(tuple),
    charged_usd=st.none() | FLOATS,
    likely=st.lists(
        st.tuples(TEXTS, st.lists(st.tuples(TEXTS, FINITE), max_size=3).map(tuple)), max_size=2
    ).map(tuple),
    answers=st.lists(st.tuples(TEXTS, st.none() | TEXTS), max_size=3).map(tuple),
    at=FLOATS,
)


@st.composite
def recordings(draw: st.DrawFn) -> Recorded:
    n, k, d = draw(st.integers(0, 3)), draw(st.integers(1, 3)), draw(st.integers(0, 4))
    table = arrays.arrays(np.float64, (n, k), elements=FLOATS)
    return Recorded(
        contexts=draw(arrays.arrays(np.float32, (n, d), elements=st.floats(width=32))),
        arms=tuple(draw(st.lists(TEXTS, min_size=k, max_size=k))),
        quality=draw(table),
        cost_usd=draw(table),
        input_tokens=draw(arrays.arrays(np.float64, n, elements=FLOATS)),
        output_tokens=draw(table),
        list_usd=draw(table),
        tasks=tuple(draw(st.lists(TEXTS, min_size=n, max_size=n))),
        labels=tuple(draw(st.lists(st.none() | TEXTS, min_size=n, max_size=n))),
        weight=draw(st.none() | table),
        words=tuple(draw(st.lists(st.binary(max_size=4), max_size=n))),
        answers=tuple(draw(st.lists(st.tuples(st.none() | TEXTS), max_size=n))),
        classes=draw(st.dictionaries(TEXTS, st.lists(TEXTS, max_size=3).map(tuple), max_size=2)),
        at=draw(FLOATS),
    )


@pytest.fixture(scope="module")
def connection() -> Iterator[sqlite3.Connection]:
    connection = sqlite3.connect(":memory:", isolation_level=None)
    for statement in (each for step in MIGRATIONS for each in step):
        connection.execute(statement)
    yield connection
    connection.close()


def through(connection: sqlite3.Connection, insert: str, select: str, row: codec.Row) -> codec.Row:
    """The row as SQLite gives it back."""
    connection.execute("BEGIN")
    try:
        connection.execute(insert, row)
        back: codec.Row = connection.execute(select).fetchone()
    finally:
        connection.execute("ROLLBACK")
    return back


@settings(suppress_health_check=[HealthCheck.too_slow], deadline=None)
@given(decision=decisions)
def test_a_decision_comes_back_bit_for_bit(
    connection: sqlite3.Connection, decision: Decision
) -> None:
    row = codec.decision_row(1, decision)
    back = codec.decision_of(
        through(connection, codec.INSERT_DECISION, "SELECT * FROM decisions", row)
    )
    assert bits(back) == bits(decision)


@settings(suppress_health_check=[HealthCheck.too_slow], deadline=None)
@given(outcome=outcomes)
def test_an_outcome_comes_back_bit_for_bit(
    connection: sqlite3.Connection, outcome: Outcome
) -> None:
    row = codec.outcome_row(1, outcome)
    back = codec.outcome_of(
        through(connection, codec.INSERT_OUTCOME, "SELECT * FROM outcomes", row)
    )
    assert bits(back) == bits(outcome)


@settings(suppress_health_check=[HealthCheck.too_slow], deadline=None, max_examples=50)
@given(recorded=recordings())
def test_recorded_outcomes_come_back_bit_for_bit(
    connection: sqlite3.Connection, recorded: Recorded
) -> None:
    row = codec.recorded_row(1, recorded)
    back = codec.recorded_of(
        through(connection, codec.INSERT_RECORDED, "SELECT * FROM recorded", row)
    )
    assert bits(back) == bits(recorded)


def columns(connection: sqlite3.Connection, table: str) -> set[str]:
    rows = connection.execute("SELECT name FROM pragma_table_info(?)", (table,))
    return {row[0] for row in rows}


def test_every_field_of_a_record_has_a_column(connection: sqlite3.Connection) -> None:
    of_outcome = {field.name for field in fields(Outcome)}
    assert columns(connection, "outcomes") == of_outcome | {"seq"}
    of_decision = {field.name for field in fields(Decision)} - {"index", "client"}
    of_decision |= {field.name for field in fields(Client)}
    ours = {"seq", "idx", "arms", "chosen_from"}
    assert columns(connection, "decisions") == of_decision | ours


def test_an_outcome_of_before_weights_and_judges_counts_once_and_is_true() -> None:
    old = sqlite3.connect(":memory:", isolation_level=None)
    first, second, *later = MIGRATIONS
    for statement in (*first, *second):
        old.execute(statement)
    old.execute(
        "INSERT INTO outcomes (seq, decision_id, at, arm, kind, quality, cost_estimated, replaces) "
        "VALUES (1, 'a', 2.5, 'x', 'feedback', 1.0, 0, 0.25)"
    )
    for statement in (each for step in later for each in step):
        old.execute(statement)
    told = codec.outcome_of(old.execute("SELECT * FROM outcomes").fetchone())
    old.close()
    assert told == Outcome("a", "x", "feedback", quality=1.0, replaces=0.25, at=2.5)
    assert (told.taught, told.taken_back) == (Taught(1.0), Taught(0.25))


@pytest.mark.parametrize("value", [0.0, 1.0, 0.1, -7.5, float("inf"), 1e300])
def test_an_ordinary_float_stays_readable_in_its_column(value: float) -> None:
    assert codec.pack_float(value) == value
    assert isinstance(codec.pack_float(np.float64(value)), float)


@pytest.mark.parametrize("bits_of_nan", [0x7FF8000000000000, 0xFFF8000000000001])
def test_a_nan_keeps_its_payload(bits_of_nan: int) -> None:
    packed = bits_of_nan.to_bytes(8, "little")
    assert codec.pack_float(codec.unpack_float(packed)) == packed


@pytest.mark.parametrize("text", ["", "plain", "žluťoučký 🐎", "nul\x00inside"])
def test_an_ordinary_text_stays_readable_in_its_column(text: str) -> None:
    assert codec.pack_text(text) == text


def test_arms_are_named_once_where_all_could_have_been_chosen(
    make_decision: Callable[..., Decision],
) -> None:
    assert codec.decision_row(1, make_decision("a"))[17] is None


@given(decisions, arrays.arrays(np.float64, (4, 3), elements=FLOATS))
def test_a_router_s_own_estimates_are_written_as_a_plain_mapping_of_them_is(
    decision: Decision, numbers: Any
) -> None:
    own = ArmEstimates(("a", "b", "c"), numbers)
    rows = [
        codec.decision_row(1, replace(decision, estimates=estimates))
        for estimates in (own, dict(own))
    ]
    assert bits(rows[0]) == bits(rows[1])
