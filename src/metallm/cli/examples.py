"""The labelled rows of a bulk job that stand in its prompts, and are not asked."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING

from metallm.cli.console import tell
from metallm.core.folding import fold
from metallm.errors import ConfigurationError

if TYPE_CHECKING:
    from collections.abc import Sequence

    from metallm.cli.journal import Journal
    from metallm.cli.question import Question
    from metallm.cli.rows import Row
    from metallm.settings import Settings


def with_examples(
    question: Question, count: int, rows: Sequence[Row], journal: Journal, settings: Settings
) -> Question:
    """The question with labelled rows as examples.

    Rows that the journal names as examples are taken first, so that a run that goes on asks in the
    same words. New ones are noted there, with their true label as the answer, unless the journal
    is only looked at.

    Args:
        question: what is asked.
        count: how many examples; 0 for none.
        rows: all rows of the file, beyond a limit too.
        journal: of the answers.
        settings: name the embedder by which rows stand for others.

    Raises:
        ConfigurationError: fewer labelled rows that can be examples than are wanted.
    """
    if not count:
        return question
    by_number = {row.number: row for row in rows}
    earlier = [answer for answer in journal.answers.values() if answer.get("example")]
    earlier.sort(key=lambda answer: int(answer["example"]))
    kept = [by_number[each["row"]] for each in earlier if each["row"] in by_number][:count]
    new = _chosen(count - len(kept), rows, journal, settings)
    examples = [*kept, *new]
    for place, row in enumerate(examples[len(kept) :], len(kept) + 1):
        known = {"row": row.number, "digest": row.digest, "label": row.truth, "truth": row.truth}
        journal.note({**known, "example": place})
    tell(
        f"{count} labelled rows stand in every prompt and are not asked: "
        + ", ".join(str(row.number) for row in examples)
    )
    return question.with_examples([(row.text, row.truth or "") for row in examples])


def _chosen(count: int, rows: Sequence[Row], journal: Journal, settings: Settings) -> Sequence[Row]:
    """Rows with a truth that nobody was asked about, and whose text stands nowhere else."""
    if not count:
        return []
    from metallm.assembly.embedders import chosen_embedder
    from metallm.evaluation.examples import spread_examples

    # an example whose text comes again would be the answer to that row
    copies = Counter(fold(row.text) for row in rows)
    free = [
        row
        for row in rows
        if row.truth and row.text.strip() and copies[fold(row.text)] == 1
        and journal.answers.get(row.number, {}).get("label") is None
    ]  # fmt: skip
    if len(free) < count:
        raise ConfigurationError(
            f"--few-shot {count} needs as many labelled rows to show, and there are {len(free)} "
            "(with a text that stands there once, and not answered yet): name the column of labels "
            "with --truth, or ask for fewer"
        )
    router = settings.router
    embedder, _ = chosen_embedder(router.policy, router.embedder, router.sentence_model or None)
    texts, labels = [row.text for row in free], [row.truth or "" for row in free]
    places = spread_examples(texts, labels, count, embedder.embed, seed=router.seed)
    return [free[place] for place in places]
