"""A made-up task set: short texts, true labels, and simulated LLMs that answer them.

It lets a newcomer see a router learn in seconds, offline and for nothing. No text, answer, price
or figure in it comes from anywhere: every data set is called "synthetic/..." and every model
"sim/...", and what is measured on it says nothing about any real model.

What each text looks like tells how hard it is (a mixed review, a long ticket, a sum of many
steps), and how hard it is tells who can be trusted with it. That is what there is to learn.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import pyarrow as pa

from metallm.core.price import Price, Usage
from metallm.errors import InputError

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

CHARACTERS_PER_TOKEN = 4.0

LABELS: Mapping[str, tuple[str, ...]] = {
    "synthetic/sentiment": ("negative", "positive"),
    "synthetic/topic": ("account", "billing", "delivery", "technical"),
    "synthetic/urgency": ("low", "normal", "urgent"),
    "synthetic/sums": ("no", "yes"),
}
"""The answers that are possible, for each task."""

PRICES: Mapping[str, Price] = {
    "sim/tiny": Price(0.1, 0.3),
    "sim/small": Price(0.4, 1.2),
    "sim/medium": Price(2.0, 6.0),
    "sim/large": Price(10.0, 30.0),
}
"""USD per million tokens."""

SKILLS: Mapping[str, Mapping[str, tuple[float, float]]] = {
    "sim/tiny": {
        "synthetic/sentiment": (0.98, 0.55),
        "synthetic/topic": (0.55, 0.20),
        "synthetic/urgency": (0.60, 0.20),
        "synthetic/sums": (0.70, 0.40),
    },
    "sim/small": {
        "synthetic/sentiment": (0.98, 0.35),
        "synthetic/topic": (0.97, 0.35),
        "synthetic/urgency": (0.80, 0.25),
        "synthetic/sums": (0.85, 0.45),
    },
    "sim/medium": {
        "synthetic/sentiment": (0.97, 0.30),
        "synthetic/topic": (0.97, 0.35),
        "synthetic/urgency": (0.97, 0.03),
        "synthetic/sums": (0.97, 0.50),
    },
    "sim/large": {
        "synthetic/sentiment": (0.98, 0.04),
        "synthetic/topic": (0.98, 0.04),
        "synthetic/urgency": (0.93, 0.06),
        "synthetic/sums": (0.98, 0.04),
    },
}
"""For each model and task (chance to be right on an easy text, what a hard one takes off it)."""

_QUESTIONS = {
    "synthetic/sentiment": "Is this product review positive or negative?",
    "synthetic/topic": "Which team should take this ticket: account, billing, delivery, technical?",
    "synthetic/urgency": "How urgent is this request: low, normal or urgent?",
    "synthetic/sums": "Is this sum right? Answer yes or no.",
}


@dataclass(frozen=True, slots=True)
class Item:
    """One made-up text.

    Args:
        task: a key of `LABELS`.
        text: what is to be judged.
        label: the true answer.
        difficulty: 0 (easy) to 1 (hard).
    """

    task: str
    text: str
    label: str
    difficulty: float


def chance(model: str, task: str, difficulty: float) -> float:
    """The probability that a simulated model is right: easy − drop · difficulty, see `SKILLS`."""
    easy, drop = SKILLS[model][task]
    return easy - drop * difficulty


def items(seed: int = 0, per_task: int = 150) -> list[Item]:
    """Made-up texts, all different, the tasks shuffled together.

    Args:
        seed: the same seed gives the same texts.
        per_task: texts of each task, 1 to 500: the templates know no more.

    Raises:
        InputError: more texts than the templates can make, or none.
    """
    if not 1 <= per_task <= 500:
        raise InputError(f"per_task must lie between 1 and 500, not {per_task}")
    rng = np.random.default_rng(seed)
    made: dict[str, Item] = {}
    for task, write in _WRITERS.items():
        wanted = len(made) + per_task
        while len(made) < wanted:
            item = Item(task, *write(rng))
            made.setdefault(item.text, item)
    listed = list(made.values())
    return [listed[place] for place in rng.permutation(len(listed))]


def synthetic_recordings(seed: int = 0, per_task: int = 150) -> pa.Table:
    """Recorded outcomes of the simulated models on the made-up texts.

    Args:
        seed: the same seed gives the same table.
        per_task: texts of each of the four tasks, 1 to 500.

    Returns:
        One row per text and model with the columns of recorded outcomes: query_id, dataset,
        split, query, question, reference, model, response, score (0 or 1), input_tokens,
        output_tokens, cost_usd (tokens × the prices in `PRICES`).

    Raises:
        InputError: as `items`.
    """
    # another stream than the texts', so that a change of wording moves no answer's draw
    rng = np.random.default_rng([seed, 1])
    rows: list[dict[str, Any]] = []
    for number, item in enumerate(items(seed, per_task)):
        rows += [_row(number, item, model, rng) for model in PRICES]
    return pa.Table.from_pylist(rows)


def _row(number: int, item: Item, model: str, rng: np.random.Generator) -> dict[str, Any]:
    query = f"{_QUESTIONS[item.task]}\n\n{item.text}"
    answer = item.label
    if rng.random() >= chance(model, item.task, item.difficulty):
        answer = _pick(rng, [label for label in LABELS[item.task] if label != item.label])
    usage = Usage(math.ceil(len(query) / CHARACTERS_PER_TOKEN), 1 + len(answer) // 4)
    return {
        "query_id": f"synthetic-{number:04d}",
        "dataset": item.task,
        "split": "synthetic",
        "query": query,
        "question": item.text,
        "reference": item.label,
        "model": model,
        "response": answer,
        "score": float(answer == item.label),
        "input_tokens": usage.input_tokens,
        "output_tokens": usage.output_tokens,
        "cost_usd": PRICES[model].cost_usd(usage),
    }


def _pick(rng: np.random.Generator, options: Sequence[str]) -> str:
    return options[int(rng.integers(len(options)))]


_GOODS = (
    "kettle", "backpack", "desk lamp", "headset", "raincoat", "blender", "office chair", "tent",
    "keyboard", "water bottle", "radio", "bike lock", "pillow", "coffee grinder", "phone case",
)  # fmt: skip
_PRAISE = (
    "works like a charm", "feels solid and well made", "is a joy to use every day",
    "looks even better than in the pictures", "was worth every cent", "surprised me in a good way",
    "does its job perfectly",
)  # fmt: skip
_BLAME = (
    "broke after two days", "feels cheap and flimsy", "is a waste of money",
    "smells awful and leaks", "arrived scratched and useless", "let me down from the start",
    "never did what it promised",
)  # fmt: skip
_IRONY = ("Oh great,", "Well done, really:", "Just what I always dreamed of:", "Brilliant,")
_WHO = ("My sister", "A friend", "My neighbour", "Everybody online", "The seller", "My boss")


def _sentiment(rng: np.random.Generator) -> tuple[str, str, float]:
    """Plain praise or blame is easy; another's opinion, irony and negation are hard."""
    positive = bool(rng.random() < 0.5)
    label = "positive" if positive else "negative"
    good, praise, blame = _pick(rng, _GOODS), _pick(rng, _PRAISE), _pick(rng, _BLAME)
    mine, other = (praise, blame) if positive else (blame, praise)
    if rng.random() < 0.7:
        start = _pick(rng, ("This", "The new", "I must say the", "Our"))
        return f"{start} {good} {mine}.", label, 0.0
    if not positive and rng.random() < 0.4:
        return f"{_pick(rng, _IRONY)} the {good} that {praise} for one whole hour.", label, 1.0
    who = _pick(rng, _WHO)
    shape = _pick(rng, (
        "{who} says this {good} {other}, but I could not disagree more: it {mine}.",
        "I would not say that the {good} {other}, no matter what {they} wrote; mine {mine}.",
        "{who} warned me that the {good} {other}, yet it turned out otherwise and {mine}.",
    ))  # fmt: skip
    they = who[0].lower() + who[1:]
    return shape.format(who=who, they=they, good=good, other=other, mine=mine), label, 1.0


