"""Bulk answers from a running gateway, over HTTP."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from metallm.cli.doors import AT_ONCE, Answered, RowFailedError, Said, joined
from metallm.cli.fixed import mean_of
from metallm.cli.gateway_client import GatewayClient, told
from metallm.cli.guard import WorkFailedError
from metallm.errors import InputError

if TYPE_CHECKING:
    from collections.abc import Sequence

    from metallm.cli.question import Question
    from metallm.evaluation.answered import Always

ROW_AT_FAULT = frozenset({400, 413, 422, 429, 500, 502, 503, 504})
"""Answers of a gateway that say that this row failed; any other says that all will."""


class GatewayDoor:
    """A running gateway. Make it in an event loop.

    Args:
        url: of the gateway, with or without /v1.
        question: what is asked of each text.
        max_calls: arms that each text may be sent to.

    Raises:
        ConfigurationError: that is no URL.
    """

    def __init__(self, url: str, question: Question, max_calls: int = 1) -> None:
        self._client = GatewayClient(url)
        self._question = question
        # a task that is declared there has its labels there, and its prompt
        self._fixed: dict[str, Any] = (
            {} if question.declared else {"labels": list(question.task.labels)}
        )
        if question.name is not None:
            self._fixed["task"] = question.name
        if max_calls > 1:
            self._fixed["max_calls"] = max_calls

    async def ask(self, text: str) -> Answered:
        """Classify a text."""
        status, body = await self._client.post("/v1/classify", {"text": text, **self._fixed})
        if status in ROW_AT_FAULT:
            raise RowFailedError(told(body, status))
        if status != 200:
            raise WorkFailedError(
                f"the gateway at {self._client.url} refused: {told(body, status)}"
            )
        try:
            return Answered(
                joined(self._question, body["label"]),
                body["arm"],
                body["cost_usd"],
                body["decision_id"],
                body.get("confidence"),
                tuple(
                    Said(call["arm"], joined(self._question, call["label"]))
                    for call in body.get("calls", ())
                ),
            )
        except (KeyError, TypeError, InputError) as error:
            raise WorkFailedError(
                f"{self._client.url} does not answer as a gateway of ours"
            ) from error

    async def judge(self, decision_id: str, label: str) -> None:
        """Tell the true label."""
        body = {"decision_id": decision_id, "label": label}
        status, answer = await self._client.post("/v1/feedback", body)
        if status != 200:
            raise WorkFailedError(
                f"the gateway at {self._client.url} did not take feedback: {told(answer, status)}"
            )

    async def always(self, decision_ids: Sequence[str]) -> list[Always]:
        """What each arm was expected to come to when the newest of them were decided."""
        newest = decision_ids[-AT_ONCE:]
        shown = [await self._client.get(f"/v1/decisions/{each}") for each in newest]
        return mean_of([body for status, body in shown if status == 200])

    async def close(self) -> None:
        """Let go of connections."""
        await self._client.close()
