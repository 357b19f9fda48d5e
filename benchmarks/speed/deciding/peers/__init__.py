"""Other bandits, one adapter each; a package that is not installed is skipped by name."""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable

    from deciding.player import Player

PEERS: dict[str, tuple[str, str]] = {
    "mabwiser": ("mabwiser", "LinUCB, ridge per arm"),
    "contextualbandits": ("contextualbandits", "LinUCB, Sherman-Morrison"),
    "vowpalwabbit": ("vowpalwabbit", "SquareCB, stochastic gradient, text in"),
    "river": ("river", "LinUCB disjoint, a dict per context"),
    "bayesianbandits": ("bayesianbandits", "normal regressor per arm, upper bound"),
    "paretobandit": ("pareto_bandit", "LinUCB disjoint, Sherman-Morrison"),
}
"""Name of the adapter's module: the package it needs, and what of it is timed."""


def installed() -> tuple[dict[str, Callable[[int, int], Player]], dict[str, str]]:
    """Makers (arms, dim) of the peers that are installed, and why others are not."""
    makers: dict[str, Callable[[int, int], Player]] = {}
    skipped: dict[str, str] = {}
    for name, (package, _) in PEERS.items():
        try:
            import_module(package)
        except ImportError as error:
            skipped[name] = f"not installed ({error})"
            continue
        makers[name] = import_module(f"deciding.peers.{name}").make
    return makers, skipped