_ISSUES: Mapping[str, tuple[str, ...]] = {
    "account": (
        "I cannot reset my password", "my profile shows the wrong email address",
        "the login page says I am locked out", "I want to close my account",
        "a colleague needs access to our workspace",
    ),
    "billing": (
        "I was charged twice this month", "the invoice lacks our tax number",
        "my refund has not come through", "the discount code was not applied",
        "the card on file has expired",
    ),
    "delivery": (
        "my parcel has been stuck for a week", "the courier left the box with a stranger",
        "the tracking number does not work", "half of the order is missing",
        "the package went to my old address",
    ),
    "technical": (
        "the app crashes when I open a report", "the export button does nothing",
        "pages take a minute to load", "the sync fails with error 502",
        "dark mode turns all text invisible",
    ),
}  # fmt: skip
_GREETINGS = (
    "Hello,",
    "Hi team,",
    "Good morning,",
    "Dear support,",
    "Hey,",
    "To whom it concerns,",
)
_THANKS = ("Please help.", "Thanks in advance.", "Any idea?", "Kind regards.", "What can I do?")


def _topic(rng: np.random.Generator) -> tuple[str, str, float]:
    """One issue is easy; a long ticket that tells of a second one, already solved, is hard."""
    names = [str(name) for name in rng.permutation(list(_ISSUES))]
    issue, other = _pick(rng, _ISSUES[names[0]]), _pick(rng, _ISSUES[names[1]])
    greeting, thanks = _pick(rng, _GREETINGS), _pick(rng, _THANKS)
    if rng.random() < 0.75:
        return f"{greeting} {issue}. {thanks}", names[0], 0.0
    weekday = _pick(rng, ("Monday", "Tuesday", "Thursday", "Friday"))
    text = (
        f"{greeting} I wrote on {weekday} because {other}. That part is settled, so leave it be. "
        f"What still bothers me is something else: {issue}. {thanks}"
    )
    return text, names[0], 1.0


