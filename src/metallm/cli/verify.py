"""`metallm verify`: does what the router knows follow from the log?"""

from __future__ import annotations

from contextlib import closing
from typing import TYPE_CHECKING, Any

import typer

from metallm.cli.configured import open_log, read_settings
from metallm.cli.console import put, put_json
from metallm.cli.options import AsJson, Config, Store  # noqa: TC001 - typer reads the annotations

if TYPE_CHECKING:
    from collections.abc import Mapping

    from metallm.settings import Settings

TOLERANCE = 1e-9
"""A rebuilt number may differ by this much, relative to the largest of its array or 1."""


def verify(config: Config = None, store: Store = None, as_json: AsJson = False) -> None:
    """Rebuild all that was learned from the log, and compare.

    What a restart would know (the newest snapshot and the log after it) is held against the same
    rebuilt from the log alone. Exits with 1 where they differ. Reads beside a running gateway.
    """
    settings = read_settings(config, store=store)
    told = compare(settings)
    if as_json:
        put_json(told)
    else:
        _say(told)
    if not told["same"]:
        raise typer.Exit(1)


def compare(settings: Settings) -> dict[str, Any]:
    """What both ways lead to.

    Returns:
        "entries" of the log, "snapshot_at" (None without one), "exact" where every bit is the
        same, "same" where all is within the tolerance, and the "largest_difference" with the
        array "where" it is.

    Raises:
        StoreError: the log is damaged, or of another kind of router.
    """
    from metallm.cli.frozen_log import FrozenLog

    with closing(open_log(settings)) as log:
        snapshot = log.snapshot()
        # counted after the snapshot was read: a gateway may write on, and it covers no more
        counts = log.counts()
        entries = counts.decisions + counts.outcomes + counts.recorded
        restored = _knowledge(settings, FrozenLog(log, entries, snapshot))
        rebuilt = _knowledge(settings, FrozenLog(log, entries, None))
    where, largest, exact = difference(restored, rebuilt)
    return {
        "entries": entries,
        "snapshot_at": None if snapshot is None else snapshot[0],
        "exact": exact,
        "same": largest <= TOLERANCE,
        "largest_difference": largest,
        "where": where,
    }


def difference(one: Mapping[str, Any], other: Mapping[str, Any]) -> tuple[str | None, float, bool]:
    """Name of the array that differs most, by how much, and whether all is the same to the bit."""
    import numpy as np

    where, largest = None, 0.0
    exact = one.keys() == other.keys()
    for name in sorted(one.keys() | other.keys()):
        a, b = one.get(name), other.get(name)
        if a is None or b is None or a.shape != b.shape or a.dtype != b.dtype:
            return name, float("inf"), False
        if a.tobytes() == b.tobytes():
            continue
        exact = False
        if not np.issubdtype(a.dtype, np.floating):
            return name, float("inf"), False
        found = _relative(a, b)
        if where is None or found > largest:
            where, largest = name, found
    return where, largest, exact


def _relative(a: Any, b: Any) -> float:
    import numpy as np

    if not np.array_equal(np.isfinite(a), np.isfinite(b)):
        return float("inf")
    finite = np.isfinite(a)
    if not finite.any():
        return 0.0
    scale = max(1.0, float(np.abs(a[finite]).max()), float(np.abs(b[finite]).max()))
    return float(np.abs(a[finite] - b[finite]).max()) / scale


def _knowledge(settings: Settings, log: Any) -> dict[str, Any]:
    """All that a router knows that starts on this log, as named arrays."""
    import io

    import numpy as np

    from metallm.assembly import Router

    router = Router(
        [each.arm() for each in settings.arms],
        cost_weight=settings.router.cost_weight,
        policy=settings.router.policy,
        seed=settings.router.seed,
        store=log,
    )
    with np.load(io.BytesIO(router.knowledge.dump()), allow_pickle=False) as saved:
        return dict(saved)


def _say(told: Mapping[str, Any]) -> None:
    since = "no snapshot" if told["snapshot_at"] is None else f"snapshot at {told['snapshot_at']}"
    put(f"{told['entries']} entries in the log, {since}")
    if told["exact"]:
        put("what was learned follows from the log, to the bit")
    elif told["same"]:
        put(
            "what was learned follows from the log; largest difference "
            f"{told['largest_difference']:.1e} in {told['where']}"
        )
    else:
        put(
            "MISMATCH: what a restart would know does not follow from the log; largest difference "
            f"{told['largest_difference']:.1e} in {told['where']}"
        )
