"""Turns: of one decision's judgements each is logged once the one before it is.

A judgement is made from what stands of its decision, with what is still on its way to the log. So
it must come after that in the log, whatever order threads get to the log in, and if that is refused
it must not come at all. Judgements of different decisions do not wait for each other.
"""

from __future__ import annotations

from collections import OrderedDict, deque
from concurrent.futures import Future
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from metallm.errors import StoreError

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from threading import RLock

    from metallm.core.log import Record
    from metallm.router.standing import Standing

REMEMBERED = 10_000
"""More judgements than can come between reading a decision's outcomes and judging it."""


@dataclass(frozen=True, slots=True, eq=False)
class Turn:
    """One judgement that waits for its turn.

    Args:
        decision_id: the decision that is judged.
        records: what is to be logged; nothing for a repeat, which waits all the same.
        standing: what stands once they are.
        first: whether nothing was before it in its line.
        done: resolves once they are durable and learned.
    """

    decision_id: str
    records: Sequence[Record]
    standing: Standing
    first: bool
    done: Future[None] = field(default_factory=Future)


class Turns:
    """The judgements that are on their way to the log, in a line per decision.

    Args:
        append: as `Store.append`; never called with the lock held.
        lock: held around `standing` and `take`, so that nothing comes between the two.

    Attributes:
        failures: how many judgements could not be logged so far. What was read from the log before
            one of them may be out of date, for what is remembered is then forgotten.
    """

    def __init__(self, append: Callable[[Sequence[Record]], Future[None]], lock: RLock) -> None:
        self._append = append
        self._lock = lock
        self._lines: dict[str, deque[Turn]] = {}
        self._newest: OrderedDict[str, Standing] = OrderedDict()
        self.failures = 0

    def standing(self, decision_id: str) -> Standing | None:
        """What stands once all that waits is logged; None where only the log can tell."""
        line = self._lines.get(decision_id)
        return line[-1].standing if line else self._newest.get(decision_id)

    def take(self, decision_id: str, records: Sequence[Record], standing: Standing) -> Turn:
        """Stand in the decision's line. `go` has to follow, without the lock."""
        line = self._lines.setdefault(decision_id, deque())
        turn = Turn(decision_id, records, standing, first=not line)
        # running from the start: a caller who gives up waiting does not take back the judgement
        turn.done.set_running_or_notify_cancel()
        line.append(turn)
        return turn

    def go(self, turn: Turn) -> Future[None]:
        """Log what was first in its line; what was not is logged by the one before it."""
        if turn.first:
            self._log(turn)
        return turn.done

    def wait(self) -> None:
        """Return once all that stand in lines by now are logged or refused."""
        with self._lock:
            last = [line[-1].done for line in self._lines.values()]
        for done in last:
            done.exception()

    def _log(self, turn: Turn) -> None:
        if not turn.records:
            self._settle(turn, None)
            return
        self._append(turn.records).add_done_callback(
            lambda written: self._settle(turn, written.exception())
        )

    def _settle(self, turn: Turn, error: BaseException | None) -> None:
        """End a turn and the repeats behind it, and have the next one logged.

        If it was refused all that wait behind it are: they were made from it.
        """
        with self._lock:
            line = self._lines[turn.decision_id]
            ended = [line.popleft()]
            while line and (error is not None or not line[0].records):
                ended.append(line.popleft())
            following = line[0] if line else None
            if following is None:
                del self._lines[turn.decision_id]
            self._remember(ended[-1], error)
        for each in ended:
            _end(each, turn, error)
        if following is not None:
            self._log(following)

    def _remember(self, last: Turn, error: BaseException | None) -> None:
        self._newest.pop(last.decision_id, None)
        if error is not None:
            self.failures += 1
            return
        self._newest[last.decision_id] = last.standing
        if len(self._newest) > REMEMBERED:
            self._newest.popitem(last=False)


def _end(each: Turn, first: Turn, error: BaseException | None) -> None:
    if error is None:
        each.done.set_result(None)
    elif each is first:
        each.done.set_exception(error)
    else:
        refused = StoreError(
            f"an earlier judgement of decision {each.decision_id} could not be logged, and so "
            f"neither was the one after it: send both again ({error})"
        )
        refused.__cause__ = error
        each.done.set_exception(refused)
