"""What log probabilities are worth: a made-up world in which an arm knows what it does not know.

    python benchmarks/quality/sureness.py [--shuffles 16] [--rows 340]

Texts tell nothing. A cheap arm knows six answers in ten and guesses the others, a dear one is right
on nineteen in twenty; two calls are allowed, and every true label is told. What the cheap arm's log
probabilities say is the truth, nothing, the same each time, or as much as chance. Figures are of
the last half: reward a text, and how often the dear arm is asked after what the cheap one knew and
did not know. No recording that we have holds log probabilities: nothing is said of real models.
"""

from __future__ import annotations

import argparse
from dataclasses import dataclass, field
from math import log
from typing import TYPE_CHECKING, Literal, get_args

import numpy as np

import metallm
from metallm.core.arm import Arm
from metallm.core.completion import ChatRequest, Completion, Token
from metallm.core.price import Usage
from metallm.core.task import Task
from metallm.evaluation.intervals import mean_interval
from metallm.providers.scripted import ScriptedProvider

if TYPE_CHECKING:
    from metallm.assembly import Router

CHEAP, DEAR = Arm("sim/cheap", 0.1, 0.1, logprobs=True), Arm("sim/dear", 2.0, 2.0)
ARMS = (CHEAP, DEAR)
WEIGHT = 0.3
USAGE = Usage(100, 2)
DEAR_USD = 2.04e-4
"""What an answer of the dear arm costs."""

PETS = Task("pets", "single", ("cat", "dog", "owl"))
QUIZ = Task("quiz", "choice", ("A", "B", "C"))

Telling = Literal["nothing", "truth", "always sure", "chance"]


@dataclass
class World:
    """Texts, what the arms answer to them, and how sure the cheap one is.

    Args:
        told: what the cheap arm's log probabilities say.
        task: what is asked.
        rows: how many texts.
        seed: of all chance.

    Attributes:
        row: the text that is asked about now.
        asked: all requests.
    """

    told: Telling
    task: Task = PETS
    rows: int = 340
    seed: int = 0
    row: int = 0
    asked: list[ChatRequest] = field(default_factory=list)

    def __post_init__(self) -> None:
        rng, rows = np.random.default_rng(self.seed), self.rows
        self.knows = rng.random(rows) < 0.6
        self.truth = rng.integers(3, size=rows)
        right = rng.random(rows) < np.where(self.knows, 0.97, 0.45)
        wrong = (self.truth + rng.integers(1, 3, size=rows)) % 3
        self.cheap = np.where(right, self.truth, wrong)
        self.dear = np.where(rng.random(rows) < 0.95, self.truth, (self.truth + 1) % 3)
        sure = np.where(self.knows, rng.uniform(0.97, 1.0, rows), rng.uniform(0.4, 0.8, rows))
        if self.told == "chance":
            sure = rng.permutation(sure)
        self.sure = np.full(rows, 0.99) if self.told == "always sure" else sure

    def provider(self) -> ScriptedProvider:
        """Answers to the text of now."""
        return ScriptedProvider(self._says)

    def _says(self, arm: Arm, request: ChatRequest) -> Completion:
        self.asked.append(request)
        place = int((self.cheap if arm.name == CHEAP.name else self.dear)[self.row])
        label = self.task.labels[place]
        tokens: tuple[Token, ...] = ()
        if self.told != "nothing" and arm.logprobs and request.logprobs:
            share = float(self.sure[self.row])
            others = [self.task.labels[(place + step) % 3] for step in (1, 2)]
            shares = ((label, share), *((each, (1.0 - share) / 2) for each in others))
            told = tuple((each.encode(), log(chance)) for each, chance in shares)
            tokens = (Token(*told[0], told),)
        return Completion(arm.name, label, USAGE, 0.0, b"{}", tokens=tokens)


@dataclass(frozen=True)
class Found:
    """The last half of a stream.

    Args:
        reward: a text.
        known: further calls after an answer that the cheap arm knew, a text.
        unknown: after one that it guessed.
    """

    reward: float
    known: float
    unknown: float


def played(world: World, router: Router) -> Found:
    """A stream through a router over `ARMS` at the cost weight `WEIGHT`, which is closed then."""
    reward: list[float] = []
    further: dict[bool, list[int]] = {True: [0], False: [0]}
    for row in range(world.rows):
        world.row = row
        found = router.classify_sync(f"text number {row}", world.task, max_calls=2)
        truth = world.task.labels[world.truth[row]]
        router.feedback(found.decision_id, label=truth)
        if row >= world.rows // 2:
            reward.append((found.label == truth) - WEIGHT * (found.cost_usd or 0.0) / DEAR_USD)
            if found.calls and found.calls[0].arm == CHEAP.name:
                further[bool(world.knows[row])].append(len(found.calls) - 1)
    router.close()
    known, unknown = (float(np.mean(further[each])) for each in (True, False))
    return Found(float(np.mean(reward)), known, unknown)


def main() -> None:
    """Print a table."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--shuffles", type=int, default=16)
    parser.add_argument("--rows", type=int, default=340)
    options = parser.parse_args()
    print("| task | told | reward | against nothing told | goes on: knew | did not know |")
    print("|---|---|---|---|---|---|")
    for task in (PETS, QUIZ):
        silent = np.zeros(options.shuffles)
        for told in get_args(Telling):
            worlds = [World(told, task, options.rows, seed) for seed in range(options.shuffles)]
            found = [
                played(world, metallm.Router(
                    ARMS, provider=world.provider(), cost_weight=WEIGHT, seed=world.seed
                ))
                for world in worlds
            ]  # fmt: skip
            reward = np.array([each.reward for each in found])
            silent = reward if told == "nothing" else silent
            apart = mean_interval(reward - silent)
            known, unknown = (np.mean([getattr(each, name) for each in found])
                              for name in ("known", "unknown"))  # fmt: skip
            print(
                f"| {task.name} | {told} | {reward.mean():.3f} | "
                f"{apart.mean:.3f} ± {apart.half_width:.3f} | {known:.2f} | {unknown:.2f} |"
            )


if __name__ == "__main__":
    main()
