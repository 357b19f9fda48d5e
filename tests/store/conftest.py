from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest

from metallm.core.decision import ArmEstimate, Decision


def _decision(decision_id: str, index: int = 0, dim: int = 4) -> Decision:
    return Decision(
        id=decision_id,
        index=index,
        arm="a/small",
        propensity=0.75,
        propensities={"a/small": 0.75, "b/large": 0.25},
        estimates={
            "a/small": ArmEstimate(0.8, 0.1, 1e-5, 0.79),
            "b/large": ArmEstimate(0.9, 0.2, None, 0.7),
        },
        policy="squarecb",
        version=index,
        cost_weight=0.2,
        cost_scale=1e-3,
        context=np.arange(dim, dtype=np.float32),
        input_tokens=12,
        at=1.5,
    )


@pytest.fixture(scope="session")
def make_decision() -> Callable[..., Decision]:
    """Makes a decision of an id, an index and a context's length."""
    return _decision
