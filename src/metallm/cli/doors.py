"""Two doors to the same answers: a router in this process, and a gateway over HTTP."""

from __future__ import annotations

import asyncio
from collections import deque
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Protocol

from metallm.cli.fixed import Always, mean_of
from metallm.cli.guard import WorkFailedError
from metallm.errors import ConfigurationError, InputError, ProviderError

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from metallm.assembly import Router

CONNECT_S = 10.0
AT_ONCE = 1000
"""Decisions that are looked up at once: a context is some kilobytes."""

ROW_AT_FAULT = frozenset({400, 413, 422, 429, 500, 502, 503, 504})
"""Answers of a gateway that say that this row failed; any other says that all will."""


class RowFailedError(Exception):
    """No arm answered for one row; others may fare better."""


@dataclass(frozen=True, slots=True)
class Answered:
    """One answer.

    Args:
        label: None where the answer named none of the labels.
        arm: the arm that answered.
        cost_usd: None where the arm's price is unknown.
        decision_id: what feedback refers to.
        confidence: 0 to 1; None where no task is learned.
        calls: the arms that were asked.
    """

    label: str | None
    arm: str
    cost_usd: float | None
    decision_id: str
    confidence: float | None = None
    calls: tuple[str, ...] = ()


class Door(Protocol):
    """Where a bulk classification gets its answers."""

    async def ask(self, text: str) -> Answered:
        """Classify a text.

        Raises:
            RowFailedError: this text got no answer.
            MetaLLMError: no text will.
        """
        ...

    async def judge(self, decision_id: str, label: str) -> None:
        """Tell the true label; returns once it is learned.

        Raises:
            MetaLLMError: it could not be told.
        """
        ...

    async def always(self) -> list[Always]:
        """What each arm is expected to come to on all rows that were asked; none where unknown."""
        ...

    async def close(self) -> None:
        """Let go of connections."""
        ...


class RouterDoor:
    """A router in this process.

    Args:
        router: closed with the door.
        labels: the labels to choose from.
        task: name of the task.
        max_calls: arms that each text may be sent to.
    """

    def __init__(
        self, router: Router, labels: Sequence[str], task: str | None, max_calls: int = 1
    ) -> None:
        self._router = router
        self._labels = labels
        self._task = task
        self._max_calls = max_calls
        self._asked: list[str] = []

    async def ask(self, text: str) -> Answered:
        """Classify a text."""
        try:
            found = await self._router.classify(
                text, self._labels, task=self._task, max_calls=self._max_calls
            )
        except (ProviderError, InputError) as error:
            raise RowFailedError(str(error)) from error
        self._asked.append(found.decision_id)
        return Answered(
            found.label,
            found.arm,
            found.cost_usd,
            found.decision_id,
            found.confidence,
            tuple(call.arm for call in found.calls),
        )

    async def judge(self, decision_id: str, label: str) -> None:
        """Tell the true label."""
        from metallm.router.answers import Judgement

        _, done = self._router.submit_feedback(Judgement(decision_id, label=label))
        await asyncio.wrap_future(done)

    async def close(self) -> None:
        """Let go of connections and of the log."""
        await self._router.aclose()

    async def always(self) -> list[Always]:
        """What each arm is expected to come to on all rows that were asked, as now learned."""
        import numpy as np

        knowledge, names = self._router.knowledge, list(self._router.arms)
        quality, costs = np.zeros(len(names)), np.zeros(len(names))
        for start in range(0, len(self._asked), AT_ONCE):
            asked = [self._router.decision(each) for each in self._asked[start : start + AT_ONCE]]
            contexts = np.stack([decision.context for decision in asked])
            tokens = np.array([float(decision.input_tokens) for decision in asked])
            quality += knowledge.learner.estimate(contexts, names)[0].sum(axis=0)
            costs += knowledge.cost_usd(contexts, tokens, names).sum(axis=0)
        rows = len(self._asked)
        return [
            Always(name, rows, right / rows, None if np.isnan(cost) else cost)
            for name, right, cost in zip(names, quality.tolist(), costs.tolist(), strict=True)
            if rows
        ]


