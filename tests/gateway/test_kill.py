"""What was acknowledged outlives a SIGKILL, and what was learned from it is the same to the bit."""

from __future__ import annotations

import http.client
import signal
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict
from pathlib import Path
from typing import Any

import orjson
import pytest

from gateway import runner
from gateway.test_sandbox import COUNT, RECORDED
from metallm.assembly import Router
from metallm.core.decision import Decision
from metallm.core.outcome import Outcome
from metallm.sandbox.app import create_app
from metallm.store.sqlite import SqliteStore
from servers import running

KILL_AFTER = 60
"""Judgements that are acknowledged before the gateway is killed."""

Messages = list[dict[str, str]]


def messages(number: int) -> Messages:
    return [{"role": "user", "content": RECORDED.queries[number % COUNT]}]


def quality(number: int, arm: str) -> float:
    """What the client thinks of an answer."""
    right = arm == "sim/dear" or number % 2 == 0
    return 1.0 if right else 0.25


class Connection:
    """One connection to the gateway, kept alive."""

    def __init__(self, port: int) -> None:
        self._http = http.client.HTTPConnection("127.0.0.1", port, timeout=30)

    def post(self, path: str, body: Any) -> tuple[Any, http.client.HTTPMessage]:
        self._http.request("POST", path, orjson.dumps(body))
        return self._answer()

    def get(self, path: str) -> Any:
        self._http.request("GET", path)
        return self._answer()[0]

    def chat(self, number: int) -> str:
        """The id of a routed answer's decision."""
        body = {"model": "auto", "messages": messages(number)}
        headers = self.post("/v1/chat/completions", body)[1]
        return str(headers["x-metallm-decision-id"])

    def judge(self, number: int, decision_id: str) -> None:
        arm = self.get(f"/v1/decisions/{decision_id}")["arm"]
        judgement = {"decision_id": decision_id, "quality": quality(number, arm)}
        told, _ = self.post("/v1/feedback", judgement)
        assert told["recorded"] is True

    def close(self) -> None:
        self._http.close()

    def _answer(self) -> tuple[Any, http.client.HTTPMessage]:
        answer = self._http.getresponse()
        body = orjson.loads(answer.read())
        assert answer.status == 200, body
        return body, answer.headers


@contextmanager
def gateway(upstream: str, log: Path) -> Iterator[tuple[subprocess.Popen[str], int]]:
    """The process and its port; killed at the end where it still runs."""
    process = subprocess.Popen(
        [sys.executable, runner.__file__, upstream, str(log)],
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        text=True,
    )
    assert process.stdout is not None
    try:
        line = process.stdout.readline()  # comes once requests are taken, or is empty at the end
        assert line, "the gateway did not start"
        yield process, int(line)
    finally:
        process.kill()
        process.wait(30)
        process.stdout.close()


def feed(port: int, acknowledged: list[str], enough: threading.Event) -> None:
    """Ask and judge until the gateway is gone."""
    connection = Connection(port)
    try:
        for number in range(100_000):
            decision_id = connection.chat(number)
            connection.judge(number, decision_id)
            acknowledged.append(decision_id)
            if len(acknowledged) == KILL_AFTER:
                enough.set()
    except (OSError, http.client.HTTPException):
        pass
    finally:
        enough.set()
        connection.close()


def feed_and_kill(upstream: str, log: Path) -> list[str]:
    """The decisions whose judgement was acknowledged before the kill, in order."""
    acknowledged: list[str] = []
    enough = threading.Event()
    with gateway(upstream, log) as (process, port):
        feeder = threading.Thread(target=feed, args=(port, acknowledged, enough))
        feeder.start()
        assert enough.wait(60)
        process.send_signal(signal.SIGKILL)
        assert process.wait(30) == -signal.SIGKILL
        feeder.join(30)
        assert not feeder.is_alive()
    return acknowledged


def read_log(log: Path) -> tuple[list[Decision], dict[str, list[Outcome]]]:
    """The decisions in order, and the outcomes of each."""
    store = SqliteStore(log)
    try:
        records = [entry.record for entry in store.read()]
    finally:
        store.close()
    decisions = [record for record in records if isinstance(record, Decision)]
    outcomes: dict[str, list[Outcome]] = {decision.id: [] for decision in decisions}
    for record in records:
        if isinstance(record, Outcome):
            outcomes[record.decision_id].append(record)
    return decisions, outcomes


def twin_of(log: Path, upstream: str) -> Router:
    """An undisturbed router that got the very calls that the log holds."""
    twin = Router(runner.arms(upstream), store=None, seed=runner.SEED)
    decisions, outcomes = read_log(log)
    for number, logged in enumerate(decisions):
        # of the last request, which was on its way, the log may hold a part
        kinds = {outcome.kind for outcome in outcomes[logged.id]}
        if "completion" in kinds:
            decision = twin.complete_sync(messages(number)).decision
        else:
            decision = twin.decide(messages(number))
        assert (decision.arm, decision.propensity) == (logged.arm, logged.propensity)
        for outcome in outcomes[logged.id]:
            if outcome.kind == "feedback":
                twin.feedback(decision.id, quality=outcome.quality)
    return twin


def told(decision: Any) -> dict[str, Any]:
    """What must agree, of a decision as it is or as the gateway told it."""
    if isinstance(decision, Decision):
        estimates = {name: asdict(each) for name, each in decision.estimates.items()}
        return {
            "index": decision.index,
            "arm": decision.arm,
            "propensity": decision.propensity,
            "version": decision.version,
            "estimates": estimates,
        }
    names = ("index", "arm", "propensity", "version", "estimates")
    return {name: decision[name] for name in names}


@pytest.mark.process
def test_after_a_kill_nothing_acknowledged_is_lost_and_decisions_are_those_of_a_twin(
    tmp_path: Path,
) -> None:
    log = tmp_path / "metallm.db"
    with running(create_app(RECORDED)) as base:
        upstream = f"{base}/v1"
        acknowledged = feed_and_kill(upstream, log)
        assert len(acknowledged) >= KILL_AFTER
        decisions, outcomes = read_log(log)
        assert [each.id for each in decisions][: len(acknowledged)] == acknowledged
        assert len(decisions) - len(acknowledged) in {0, 1}
        for number, decision_id in enumerate(acknowledged):
            completion, feedback = outcomes[decision_id]
            assert completion.kind == "completion"
            assert feedback.quality == quality(number, feedback.arm)

        twin = twin_of(log, upstream)
        with gateway(upstream, log) as (process, port):
            connection = Connection(port)
            for number in range(len(decisions), len(decisions) + 100):
                decision_id = connection.chat(number)
                seen = connection.get(f"/v1/decisions/{decision_id}")
                expected = twin.complete_sync(messages(number)).decision
                assert told(seen) == told(expected)
                connection.judge(number, decision_id)
                twin.feedback(expected.id, quality=quality(number, expected.arm))
            connection.close()
            process.send_signal(signal.SIGTERM)
            assert process.wait(30) == 0
        twin.close()
    store = SqliteStore(log)
    snapshot = store.snapshot()
    last = max(entry.seq for entry in store.read())
    store.close()
    assert snapshot is not None
    assert snapshot[0] == last
