"""Records to rows and back, bit for bit.

SQLite turns NaN into NULL and -0.0 into 0.0, and takes no text with a lone surrogate (models do
write those). Such a value goes into its column as bytes; every other stays plain, so that the
tables can be read with any SQLite shell. Arrays are little-endian.
"""

from __future__ import annotations

import io
import json
import math
import struct
import zlib
from functools import lru_cache
from itertools import accumulate
from typing import TYPE_CHECKING, Any, cast

import numpy as np

from metallm.core.client import Client
from metallm.core.decision import ArmEstimate, Decision
from metallm.core.estimates import ArmEstimates
from metallm.core.outcome import Lesson, Outcome, OutcomeKind, Recorded

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from numpy.typing import NDArray

    from metallm.core.classes import Likely

Row = tuple[Any, ...]

INSERT_DECISION = (
    "INSERT INTO decisions (seq, id, idx, at, arm, propensity, policy, version, cost_weight, "
    "cost_scale, input_tokens, task, labels, text, context, arms, estimates, chosen_from, "
    'propensities, words, parent, tenant, "key", alias, held_usd, tags) '
    "VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)"
)
INSERT_OUTCOME = (
    "INSERT INTO outcomes (seq, decision_id, at, arm, kind, quality, label, answer, cost_usd, "
    "cost_estimated, latency_s, input_tokens, output_tokens, list_usd, error, replaces, "
    "replaces_label, replaces_weight, weight, judge, corrected, corrected_weight, lessons, "
    "answers, replaces_answers, charged_usd, likely) "
    "VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)"
)
INSERT_RECORDED = "INSERT INTO recorded (seq, at, tables) VALUES (?, ?, ?)"

_ARRAYS = ("contexts", "quality", "cost_usd", "input_tokens", "output_tokens", "list_usd")


def decision_row(seq: int, decision: Decision) -> Row:
    """A decision as the values of INSERT_DECISION."""
    arms = tuple(decision.estimates)
    chosen_from = tuple(decision.propensities)
    return (
        seq,
        pack_text(decision.id),
        int(decision.index),
        pack_float(decision.at),
        pack_text(decision.arm),
        pack_float(decision.propensity),
        pack_text(decision.policy),
        int(decision.version),
        pack_float(decision.cost_weight),
        pack_float(decision.cost_scale),
        int(decision.input_tokens),
        pack_text(decision.task),
        _names_out(decision.labels) if decision.labels else None,
        pack_text(decision.text),
        np.asarray(decision.context, "<f4").tobytes(),
        _names_out(arms),
        _estimates_out(decision.estimates),
        # the same arms nearly always: named once
        None if chosen_from == arms else _names_out(chosen_from),
        struct.pack(f"<{len(chosen_from)}d", *decision.propensities.values()),
        decision.words or None,
        pack_text(decision.parent),
        *_client_out(decision.client),
    )


def decision_of(row: Row) -> Decision:
    """The decision that `decision_row` made a row of."""
    arms = _names_in(row[15])
    chosen_from = arms if row[17] is None else _names_in(row[17])
    return Decision(
        id=unpack_text(row[1]),
        index=row[2],
        arm=unpack_text(row[4]),
        propensity=unpack_float(row[5]),
        propensities=dict(
            zip(chosen_from, struct.unpack(f"<{len(chosen_from)}d", row[18]), strict=True)
        ),
        estimates=_estimates_in(arms, row[16]),
        policy=unpack_text(row[6]),
        version=row[7],
        cost_weight=unpack_float(row[8]),
        cost_scale=unpack_float(row[9]),
        context=np.frombuffer(row[14], "<f4"),
        input_tokens=row[10],
        labels=() if row[12] is None else _names_in(row[12]),
        task=_text_or_none(row[11]),
        text=_text_or_none(row[13]),
        words=row[19] or b"",
        parent=_text_or_none(row[20]),
        client=_client_in(row[21:26]),
        at=unpack_float(row[3]),
    )


