"""RouterArena's score: accuracy and cost in one number, nearly all weight on accuracy.

    C = (log2 c_max − log2 cost) / (log2 c_max − log2 c_min),   S = (1 + β) A C / (β A + C)

with the cost in USD per 1,000 queries, A the accuracy and β = 0.1.

Source: RouterArena (arXiv 2510.00202), its accuracy-cost score.
"""

from __future__ import annotations

import math

from metallm.errors import InputError

DEAREST_PER_1K_USD = 200.0
"""c_max, the cost that scores 0."""

CHEAPEST_PER_1K_USD = 0.0044
"""c_min, the cost that scores 1."""

BETA = 0.1
"""How much less the cost counts than the accuracy."""


def arena_score(accuracy: float, cost_usd: float) -> float:
    """RouterArena's score, 0 to 1; the leaderboard shows it times 100.

    Args:
        accuracy: mean quality, 0 to 1.
        cost_usd: mean USD per query, 0 and up. Outside the formula's own bounds it counts as the
            bound: free is as good as the cheapest there is, and nothing scores below 0.

    Raises:
        InputError: an accuracy or a cost out of range.
    """
    if not 0.0 <= accuracy <= 1.0 or not 0.0 <= cost_usd < math.inf:
        raise InputError(
            f"no arena score for accuracy {accuracy} at {cost_usd} USD: accuracy lies between 0 "
            "and 1, the cost is finite and 0 or more"
        )
    per_1k = min(max(1000.0 * cost_usd, CHEAPEST_PER_1K_USD), DEAREST_PER_1K_USD)
    spread = math.log2(DEAREST_PER_1K_USD) - math.log2(CHEAPEST_PER_1K_USD)
    thrift = (math.log2(DEAREST_PER_1K_USD) - math.log2(per_1k)) / spread
    if accuracy == 0.0 or thrift == 0.0:
        return 0.0
    return (1.0 + BETA) * accuracy * thrift / (BETA * accuracy + thrift)
