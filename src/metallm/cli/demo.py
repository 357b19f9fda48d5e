"""`metallm demo`: a router at work, without keys, network or costs."""

from __future__ import annotations

import shutil
import sys
import tempfile
import time
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from metallm.cli.console import put, put_json, put_table, tell
from metallm.cli.guard import WorkFailedError
from metallm.cli.options import AsJson  # noqa: TC001 - typer reads the annotations

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from metallm.cli.demo_score import Score
    from metallm.sandbox.synthetic import Item

PER_S = 25
"""Queries a second."""

_WELCOME = """\
Everything in this demo is SYNTHETIC: made-up texts with known labels, and four simulated LLMs
with made-up prices. It shows how a router learns, and says nothing of any real model.
Starting the simulated LLMs and a gateway before them on this machine ..."""

_ACTIVATE = """
"metallm" is not on the PATH of this shell. Before what follows:
  . {bin}/activate"""

_NEXT = """
Now with your own keys:
  export OPENAI_API_KEY=...     # or that of another provider, or of several
  metallm init                  # writes metallm.toml with a few of their models
  metallm serve                 # answers on http://127.0.0.1:8080/v1, as OpenAI would
  curl -i http://127.0.0.1:8080/v1/chat/completions -H 'content-type: application/json' \\
    -d '{"model": "auto", "messages": [{"role": "user", "content": "Why is the sky blue?"}]}'
and tell what became of it, with the id of its x-metallm-decision-id header:
  curl http://127.0.0.1:8080/v1/feedback -H 'content-type: application/json' \\
    -d '{"decision_id": "dec_...", "quality": 1}'"""


def demo(
    seconds: Annotated[
        int, typer.Option(min=2, max=50, metavar="S", help="How long queries are sent.")
    ] = 45,
    seed: Annotated[
        int, typer.Option(min=0, metavar="N", help="Seed of the texts and of the router.")
    ] = 0,
    as_json: AsJson = False,
) -> None:
    """Watch a router learn, without keys, network or costs.

    Sends made-up queries over HTTP through a gateway to simulated LLMs, tells it the true labels,
    and shows accuracy and spending against always asking the best, the cheapest or a random one.
    """
    import asyncio

    from metallm.cli.demo_score import Score
    from metallm.cli.demo_servers import demo_gateway
    from metallm.cli.demo_view import shown
    from metallm.sandbox.synthetic import LABELS, items, synthetic_recordings
    from metallm.tables.recordings import Recordings

    tell(_WELCOME)
    per_task = -(-seconds * PER_S // len(LABELS))
    table = synthetic_recordings(seed, per_task)
    queries = items(seed, per_task)[: seconds * PER_S]
    score = Score(Recordings.read(table))
    with (
        tempfile.TemporaryDirectory(prefix="metallm-demo-") as folder,
        demo_gateway(Path(folder), table, seed) as url,
        shown(score, len(queries)) as draw,
    ):
        asyncio.run(_send(url, queries, seconds, score, draw))
    if as_json:
        put_json(score.plain())
    else:
        _sum_up(score)


async def _send(
    url: str, queries: Sequence[Item], seconds: float, score: Score, draw: Callable[[], None]
) -> None:
    """Send queries one after the other, so that the same seed gives the same choices.

    They come at an even pace; a slow machine gets through fewer of them, not later ones.
    """
    import asyncio

    from metallm.cli.doors import RowFailedError
    from metallm.cli.gateway_door import GatewayDoor
    from metallm.cli.question import question_of
    from metallm.sandbox.synthetic import LABELS

    doors = {
        task: GatewayDoor(url, question_of(",".join(labels), task, {}))
        for task, labels in LABELS.items()
    }
    tell(f"sending {len(queries)} queries to {url}, each followed by its true label")
    start = time.monotonic()
    try:
        for number, item in enumerate(queries):
            await asyncio.sleep(max(0.0, start + number / PER_S - time.monotonic()))
            if number and time.monotonic() > start + seconds:
                break
            answer = await doors[item.task].ask(item.text)
            await doors[item.task].judge(answer.decision_id, item.label)
            score.add(answer, item.label)
            draw()
    except RowFailedError as error:
        raise WorkFailedError(f"the demo's gateway did not answer: {error}") from error
    finally:
        for door in doors.values():
            await door.close()


def _sum_up(score: Score) -> None:
    from metallm.cli.demo_view import table

    router, best, *_ = score.lines()
    put_table(table(score))
    saved = 1.0 - router.cost_usd / best.cost_usd
    put(
        f"On these {score.done} synthetic queries the router was right on "
        f"{100 * router.accuracy:.1f} %, always asking the best on {100 * best.accuracy:.1f} %, "
        f"and it spent {abs(100 * saved):.0f} % {'less' if saved >= 0 else 'more'}, the price of "
        "learning from nothing included."
    )
    scripts = Path(sys.prefix) / "bin"
    if shutil.which("metallm") is None and (scripts / "activate").is_file():
        put(_ACTIVATE.format(bin=scripts))
    put(_NEXT)
