"""Learners, policies, stores and providers by name."""

from __future__ import annotations

from dataclasses import replace
from os import PathLike
from typing import TYPE_CHECKING

from metallm.core.audit import OTHERS, PRESUMED
from metallm.errors import ConfigurationError
from metallm.learners.blend import BlendLearner
from metallm.learners.paper import PaperLearner
from metallm.policies.floor import FlooredPolicy
from metallm.policies.linucb import LinUCBPolicy
from metallm.policies.simple import FixedPolicy, GreedyPolicy, RandomPolicy
from metallm.policies.squarecb import SquareCBPolicy
from metallm.policies.thompson import ThompsonPolicy
from metallm.store.memory import MemoryStore

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from metallm.core.arm import Arm
    from metallm.core.audit import Audit
    from metallm.core.protocols import Learner, Policy, Provider, Store
    from metallm.errors import ProviderError
    from metallm.providers.resting import RestingProvider
    from metallm.settings import ProviderSettings

POLICIES = ("squarecb", "thompson", "linucb", "greedy", "paper", "random", "fixed:NAME")
PAPER_ALPHA = 0.25
"""α of the paper's policy; the paper does not give it, and its published code has 0."""


def chosen_learner(
    policy: str | Policy, cost_weight: float, seed: int, arms: Sequence[Arm], dim: int
) -> Learner:
    """The learner that goes with a policy."""
    if policy == "paper":
        return PaperLearner(dim, cost_weight=cost_weight)
    priors = {arm.name: arm.prior_quality for arm in arms if arm.prior_quality is not None}
    return BlendLearner(dim, seed=seed, priors=priors)


def chosen_policy(name: str | Policy, arms: Sequence[Arm]) -> Policy:
    """A policy by its name, see `POLICIES`, or the one given.

    Raises:
        ConfigurationError: no policy, or no arm, is called so.
    """
    if not isinstance(name, str):
        return name
    kinds: dict[str, Callable[[], Policy]] = {
        "squarecb": SquareCBPolicy,
        "thompson": ThompsonPolicy,
        "linucb": LinUCBPolicy,
        "greedy": GreedyPolicy,
        "paper": lambda: LinUCBPolicy(PAPER_ALPHA, name="paper"),
        "random": RandomPolicy,
    }
    if name in kinds:
        return kinds[name]()
    kind, colon, arm = name.partition(":")
    if kind == "fixed" and colon:
        if arm not in {each.name for each in arms}:
            raise ConfigurationError(f"policy {name!r}: no arm is called {arm!r}")
        return FixedPolicy(arm)
    raise ConfigurationError(f"no policy is called {name!r}; there are: {', '.join(POLICIES)}")


def presumed(arms: Sequence[Arm], audit: Audit | None) -> Sequence[Arm]:
    """Arms of which nothing is expected, with the reference of an audit expected to be the best."""
    if audit is None:
        return arms
    return [
        arm
        if arm.prior_quality is not None
        else replace(arm, prior_quality=PRESUMED if arm.name == audit.arm else OTHERS)
        for arm in arms
    ]


def takes_students(policy: str | Policy) -> bool:
    """Whether a policy may answer without asking any arm."""
    return not isinstance(policy, str) or not (policy == "paper" or policy.startswith("fixed:"))


def floored(policy: Policy, floor: float | Mapping[str, float], arms: Sequence[Arm]) -> Policy:
    """The policy, with each arm's least probability held where one is asked for."""
    return policy if floor == 0.0 else FlooredPolicy(policy, floor, [arm.name for arm in arms])


def chosen_store(store: str | PathLike[str] | Store | None) -> Store:
    """A store by its path, in memory for None, or the one given."""
    if store is None:
        return MemoryStore()
    if isinstance(store, str | PathLike):
        from metallm.store.sqlite import SqliteStore  # noqa: PLC0415 - only where it is used

        return SqliteStore(store)
    return store


def http_provider(
    settings: ProviderSettings | None = None, *, under: Callable[[Provider], Provider] | None = None
) -> RestingProvider:
    """Calls the arms over HTTP, and leaves out those that rest or are full.

    Args:
        settings: how they are called; None for the defaults.
        under: what stands around every call, such as a budget; None for nothing.
    """
    from metallm.providers.http import HttpProvider  # noqa: PLC0415 - aiohttp takes .1 s
    from metallm.providers.resting import RestingProvider  # noqa: PLC0415 - goes with it

    def failed(error: ProviderError) -> None:
        made.failed(error)

    told = settings.model_dump() if settings is not None else {}
    inner = HttpProvider(**told, failed=failed)
    made = RestingProvider(inner if under is None else under(inner))
    return made