_JOBS = (
    "update the price list", "send the contract to the printer", "book a room for the workshop",
    "check the backup", "reply to the supplier", "translate the leaflet", "repair the door sensor",
    "restart the payment server", "order new badges", "archive last year's photos",
)  # fmt: skip
_WHEN: Mapping[str, tuple[str, ...]] = {
    "low": ("whenever you find time", "some day next quarter", "there is no rush at all"),
    "normal": ("by the end of this week", "in the next few days", "before Thursday"),
    "urgent": (
        "right now, customers are waiting",
        "within the hour",
        "immediately, we are losing money",
    ),
}
_HINTS: Mapping[str, tuple[str, ...]] = {
    "low": ("nobody will look at it before the summer", "it has waited for years and can wait on"),
    "normal": ("the weekly review would be a good moment", "the others will ask on Friday"),
    "urgent": ("the auditors are already in the lift", "the line stands still until it is done"),
}


def _urgency(rng: np.random.Generator) -> tuple[str, str, float]:
    """A date is easy; a circumstance beside a misleading word is hard."""
    label, job = _pick(rng, LABELS["synthetic/urgency"]), _pick(rng, _JOBS)
    if rng.random() < 0.5:
        start = _pick(rng, ("Please", "Could you", "Someone should", "We need to", "Kindly"))
        return f"{start} {job}, {_pick(rng, _WHEN[label])}.", label, 0.0
    noise = _pick(rng, ("URGENT?", "No stress, but:", "Re: asap", "Small thing:", "By the way:"))
    who = _pick(rng, _WHO)
    return f"{noise} {who} asked me to {job}; {_pick(rng, _HINTS[label])}.", label, 1.0


def _sums(rng: np.random.Generator) -> tuple[str, str, float]:
    """Two numbers are easy, five are hard."""
    hard = bool(rng.random() < 0.35)
    terms = rng.integers(11, 99, size=5 if hard else 2)
    right = bool(rng.random() < 0.5)
    offset = 0 if right else int(_pick(rng, ("-10", "-2", "-1", "1", "2", "10")))
    told = " + ".join(str(term) for term in terms)
    return f"{told} = {int(terms.sum()) + offset}", "yes" if right else "no", float(hard)


_WRITERS: Mapping[str, Callable[[np.random.Generator], tuple[str, str, float]]] = {
    "synthetic/sentiment": _sentiment,
    "synthetic/topic": _topic,
    "synthetic/urgency": _urgency,
    "synthetic/sums": _sums,
}
