"""Log probabilities from the sandbox to the router, through real HTTP."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from typing import Any

import openai
import pyarrow as pa
import pytest

import metallm
from doubles import HashEmbedder
from metallm.core.arm import Arm
from metallm.core.task import Task
from metallm.core.wires import GEMINI, OPENAI, RESPONSES
from metallm.providers.http import HttpProvider
from metallm.sandbox.app import create_app
from metallm.tables.recordings import Recordings
from servers import running

LABELS = ("bad", "good", "not so bad")
ROOTS: Mapping[str, str] = {OPENAI: "/v1", GEMINI: "/v1beta", RESPONSES: "/v1"}


def _recordings() -> Recordings:
    """Twelve texts of a data set; the weak model is right on every third one alone."""
    rows: list[dict[str, Any]] = []
    for number in range(12):
        truth, wrong = LABELS[number % 3], LABELS[(number + 1) % 3]
        for model, right in (("acme/weak", number % 3 == 0), ("acme/strong", True)):
            rows.append(
                {
                    "query": f"How is text number {number:02d}, all in all?",
                    "dataset": "made/reviews",
                    "model": model,
                    "reference": truth,
                    "response": f"Answer: {truth if right else wrong}.",
                    "score": float(right),
                    "input_tokens": 20,
                    "output_tokens": 2,
                }
            )
    return Recordings.read(pa.Table.from_pylist(rows))


RECORDINGS = _recordings()
TASK = Task("reviews", "single", LABELS)


async def _asked(url: str, wire: str, *, logprobs: bool) -> list[metallm.Classified]:
    arm = Arm("up/weak", 1.0, 1.0, model="acme/weak", base_url=url, wire=wire, logprobs=logprobs)
    router = metallm.Router([arm], provider=HttpProvider(), embedder=HashEmbedder())
    found = [await router.classify(text, TASK, max_calls=2) for text in RECORDINGS.texts]
    await router.aclose()
    return found


@pytest.mark.parametrize("wire", ROOTS)
def test_an_arm_that_tells_log_probabilities_is_heard(wire: str) -> None:
    with running(create_app(RECORDINGS)) as url:
        found = asyncio.run(_asked(url + ROOTS[wire], wire, logprobs=True))
        silent = asyncio.run(_asked(url + ROOTS[wire], wire, logprobs=False))
    sure = []
    for number, each in enumerate(found):
        (call,) = each.calls
        told = dict(call.likely)
        assert set(told) == set(LABELS)
        assert sum(told.values()) == pytest.approx(1.0)
        assert max(told, key=lambda label: told[label]) == call.label
        sure.append((number % 3 == 0, told[str(call.label)]))
    assert min(share for right, share in sure if right) >= 0.8 - 1e-9
    assert any(share < 0.8 for right, share in sure if not right)
    assert all(call.likely == () for each in silent for call in each.calls)
    # and nobody pays for it
    assert [each.cost_usd for each in found] == [each.cost_usd for each in silent]


def test_the_official_client_reads_them_where_it_asks_for_them() -> None:
    messages: list[Any] = [{"role": "user", "content": RECORDINGS.texts[1]}]
    with (
        running(create_app(RECORDINGS)) as url,
        openai.OpenAI(base_url=f"{url}/v1", api_key="none", max_retries=0, timeout=10) as client,
    ):
        asked = client.chat.completions.create(
            model="acme/weak", messages=messages, logprobs=True, top_logprobs=2
        )
        plain = client.chat.completions.create(model="acme/weak", messages=messages)
    told = asked.choices[0].logprobs
    assert told is not None
    assert told.content is not None
    assert "".join(token.token for token in told.content) == asked.choices[0].message.content
    assert max(len(token.top_logprobs) for token in told.content) == 2
    assert plain.choices[0].logprobs is None