def outcome_row(seq: int, outcome: Outcome) -> Row:
    """An outcome as the values of INSERT_OUTCOME."""
    return (
        seq,
        pack_text(outcome.decision_id),
        pack_float(outcome.at),
        pack_text(outcome.arm),
        outcome.kind,
        pack_float(outcome.quality),
        pack_text(outcome.label),
        pack_text(outcome.answer),
        pack_float(outcome.cost_usd),
        int(outcome.cost_estimated),
        pack_float(outcome.latency_s),
        None if outcome.input_tokens is None else int(outcome.input_tokens),
        None if outcome.output_tokens is None else int(outcome.output_tokens),
        pack_float(outcome.list_usd),
        pack_text(outcome.error),
        pack_float(outcome.replaces),
        pack_text(outcome.replaces_label),
        pack_float(outcome.replaces_weight),
        pack_float(outcome.weight),
        pack_text(outcome.judge),
        pack_float(outcome.corrected),
        pack_float(outcome.corrected_weight),
        _lessons_out(outcome.lessons),
        json.dumps(outcome.answers) if outcome.answers else None,
        None if outcome.replaces_answers is None else json.dumps(outcome.replaces_answers),
        pack_float(outcome.charged_usd),
        json.dumps(outcome.likely) if outcome.likely else None,
    )


def outcome_of(row: Row) -> Outcome:
    """The outcome that `outcome_row` made a row of."""
    return Outcome(
        decision_id=unpack_text(row[1]),
        arm=unpack_text(row[3]),
        kind=cast("OutcomeKind", row[4]),
        quality=_float_or_none(row[5]),
        label=_text_or_none(row[6]),
        answer=_text_or_none(row[7]),
        cost_usd=_float_or_none(row[8]),
        cost_estimated=bool(row[9]),
        latency_s=_float_or_none(row[10]),
        input_tokens=row[11],
        output_tokens=row[12],
        list_usd=_float_or_none(row[13]),
        error=_text_or_none(row[14]),
        replaces=_float_or_none(row[15]),
        replaces_label=_text_or_none(row[16]),
        replaces_weight=unpack_float(row[17]),
        weight=unpack_float(row[18]),
        judge=_text_or_none(row[19]),
        corrected=_float_or_none(row[20]),
        corrected_weight=unpack_float(row[21]),
        lessons=_lessons_in(row[22]),
        answers=_answers_in(row[23]),
        replaces_answers=None if row[24] is None else _answers_in(row[24]),
        charged_usd=_float_or_none(row[25]),
        likely=_likely_in(row[26]),
        at=unpack_float(row[2]),
    )


def recorded_row(seq: int, recorded: Recorded) -> Row:
    """Recorded outcomes as the values of INSERT_RECORDED: one compressed npz."""
    told = {
        "arms": recorded.arms,
        "tasks": recorded.tasks,
        "labels": recorded.labels,
        "answers": recorded.answers,
        "classes": dict(recorded.classes),
        "words": [len(each) for each in recorded.words],
    }
    names = json.dumps(told).encode("ascii")
    arrays: dict[str, Any] = {name: np.asarray(getattr(recorded, name)) for name in _ARRAYS}
    if recorded.weight is not None:
        arrays["weight"] = np.asarray(recorded.weight)
    if recorded.words:
        arrays["words"] = np.frombuffer(b"".join(recorded.words), np.uint8)
    npz = io.BytesIO()
    np.savez(npz, names=np.frombuffer(names, np.uint8), **arrays)
    # contexts hardly shrink, and the rest shrinks at level 1 as well
    return (seq, pack_float(recorded.at), zlib.compress(npz.getvalue(), 1))


def recorded_of(row: Row) -> Recorded:
    """The recorded outcomes that `recorded_row` made a row of."""
    with np.load(io.BytesIO(zlib.decompress(row[2])), allow_pickle=False) as npz:
        names = json.loads(npz["names"].tobytes())
        return Recorded(
            arms=tuple(names["arms"]),
            tasks=tuple(names["tasks"]),
            # tables of before labels were kept have none
            labels=tuple(names.get("labels", ())),
            at=unpack_float(row[1]),
            weight=npz.get("weight"),
            words=_cut(npz.get("words"), names.get("words", ())),
            answers=tuple(map(tuple, names.get("answers", ()))),
            classes={task: tuple(each) for task, each in names.get("classes", {}).items()},
            **{name: npz[name] for name in _ARRAYS},
        )


def _cut(together: NDArray[np.uint8] | None, lengths: Sequence[int]) -> tuple[bytes, ...]:
    """The parts of these lengths, one after the other."""
    whole = b"" if together is None else together.tobytes()
    ends = list(accumulate(lengths))
    return tuple(whole[end - length : end] for end, length in zip(ends, lengths, strict=True))


