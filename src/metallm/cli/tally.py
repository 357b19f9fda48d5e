"""What a bulk classification came to: accuracy and cost, over all and by arm."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from metallm.cli.bulk import EMPTY
from metallm.cli.console import usd

if TYPE_CHECKING:
    from collections.abc import Mapping

    from rich.table import Table


@dataclass
class Count:
    """Some rows.

    Args:
        rows: that were answered.
        judged: whose true label is known.
        correct: whose label is the true one.
        cost_usd: of those whose cost is known.
        cost_unknown: rows whose cost is not.
    """

    rows: int = 0
    judged: int = 0
    correct: int = 0
    cost_usd: float = 0.0
    cost_unknown: int = 0

    @property
    def accuracy(self) -> float | None:
        """Share of the judged rows that are correct; None where none was judged."""
        return self.correct / self.judged if self.judged else None

    def add(self, answer: Mapping[str, Any]) -> None:
        """Count a row that was answered."""
        self.rows += 1
        if answer.get("correct") is not None:
            self.judged += 1
            self.correct += bool(answer["correct"])
        cost = answer.get("cost_usd")
        if cost is None:
            self.cost_unknown += 1
        else:
            self.cost_usd += cost

    def plain(self) -> dict[str, Any]:
        """As values that JSON can hold."""
        return {
            "rows": self.rows,
            "judged": self.judged,
            "accuracy": self.accuracy,
            "cost_usd": self.cost_usd,
            "cost_unknown": self.cost_unknown,
        }


@dataclass
class Tally:
    """All rows of a bulk classification.

    Args:
        whole: rows that were answered.
        arms: the same, by the arm that answered.
        unread: answered rows whose answer named none of the labels.
        failed: rows that got no answer, though they have a text.
        error: what the last of them failed with.
        empty: rows without a text.
        examples: rows that stand in the prompt and were not asked; they are in no other count.
    """

    whole: Count = field(default_factory=Count)
    arms: dict[str, Count] = field(default_factory=lambda: defaultdict(Count))
    unread: int = 0
    failed: int = 0
    error: str | None = None
    empty: int = 0
    examples: int = 0

    def add(self, answer: Mapping[str, Any]) -> None:
        """Count a row."""
        if answer.get("example"):
            self.examples += 1
            return
        if answer.get("error") == EMPTY:
            self.empty += 1
            return
        if answer.get("error") is not None:
            self.failed += 1
            self.error = answer["error"]
            return
        self.unread += answer["label"] is None
        self.whole.add(answer)
        self.arms[answer["arm"]].add(answer)

    def note(self) -> str:
        """Cost and accuracy so far in a few words."""
        told = [f"cost {usd(self.whole.cost_usd)}"]
        if self.whole.accuracy is not None:
            told.append(f"accuracy {percent(self.whole.accuracy)}")
        if self.failed:
            told.append(f"{self.failed} failed")
        if self.empty:
            told.append(f"{self.empty} without a text")
        return ", ".join(told)

    def plain(self) -> dict[str, Any]:
        """As values that JSON can hold."""
        return {
            **self.whole.plain(),
            "unread": self.unread,
            "failed": self.failed,
            "empty": self.empty,
            "examples": self.examples,
            "arms": {name: self.arms[name].plain() for name in sorted(self.arms)},
        }

    def table(self) -> Table:
        """One line an arm, and one for all."""
        from rich.table import Table

        table = Table("arm", "rows", "observed accuracy", "cost")
        for column in table.columns[1:]:
            column.justify = "right"
        for name in sorted(self.arms):
            table.add_row(*_cells(name, self.arms[name]))
        table.add_row(*_cells("all", self.whole), style="bold")
        return table


def percent(share: float | None) -> str:
    """A share with one decimal, or a dash."""
    return "-" if share is None else f"{100 * share:.1f} %"


def _cells(name: str, count: Count) -> tuple[str, ...]:
    unknown = f" + {count.cost_unknown} unknown" if count.cost_unknown else ""
    return name, str(count.rows), percent(count.accuracy), usd(count.cost_usd) + unknown
