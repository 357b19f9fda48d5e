"""From a classifier's parameters to the router behind it, anew or as it was kept."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from metallm.assembly import Router
from metallm.core.arm import Arm
from metallm.errors import ConfigurationError, UnknownPriceError
from metallm.estimators.asking import Asker
from metallm.router.choosing import NO_TASKS
from metallm.router.steps import MOST_CALLS
from metallm.store.memory import MemoryStore

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from metallm.estimators.spelling import Spelling


MOST_AT_ONCE = 1024


@dataclass(frozen=True, slots=True)
class Kept:
    """What is left of a closed or pickled classifier, beside its log.

    Args:
        knowledge: all that was learned, where the log was in memory; else None.
        cost_usd: USD so far.
        decision_ids: of the texts that were asked about last; none where their log is gone.
    """

    knowledge: bytes | None = None
    cost_usd: float = 0.0
    decision_ids: tuple[str, ...] = ()


def opened(parameters: Mapping[str, Any], spelling: Spelling, kept: Kept) -> Asker:
    """Asks as the parameters say, with what was kept.

    Raises:
        ConfigurationError: parameters that cannot work.
        UnknownPriceError: an arm without a price that is not flagged with price="unknown".
        StoreError: the log cannot be opened.
    """
    for name, most in (("concurrency", MOST_AT_ONCE), ("max_calls", MOST_CALLS)):
        number = parameters[name]
        if not isinstance(number, int) or not 1 <= number <= most:
            raise ConfigurationError(f"{name} is a whole number from 1 to {most}, not {number!r}")
    store = parameters["store"]
    if store is None:
        store = MemoryStore()
        if kept.knowledge is not None:
            store.save_snapshot(0, kept.knowledge)
    router = Router(
        arms_of(parameters["arms"]),
        store=store,
        **{name: parameters[name] for name in ("cost_weight", "policy", "provider", "seed")},
    )
    try:
        _check(router)
    except ConfigurationError:
        router.close()
        raise
    asker = Asker(
        router,
        spelling,
        max_calls=parameters["max_calls"],
        concurrency=parameters["concurrency"],
        shared=parameters["provider"] is not None,
    )
    asker.cost_usd, asker.decision_ids = kept.cost_usd, kept.decision_ids
    return asker


def _check(router: Router) -> None:
    if router.knowledge.classes is None:
        raise ConfigurationError(NO_TASKS)
    for arm in router.arms.values():
        if arm.list_price is None and arm.price != "unknown":
            raise UnknownPriceError(arm.name)


def remains(asker: Asker, *, in_memory: bool) -> Kept:
    """What is kept to go on later.

    Args:
        asker: not closed.
        in_memory: whether the log goes with the router.
    """
    if not in_memory:
        return Kept(None, asker.cost_usd, asker.decision_ids)
    return Kept(asker.router.knowledge.dump(), asker.cost_usd)


def arms_of(given: Sequence[Arm | str] | None) -> list[Arm]:
    """Arms, some of which may be given by their names.

    Raises:
        ConfigurationError: none at all, or something that is no arm.
    """
    if not given or isinstance(given, str):
        raise ConfigurationError(
            "a classifier needs arms, such as Classifier(arms=['openai/gpt-4o-mini'])"
        )
    arms = [Arm(each) if isinstance(each, str) else each for each in given]
    for each in arms:
        if not isinstance(each, Arm):
            raise ConfigurationError(f"an arm is an Arm or a name, not {type(each).__name__}")
    return arms


def rows_to_ask(ask: float, count: int, seed: int) -> list[int]:
    """The rows of a fit that go to every arm, drawn without looking.

    Args:
        ask: how many, or a share below 1.
        count: of all rows.
        seed: of the draw.

    Raises:
        ConfigurationError: neither a number nor a share.
    """
    if isinstance(ask, bool) or not math.isfinite(ask) or ask < 0 or (ask > 1 and ask != int(ask)):
        raise ConfigurationError(f"ask is a number of rows, or a share below 1, not {ask!r}")
    wanted = math.ceil(ask * count) if ask < 1 else min(int(ask), count)
    drawn: list[int] = np.random.default_rng(seed).permutation(count)[:wanted].tolist()
    return drawn