class GatewayDoor:
    """A running gateway. Make it in an event loop.

    Args:
        url: of the gateway, with or without /v1.
        labels: the labels to choose from.
        task: name of the task.
        max_calls: arms that each text may be sent to.

    Raises:
        ConfigurationError: that is no URL.
    """

    def __init__(
        self, url: str, labels: Sequence[str], task: str | None, max_calls: int = 1
    ) -> None:
        import aiohttp

        if not url.startswith(("http://", "https://")):
            raise ConfigurationError(f"--gateway takes a URL, as http://127.0.0.1:8080, not {url}")
        self._url = url.rstrip("/").removesuffix("/v1")
        self._fixed: dict[str, Any] = {"labels": list(labels)}
        if task is not None:
            self._fixed["task"] = task
        if max_calls > 1:
            self._fixed["max_calls"] = max_calls
        # how long an answer may take is for the gateway to say
        timeout = aiohttp.ClientTimeout(total=None, sock_connect=CONNECT_S)
        self._session = aiohttp.ClientSession(timeout=timeout)
        self._asked: deque[str] = deque(maxlen=AT_ONCE)

    async def ask(self, text: str) -> Answered:
        """Classify a text."""
        status, body = await self._post("/v1/classify", {"text": text, **self._fixed})
        if status in ROW_AT_FAULT:
            raise RowFailedError(_told(body, status))
        if status != 200:
            raise WorkFailedError(f"the gateway at {self._url} refused: {_told(body, status)}")
        try:
            found = Answered(
                body["label"],
                body["arm"],
                body["cost_usd"],
                body["decision_id"],
                body.get("confidence"),
                tuple(call["arm"] for call in body.get("calls", ())),
            )
        except KeyError as error:
            raise WorkFailedError(f"{self._url} does not answer as a gateway of ours") from error
        self._asked.append(found.decision_id)
        return found

    async def judge(self, decision_id: str, label: str) -> None:
        """Tell the true label."""
        body = {"decision_id": decision_id, "label": label}
        status, told = await self._post("/v1/feedback", body)
        if status != 200:
            raise WorkFailedError(
                f"the gateway at {self._url} did not take feedback: {_told(told, status)}"
            )

    async def always(self) -> list[Always]:
        """What each arm was expected to come to when the newest rows were decided."""
        shown = [await self._send("GET", f"/v1/decisions/{each}") for each in self._asked]
        return mean_of([body for status, body in shown if status == 200])

    async def close(self) -> None:
        """Let go of connections."""
        await self._session.close()

    async def _post(self, path: str, body: Mapping[str, Any]) -> tuple[int, dict[str, Any]]:
        return await self._send("POST", path, body)

    async def _send(
        self, method: str, path: str, body: Mapping[str, Any] | None = None
    ) -> tuple[int, dict[str, Any]]:
        import aiohttp
        import orjson

        try:
            async with self._session.request(method, self._url + path, json=body) as answer:
                raw = await answer.read()
                status = answer.status
        except (aiohttp.ClientError, TimeoutError) as error:
            why = str(error) or type(error).__name__
            raise WorkFailedError(
                f"the gateway at {self._url} cannot be reached ({why}): "
                "start it with 'metallm serve'; what was answered is kept"
            ) from error
        try:
            document = orjson.loads(raw)
        except orjson.JSONDecodeError:
            document = None
        return status, document if isinstance(document, dict) else {}


def _told(body: Mapping[str, Any], status: int) -> str:
    """The message of an error in OpenAI's shape."""
    error = body.get("error")
    message = error.get("message") if isinstance(error, dict) else None
    return str(message) if message else f"HTTP status {status}"
