"""Randomness by number: the draw for a decision depends on the seed and its index alone.

A generator's state would have to be saved with every decision; a keyed hash of the decision's
index needs nothing saved, so a restart goes on with the very draws that an undisturbed run makes.

    uniform(seed, index)      a number in [0, 1) with 53 random bits, the same for the same two
    draw(probabilities, u)    the position that u picks; never one of probability 0
"""

from __future__ import annotations

from metallm.inner import draw, uniform

__all__ = ["draw", "uniform"]
