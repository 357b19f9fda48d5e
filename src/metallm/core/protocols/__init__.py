"""The seams: what the router asks of the parts it is given.

Every part has a public double, and contract tests that all its implementations pass.
"""

from metallm.core.protocols.asking import Form
from metallm.core.protocols.calling import CountsTokens, Provider, Rests
from metallm.core.protocols.learning import (
    ClassLearner,
    CostLearner,
    Embedder,
    Learner,
    Policy,
    View,
)
from metallm.core.protocols.paying import Books, Payer, PaysBeside
from metallm.core.protocols.storing import Gathers, Store

__all__ = [
    "Books",
    "ClassLearner",
    "CostLearner",
    "CountsTokens",
    "Embedder",
    "Form",
    "Gathers",
    "Learner",
    "Payer",
    "PaysBeside",
    "Policy",
    "Provider",
    "Rests",
    "Store",
    "View",
]
