"""End to end: the official client, the gateway, HTTP, and an upstream that answers recordings."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

import pyarrow as pa

from gateway.gates import Gate, gate
from metallm.core.arm import Arm
from metallm.providers.http import HttpProvider
from metallm.sandbox.app import create_app
from metallm.tables.recordings import Recordings
from servers import running

COUNT = 40
"""Questions; the cheap model is right on the easy half of them."""


def recordings() -> Recordings:
    rows = []
    for number in range(COUNT):
        hard = number % 2 == 1
        query = f"{'a hard one' if hard else 'an easy one'}: question {number:03d}, what is right?"
        for model in ("sim/cheap", "sim/dear"):
            right = model == "sim/dear" or not hard
            rows.append(
                {
                    "query": query,
                    "model": model,
                    "response": "right" if right else "wrong",
                    "score": float(right),
                    "input_tokens": 20 + number,
                    "output_tokens": 5,
                }
            )
    return Recordings.read(pa.Table.from_pylist(rows))


RECORDED = recordings()


@contextmanager
def before_a_sandbox() -> Iterator[Gate]:
    with running(create_app(RECORDED)) as upstream:
        arms = [
            Arm("sim/cheap", 1.0, 1.0, base_url=f"{upstream}/v1"),
            Arm("sim/dear", 5.0, 5.0, base_url=f"{upstream}/v1"),
        ]
        with gate(provider=HttpProvider(), arms=arms, cost_weight=0.2) as made:
            yield made


def test_the_router_learns_whom_to_ask_from_a_clients_feedback() -> None:
    with before_a_sandbox() as made, made.client() as client:
        late = []
        for turn in range(4):
            for number, query in enumerate(RECORDED.queries):
                raw = client.chat.completions.with_raw_response.create(
                    model="auto", messages=[{"role": "user", "content": query}]
                )
                answer = raw.parse()
                right = answer.choices[0].message.content == "right"
                judged = made.send(
                    "POST",
                    "/v1/feedback",
                    {"decision_id": raw.headers["x-metallm-decision-id"], "quality": float(right)},
                )
                assert judged.json["arm"] == answer.model
                price = 1.0 if answer.model == "sim/cheap" else 5.0
                cost = (20 + number + 5) * price / 1e6
                assert float(raw.headers["x-metallm-cost-usd"]) == cost
                if turn == 3:
                    late.append(right)
        assert sum(late) / len(late) > 0.8


def test_a_stream_from_the_sandbox_comes_through_and_is_billed_as_recorded() -> None:
    with before_a_sandbox() as made, made.client() as client:
        stream = client.chat.completions.create(
            model="sim/dear",
            messages=[{"role": "user", "content": RECORDED.queries[1]}],
            stream=True,
            stream_options={"include_usage": True},
        )
        chunks = list(stream)
        assert {chunk.model for chunk in chunks} == {"sim/dear"}
        said = "".join(choice.delta.content or "" for chunk in chunks for choice in chunk.choices)
        assert said == "right"
        assert chunks[-1].usage is not None
        assert chunks[-1].usage.prompt_tokens == 21
        assert made.router.outcomes("dec_0")[0].cost_usd == 26 * 5.0 / 1e6


def test_a_refusal_of_the_sandbox_reaches_the_client_as_it_came() -> None:
    with before_a_sandbox() as made:
        reply = made.chat(
            model="sim/dear", messages=[{"role": "user", "content": "never recorded"}]
        )
        assert (reply.status, reply.error["code"]) == (404, "query_not_recorded")
