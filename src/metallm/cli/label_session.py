"""A person labels one text after the other."""

from __future__ import annotations

from typing import TYPE_CHECKING

from metallm.cli.console import put_table, tell
from metallm.cli.label_keys import Command, Keys, excerpt, harmless
from metallm.errors import InputError

if TYPE_CHECKING:
    from collections.abc import Sequence

    from metallm.cli.label_doors import LabelDoor
    from metallm.router.labelling import Waiting


class LabelSession:
    """Shows texts, takes labels, tells each at once.

    Args:
        asked: the queries, with their texts, in the order in which they are shown.
        door: takes the labels.
        show_answers: show what was answered before the choice, which may sway it.
    """

    def __init__(
        self, asked: Sequence[Waiting], door: LabelDoor, *, show_answers: bool = False
    ) -> None:
        self.labels: dict[str, str] = {}
        self._asked = asked
        self._door = door
        self._before = show_answers

    def run(self) -> None:
        """Go through the queries until all are done, input ends or the person quits."""
        place = 0
        while place < len(self._asked):
            waiting = self._asked[place]
            keys = Keys(waiting.first.labels)
            self._show(place)
            chosen = self._read(keys)
            if chosen is Command.QUIT:
                return
            if chosen is Command.BACK:
                place = max(place - 1, 0)
                continue
            if isinstance(chosen, str):
                self._tell(waiting, chosen)
            place += 1

    def _show(self, place: int) -> None:
        waiting = self._asked[place]
        first = waiting.first
        known = self.labels.get(first.id)
        now = f" · labelled {harmless(known)}" if known is not None else ""
        task = f" · {harmless(first.task)}" if first.task else ""
        tell(f"\n[{place + 1} of {len(self._asked)}]{task}{now}")
        tell(excerpt(first.text or ""))
        if self._before:
            tell(f"  answered: {_answered(waiting)}")
        tell(Keys(first.labels).shown())

    def _read(self, keys: Keys) -> str | Command:
        while (chosen := keys.read()) is None:
            tell("that is none of the labels, or begins several: " + keys.shown())
        return chosen

    def _tell(self, waiting: Waiting, label: str) -> None:
        name = waiting.first.id
        try:
            self._door.tell(name, label, replace=name in self.labels)
        except InputError as error:  # somebody else labelled it meanwhile, say
            tell(f"not taken: {harmless(str(error))}")
            return
        self.labels[name] = label
        after = "" if self._before else f" · answered: {_answered(waiting)}"
        tell(f"  {harmless(label)}{after}")

    def say(self) -> None:
        """How many labels were told, and how far each arm agrees with them."""
        told = len(self.labels)
        tell(f"\n{told} label{'' if told == 1 else 's'} told, each learned and in the log")
        if told:
            _say_agreement(self._asked, self.labels)


def agreement(asked: Sequence[Waiting], labels: dict[str, str]) -> dict[str, tuple[int, int]]:
    """By arm, how many of its answers agree with the labels, of how many.

    Args:
        asked: queries with their answers.
        labels: by the first decision's id.
    """
    found: dict[str, tuple[int, int]] = {}
    for waiting in asked:
        label = labels.get(waiting.first.id)
        for said in waiting.said if label is not None else ():
            right, of = found.get(said.arm, (0, 0))
            found[said.arm] = right + (said.label == label), of + 1
    return dict(sorted(found.items()))


def _say_agreement(asked: Sequence[Waiting], labels: dict[str, str]) -> None:
    from rich.table import Table

    from metallm.evaluation.intervals import wilson_interval

    table = Table("answered by", "labels", "agrees", "share", "95 % interval")
    for arm, (right, of) in agreement(asked, labels).items():
        sure = wilson_interval(right, of)
        share = f"{100 * sure.mean:.0f} %"
        table.add_row(
            arm, str(of), str(right), share, f"{100 * sure.low:.0f} to {100 * sure.high:.0f} %"
        )
    put_table(table)
    tell("these are the queries that are hardest to tell: an arm's accuracy on all is another")


def _answered(waiting: Waiting) -> str:
    return ", ".join(
        f"{harmless(each.arm)} {'(no label)' if each.label is None else harmless(each.label)}"
        for each in waiting.said
    )
