"""Arms for recorded models: a recording has bills, a router that starts cold wants list prices."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from metallm.core.arm import Arm
from metallm.core.price import STANDARD_OUTPUT_TOKENS
from metallm.core.query import CHARACTERS_PER_TOKEN

if TYPE_CHECKING:
    from metallm.core.arrays import FloatArray
    from metallm.tables.recordings import Recordings


def arms_of(recordings: Recordings) -> dict[str, Arm]:
    """An arm for each recorded model that has any recorded cost, by name.

    Its price, for input and output alike, is what its recorded answers cost over their tokens.

    Args:
        recordings: what was recorded; where tokens were not, they are guessed from the texts.
    """
    billed = ~np.isnan(recordings.cost_usd)
    tokens = np.where(billed, _tokens(recordings), 0.0).sum(axis=0)
    bills = np.where(billed, recordings.cost_usd, 0.0).sum(axis=0)
    prices = 1e6 * bills / np.maximum(tokens, 1.0)
    return {
        model: Arm(model, input_price=price, output_price=price)
        for model, price, bills_known in zip(
            recordings.models, prices.tolist(), billed.T, strict=True
        )
        if bills_known.any()
    }


def _tokens(recordings: Recordings) -> FloatArray:
    """Tokens of each query and answer, shape (n, K)."""
    asked = np.array([len(query) for query in recordings.queries]) / CHARACTERS_PER_TOKEN
    lengths = [
        [STANDARD_OUTPUT_TOKENS if text is None else len(text) / CHARACTERS_PER_TOKEN
         for text in row]
        for row in recordings.responses
    ]  # fmt: skip
    sent = np.where(np.isnan(recordings.input_tokens), asked[:, None], recordings.input_tokens)
    back = np.where(np.isnan(recordings.output_tokens), np.array(lengths), recordings.output_tokens)
    tokens: FloatArray = sent + back
    return tokens
