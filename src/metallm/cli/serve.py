"""`metallm serve`: the gateway."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer

from metallm.cli.configured import read_settings
from metallm.cli.console import put_json, tell
from metallm.cli.options import (  # noqa: TC001 - typer reads the annotations
    AsJson,
    Config,
    CostWeight,
    Policy,
    Seed,
    Store,
)

if TYPE_CHECKING:
    from metallm.assembly import Router


def serve(
    host: Annotated[str | None, typer.Option(help="Address to listen on.")] = None,
    port: Annotated[
        int | None, typer.Option(min=0, max=65535, help="TCP port; 0 takes a free one.")
    ] = None,
    cost_weight: CostWeight = None,
    policy: Policy = None,
    seed: Seed = None,
    store: Store = None,
    log_prompts: Annotated[
        bool | None, typer.Option("--log-prompts", help="Keep the text of queries in the log.")
    ] = None,
    config: Config = None,
    as_json: AsJson = False,
) -> None:
    """Serve the gateway: OpenAI's API, answered by the arms.

    Ask for the model "auto" to have the arm chosen, and send what became of it to /v1/feedback.
    With --json one line with host and port is written to stdout once requests are taken.
    """
    from metallm.assembly import Router
    from metallm.gateway.app import create_app
    from metallm.gateway.serve import serve as run

    settings = read_settings(
        config,
        host=host,
        port=port,
        cost_weight=cost_weight,
        policy=policy,
        seed=seed,
        store=store,
        log_prompts=log_prompts,
    )
    router = Router.from_settings(settings)

    def ready(address: str, taken: int) -> None:
        _say(router, address, taken, settings.store.path)
        if as_json:
            put_json({"host": address, "port": taken})

    try:
        app = create_app(
            router.caller,
            max_body_bytes=int(settings.gateway.max_body_mib * 2**20),
            on_close=router.aclose,
            origins=settings.gateway.origins,
        )
        run(app, settings.gateway.host, settings.gateway.port, on_ready=ready)
    finally:
        # the app closes it where it ran; where the port was taken it never did
        router.close()
    tell("stopped")


def _say(router: Router, host: str, port: int, store: str | None) -> None:
    shown = f"[{host}]" if ":" in host else host
    tell(f"listening on http://{shown}:{port}/v1, policy {router.policy.name}")
    for arm in router.arms.values():
        price = arm.list_price
        told = (
            "price unknown: its costs are flagged"
            if price is None
            else f"USD {price.input:g} in, {price.output:g} out per million tokens"
        )
        tell(f"  {arm.name}: {told}")
    tell(f"log: {store or 'in memory, lost at the end'}")
