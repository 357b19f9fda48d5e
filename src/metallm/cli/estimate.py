"""`metallm classify --estimate`: what a job is expected to cost, told before anybody is asked."""

from __future__ import annotations

from contextlib import closing
from pathlib import Path
from typing import TYPE_CHECKING, Any

from metallm.cli.estimated import ArmEstimate, Estimate
from metallm.core.classes import OWN_ARMS

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from metallm.assembly import Router
    from metallm.cli.journal import Journal
    from metallm.cli.question import Question
    from metallm.cli.rows import Row
    from metallm.core.arm import Arm
    from metallm.core.query import Query
    from metallm.settings import Settings

LOOKED_AT = 2000
"""Rows whose choice of arm is looked at, evenly over the file; the rest is taken for alike."""


def tell_estimate(
    settings: Settings,
    question: Question,
    rows: Sequence[Row],
    journal: Journal,
    *,
    warm: Path | None,
    max_calls: int,
    as_json: bool,
) -> None:
    """Say what the rows without an answer are expected to cost.

    Raises:
        ConfigurationError: no arms, or settings that cannot work.
        StoreError: the log cannot be read.
    """
    from metallm.cli.console import put_json
    from metallm.cli.estimate_view import plain, say

    left = [
        row.text
        for row in rows
        if row.text.strip() and _unanswered(journal.answers.get(row.number))
    ]
    with closing(looking_router(settings)) as router:
        if warm is not None:
            router.fit(warm)
        found = estimate(router, question, left, rows=len(rows), max_calls=max_calls)
    if as_json:
        put_json(plain(found))
    else:
        say(found)


def looking_router(settings: Settings) -> Router:
    """A router that knows what the log of the settings tells, and writes nothing."""
    from metallm.assembly import Router
    from metallm.cli.configured import open_log
    from metallm.settings import StoreSettings

    scratch = settings.model_copy(update={"store": StoreSettings(path="")})
    router = Router.from_settings(scratch)
    if not settings.store.path or not Path(settings.store.path).exists():
        return router
    try:
        with closing(open_log(settings)) as log:
            snapshot = log.snapshot()
            if snapshot is not None:
                router.knowledge.load(snapshot[1])
            for entry in log.read(router.knowledge.seq):
                router.knowledge.fold(entry, log.decision)
    except BaseException:
        router.close()
        raise
    return router


def estimate(
    router: Router, question: Question, texts: Sequence[str], *, rows: int, max_calls: int
) -> Estimate:
    """What texts are expected to cost.

    Args:
        router: chooses, and knows what arms cost; its decisions are to be thrown away.
        question: what is asked of each text.
        texts: those that are left.
        rows: of the job, answered ones too.
        max_calls: arms that each may be sent to.
    """
    from metallm.core.query import Query
    from metallm.tasks.lengths import answer_limit, usual_answer

    form, labels = question.form(), question.task.labels
    queries = [Query.of(form.messages(text), task=question.name, text=text) for text in texts]
    looked = queries[:: max(1, -(-len(queries) // LOOKED_AT))]
    shares, learned = _choices(router, question, looked, max_calls)
    tokens = sum(query.input_tokens for query in queries)
    limit = answer_limit(labels, several=question.several)
    scale = len(queries) / len(looked) if looked else 0.0
    arms = []
    for name, arm in router.arms.items():
        output = usual_answer(labels, structured=arm.structured)
        listed = _list_usd(arm, tokens, output * len(queries))
        known = learned.get(name)
        each_learned = None if known is None else scale * sum(known)
        share = shares.get(name, [])
        arms.append(
            ArmEstimate(
                name,
                listed,
                each_learned,
                _at_most(arm, queries, question, limit),
                sum(share) / len(looked) if looked else 0.0,
                _routed(arm, looked, share, known, output, scale),
            )
        )
    return Estimate(
        rows=rows,
        left=len(texts),
        examples=len(question.task.examples),
        input_tokens=tokens,
        output_tokens=usual_answer(labels),
        output_limit=limit,
        arms=tuple(arms),
        own_share=sum(sum(shares.get(name, [])) for name in OWN_ARMS) / max(len(looked), 1),
        policy=router.policy.name,
        looked_at=len(looked),
        max_calls=max_calls,
    )


def _unanswered(answer: Mapping[str, Any] | None) -> bool:
    return answer is None or answer.get("error") is not None


def _choices(
    router: Router, question: Question, queries: Sequence[Query], max_calls: int
) -> tuple[dict[str, list[float]], dict[str, list[float]]]:
    """The probability of each arm for each query; and its expected USD, of arms that were billed.

    An arm without a bill is left out of the second: what would stand there is its list price with
    a length of answer that is none of a label's.
    """
    from metallm.router.steps import Step

    labels = question.task.labels
    billed = _billed(router)
    shares: dict[str, list[float]] = {}
    learned: dict[str, list[float]] = {}
    # as `router.classifier` goes about it
    alone = router.knowledge.classes is None or question.several
    reads_text = question.task.kind != "choice"
    for query in queries:
        if alone:
            decision = router.decide_queries([query], labels=labels)[0][0]
        else:
            step = Step(query, labels, max_calls, reads_text=reads_text)
            decision = router.decide_step(step)[0]
        for name, chance in decision.propensities.items():
            shares.setdefault(name, []).append(chance)
            cost = decision.estimates[name].cost_usd
            if name in billed and cost is not None:
                learned.setdefault(name, []).append(cost)
    return shares, learned


def _billed(router: Router) -> set[str]:
    """Arms of which the router has seen bills."""
    state = router.knowledge.costs.state()
    return {
        str(name) for name, bills in zip(state["names"], state["n"], strict=True) if bills > 0
    } & router.arms.keys()


def _list_usd(arm: Arm, input_tokens: float, output_tokens: float) -> float | None:
    price = arm.list_price
    if price is None:
        return None
    return (input_tokens * price.input + output_tokens * price.output) / 1e6


def _routed(
    arm: Arm,
    queries: Sequence[Query],
    share: Sequence[float],
    learned: Sequence[float] | None,
    output_tokens: int,
    scale: float,
) -> float | None:
    """Expected USD for the rows that go to an arm."""
    total = 0.0
    for place, chance in enumerate(share):
        cost = (
            _list_usd(arm, queries[place].input_tokens, output_tokens)
            if learned is None
            else learned[place]
        )
        if cost is None:
            return None
        total += chance * cost
    return total * scale


def _at_most(arm: Arm, queries: Sequence[Query], question: Question, limit: int) -> float | None:
    """What one call a row cannot pass, by the bounds that a budget reserves by."""
    from metallm.core.completion import ChatRequest
    from metallm.core.ledger import as_usd
    from metallm.providers.bounds import Bounds, unbounded
    from metallm.tasks.formats import answer_format

    price = arm.list_price
    if price is None or unbounded(arm) is not None:
        return None
    bounds, held = Bounds(limit), answer_format(question.task)
    total = 0
    for query in queries:
        request = ChatRequest({"messages": list(query.messages)}, answer_format=held)
        total += bounds.bound(arm, bounds.limited(arm, request)).nano_usd(price)
    return as_usd(total)