def pack_float(value: float | None) -> float | bytes | None:
    """A float as a column's value."""
    if value is None:
        return None
    if math.isnan(value) or (value == 0.0 and math.copysign(1.0, value) < 0.0):
        return struct.pack("<d", value)
    return float(value)


def unpack_float(value: float | bytes) -> float:
    """The float that `pack_float` packed."""
    if isinstance(value, bytes):
        return float(struct.unpack("<d", value)[0])
    return value


def pack_text(value: str | None) -> str | bytes | None:
    """A text as a column's value."""
    if value is None or value.isascii():
        return value
    try:
        value.encode()
    except UnicodeEncodeError:
        return value.encode("utf-8", "surrogatepass")
    return value


def unpack_text(value: str | bytes) -> str:
    """The text that `pack_text` packed."""
    return value.decode("utf-8", "surrogatepass") if isinstance(value, bytes) else value


def _float_or_none(value: float | bytes | None) -> float | None:
    return None if value is None else unpack_float(value)


def _text_or_none(value: str | bytes | None) -> str | None:
    return None if value is None else unpack_text(value)


_NOBODY: Row = (None, None, None, None, None)


def _client_out(client: Client | None) -> Row:
    if client is None:
        return _NOBODY
    named = (pack_text(client.tenant), pack_text(client.key), pack_text(client.alias))
    # not remembered as the few sets of arms are: a client may have any number of them
    tags = json.dumps(client.tags) if client.tags else None
    return (*named, pack_float(client.held_usd), tags)


def _client_in(row: Row) -> Client | None:
    if row == _NOBODY:
        return None
    tenant, key, alias = map(_text_or_none, row[:3])
    tags = () if row[4] is None else tuple(json.loads(row[4]))
    return Client(tenant, key, alias, _float_or_none(row[3]), tags)


def _lessons_out(lessons: Sequence[Lesson]) -> str | None:
    """A list of [judge, said, gold, weight]; finite floats come back to the bit."""
    if not lessons:
        return None
    return json.dumps([[each.judge, each.said, each.gold, each.weight] for each in lessons])


def _lessons_in(lessons: str | None) -> tuple[Lesson, ...]:
    return () if lessons is None else tuple(Lesson(*each) for each in json.loads(lessons))


def _answers_in(answers: str | None) -> tuple[tuple[str, str | None], ...]:
    if answers is None:
        return ()
    return tuple((arm, label) for arm, label in json.loads(answers))


def _likely_in(likely: str | None) -> tuple[tuple[str, Likely], ...]:
    if likely is None:
        return ()
    return tuple((arm, tuple(map(tuple, each))) for arm, each in json.loads(likely))


# the same few tuples of names come with every decision
@lru_cache(maxsize=1024)
def _names_out(names: Sequence[str]) -> str:
    return json.dumps(names, separators=(",", ":"))


@lru_cache(maxsize=1024)
def _names_in(names: str) -> tuple[str, ...]:
    return tuple(json.loads(names))


def _estimates_out(estimates: Mapping[str, ArmEstimate]) -> bytes:
    """Four float64 an arm, then one byte an arm that is 1 where the cost is None."""
    if isinstance(estimates, ArmEstimates):  # fresh from the router: no need to name each number
        table = estimates.table()
        no_cost = np.isnan(table[:, 2])
        table[no_cost, 2] = 0.0
        return table.astype("<f8").tobytes() + no_cost.tobytes()
    numbers: list[float] = []
    unknown = bytearray()
    for each in estimates.values():
        cost = each.cost_usd
        numbers += (each.quality, each.uncertainty, 0.0 if cost is None else cost, each.reward)
        unknown.append(cost is None)
    return struct.pack(f"<{len(numbers)}d", *numbers) + unknown


def _estimates_in(arms: Sequence[str], packed: bytes) -> dict[str, ArmEstimate]:
    numbers = struct.iter_unpack("<4d", packed[: 32 * len(arms)])
    unknown = packed[32 * len(arms) :]
    return {
        arm: ArmEstimate(quality, uncertainty, None if no_cost else cost, reward)
        for arm, (quality, uncertainty, cost, reward), no_cost in zip(
            arms, numbers, unknown, strict=True
        )
    }
