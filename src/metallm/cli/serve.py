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
    from collections.abc import Callable

    from metallm.assembly import Router
    from metallm.gateway.keyring import Keyring
    from metallm.settings import Settings


def serve(
    host: Annotated[
        str | None, typer.Option(metavar="ADDRESS", help="Address to listen on.")
    ] = None,
    port: Annotated[
        int | None,
        typer.Option(min=0, max=65535, metavar="N", help="TCP port; 0 takes a free one."),
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
    Anthropic's API is spoken too. With --json one line with host and port is written to stdout
    once requests are taken.
    """
    from metallm.assembly import Router
    from metallm.assembly.charged import charged_provider, embedding_poster
    from metallm.assembly.telemetry import chosen_telemetry
    from metallm.gateway.app import create_app
    from metallm.gateway.logs import make_log
    from metallm.gateway.rules import Rules
    from metallm.gateway.serve import serve as run
    from metallm.providers.bounds import Bounds

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
    log = make_log()

    def warn(told: str) -> None:
        log.warning("warning", told=told)

    keyring = _keyring(settings, warn)
    openly = settings.gateway.dangerously_open_to_everybody
    bounds = Bounds(settings.gateway.max_tokens)
    telemetry = chosen_telemetry(settings.otel, warn)
    around = None if telemetry is None else telemetry.traced
    provider = charged_provider(settings.providers, bounds, warn, around=around)
    plain = embedding_poster(settings.providers)
    poster = plain if telemetry is None else telemetry.traced_poster(plain)
    router = Router.from_settings(settings, provider=provider)

    def ready(address: str, taken: int) -> None:
        _say(router, address, taken, settings.store.path)
        _say_who(keyring, settings.gateway.keys, openly=openly)
        if as_json:
            put_json({"host": address, "port": taken})

    try:
        app = create_app(
            router.caller,
            max_body_bytes=int(settings.gateway.max_body_mib * 2**20),
            on_close=router.aclose,
            log=log,
            origins=settings.gateway.origins,
            rules=Rules.of(settings, keyring, bounds, local=not openly, poster=poster),
            tracing=None if telemetry is None else telemetry.tracing,
        )
        run(
            app,
            settings.gateway.host,
            settings.gateway.port,
            on_ready=ready,
            beyond_loopback=openly or keyring.asks(),
        )
    finally:
        # the app closes it where it ran; where the port was taken it never did
        router.close()
        if telemetry is not None:
            telemetry.close()
    tell("stopped")


def _keyring(settings: Settings, warn: Callable[[str], None]) -> Keyring:
    from metallm.gateway.keyring import Keyring
    from metallm.store.keys import KeyFile

    return Keyring(KeyFile(settings.gateway.keys), tell=warn)


def _say_who(keyring: Keyring, path: str, *, openly: bool) -> None:
    """Who may use it."""
    if keyring.asks():
        count = sum(key.revoked_at is None for key in keyring.known())
        tell(f"keys: {count} in force, in {path}")
    elif openly:
        tell("WARNING: no key is asked for: whoever reaches this address spends your money")
    else:
        tell("keys: none, so only this machine may ask; 'metallm keys add NAME' makes one")


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
