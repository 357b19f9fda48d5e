"""What a quiz is going to ask, what it knows already, and what it will cost."""

from __future__ import annotations

from contextlib import closing
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from metallm.cli.quiz_log import Earlier, earlier_answers, key_of
from metallm.cli.rows import Row, digest_of

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from metallm.assembly import Router
    from metallm.core.decision import Decision
    from metallm.evaluation.prompts import Prompt
    from metallm.settings import Settings


@dataclass(frozen=True, slots=True)
class Plan:
    """A quiz.

    Args:
        prompts: by the text that is embedded, the most representative first.
        decisions: how a router without a log would decide on each, by text: for the contexts.
        earlier: what the arm answered before, by text.
    """

    prompts: Mapping[str, Prompt]
    decisions: Mapping[str, Decision]
    earlier: Mapping[str, Earlier]

    @property
    def left(self) -> list[Row]:
        """What is to be asked, as rows of a bulk job."""
        return [
            Row(number, text, prompt.truth, digest_of(text, prompt.labels))
            for number, (text, prompt) in enumerate(self.prompts.items(), 1)
            if text not in self.earlier
        ]

    def cost_usd(self, router: Router, arm: str) -> float | None:
        """What is expected to be billed for what is left; None where the price is unknown."""
        left = [self.decisions[row.text] for row in self.left]
        if not left:
            return 0.0
        contexts = np.stack([decision.context for decision in left])
        tokens = np.array([float(decision.input_tokens) for decision in left])
        total = float(router.knowledge.cost_usd(contexts, tokens, [arm]).sum())
        return None if np.isnan(total) else total


def plan(settings: Settings, arm: str, prompts: Sequence[Prompt], count: int) -> Plan:
    """Choose the prompts that stand for all, and look up which of them the arm answered before.

    Args:
        settings: the router's; its log is read, if it is there.
        arm: name of the arm.
        prompts: to choose from, at least one.
        count: how many.

    Raises:
        ConfigurationError: arms that cannot work.
        StoreError: the log cannot be read.
    """
    from metallm.evaluation.medoids import medoids

    decisions = _decided(settings, arm, prompts)
    contexts = np.stack([decision.context for decision in decisions])
    chosen = medoids(contexts, count, np.random.default_rng(settings.router.seed)).tolist()
    known = _earlier(settings, arm)
    earlier = {prompts[place].text: known.get(key_of(decisions[place])) for place in chosen}
    return Plan(
        {prompts[place].text: prompts[place] for place in chosen},
        {prompts[place].text: decisions[place] for place in chosen},
        {text: answer for text, answer in earlier.items() if answer is not None},
    )


def _decided(settings: Settings, arm: str, prompts: Sequence[Prompt]) -> list[Decision]:
    """Decisions of a router like the settings' own, whose log is thrown away."""
    from metallm.assembly import Router
    from metallm.core.query import Query
    from metallm.settings import StoreSettings

    scratch = settings.model_copy(update={"store": StoreSettings(path="")})
    decisions = []
    with closing(Router.from_settings(scratch)) as router:
        for prompt in prompts:
            query = Query.of(
                [{"role": "user", "content": prompt.sent}], task=prompt.task, text=prompt.text
            )
            decided, _ = router.decide_queries([query], named=arm, labels=prompt.labels)
            decisions += decided
    return decisions


def _earlier(settings: Settings, arm: str) -> dict[tuple[bytes, tuple[str, ...]], Earlier]:
    from pathlib import Path

    from metallm.cli.configured import open_log

    if not settings.store.path or not Path(settings.store.path).exists():
        return {}
    with closing(open_log(settings)) as log:
        return earlier_answers(log.read(), arm)
