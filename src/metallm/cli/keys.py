"""`metallm keys`: who may use the gateway, for what, and how much."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Annotated, Any

import typer

from metallm.cli.configured import read_settings
from metallm.cli.console import put, put_json, tell
from metallm.cli.options import AsJson, Config, Store  # noqa: TC001 - typer reads the annotations

if TYPE_CHECKING:
    from metallm.core.budget import Budget
    from metallm.core.key import Key
    from metallm.settings import Settings
    from metallm.store.keys import KeyFile

app = typer.Typer(
    no_args_is_help=True,
    rich_markup_mode=None,
    help="Keys of the gateway: who may use it, for what, and how much.",
)

NONE = "none"
"""Takes a limit away."""

Name = Annotated[str, typer.Argument(metavar="NAME", help="What the key is called, or its id.")]
BudgetUsd = Annotated[
    str | None, typer.Option("--budget", metavar="USD", help="What it may spend; 'none' for all.")
]
BudgetWindow = Annotated[
    str | None,
    typer.Option("--budget-window", metavar="W", help="day, month or total (the default); UTC."),
]
RequestsPerMinute = Annotated[
    str | None, typer.Option("--requests-per-minute", metavar="N", help="'none' for any number.")
]
TokensPerMinute = Annotated[
    str | None,
    typer.Option("--tokens-per-minute", metavar="N", help="Input and output; 'none' for any."),
]
Arms = Annotated[
    str | None, typer.Option("--arms", metavar="A,B", help="Arms that may answer it; 'none': all.")
]
Aliases = Annotated[
    str | None,
    typer.Option("--aliases", metavar="A,B", help="All that it may ask for; 'none': any model."),
]
Expires = Annotated[
    str | None,
    typer.Option("--expires", metavar="WHEN", help="A date (UTC), or days as 90d; 'none': never."),
]


@app.command()
def add(
    name: Annotated[
        str, typer.Argument(metavar="NAME", help="What to call it, such as the team that gets it.")
    ],
    tenant: Annotated[
        str | None,
        typer.Option(
            "--tenant", metavar="T", help="Whose decisions it sees. Default: the key's name."
        ),
    ] = None,
    admin: Annotated[
        bool, typer.Option("--admin", help="May see all tenants' decisions, judges and metrics.")
    ] = False,
    budget: BudgetUsd = None,
    budget_window: BudgetWindow = None,
    requests_per_minute: RequestsPerMinute = None,
    tokens_per_minute: TokensPerMinute = None,
    arms: Arms = None,
    aliases: Aliases = None,
    expires: Expires = None,
    config: Config = None,
    as_json: AsJson = False,
) -> None:
    """Make a key. It is written to stdout this once; what is kept tells nobody what it was.

    A running gateway knows it within a second. From the first key on, every client needs one.
    """
    from metallm.core.key import Key

    settings, now = read_settings(config), _now()
    limits = _given(
        settings, budget, budget_window, requests_per_minute, tokens_per_minute, arms, aliases
    )
    key_id, whole, digest = _made()
    key = Key(
        key_id,
        name,
        tenant or name,
        digest,
        admin=admin,
        created_at=now,
        expires_at=None if expires is None else _moment(expires, now),
        **limits,
    )
    _file(settings).add(key)
    _hand_out(key, whole, as_json)


@app.command("list")
def list_(config: Config = None, store: Store = None, as_json: AsJson = False) -> None:
    """Show every key, with what it has spent.

    Revoked and expired keys are shown too. What was spent is told by the log.
    """
    from metallm.cli.keys_view import described, shown, spending_of

    settings = read_settings(config, store=store)
    keys = _file(settings).all()
    spent = spending_of(settings, keys, _now())
    if as_json:
        for key in keys:
            put_json(described(key, spent.get(key.id)))
    elif keys:
        shown(keys, spent, _now())
    else:
        tell("there are no keys: 'metallm keys add NAME' makes one")


@app.command()
def revoke(name: Name, config: Config = None) -> None:
    """Take a key out of force, for good. A running gateway refuses it within a second."""
    file = _file(read_settings(config))
    key = file.find(name)
    file.put(replace(key, revoked_at=_now()))
    tell(f"key {key.id} ({key.name}) is revoked")


@app.command()
def rotate(name: Name, config: Config = None, as_json: AsJson = False) -> None:
    """Give a key a new secret; the old one is refused from then on. Its limits stay as they are."""
    file = _file(read_settings(config))
    key = file.find(name)
    _, whole, digest = _made(key.id)
    file.put(replace(key, digest=digest))
    _hand_out(key, whole, as_json)


@app.command()
def change(
    name: Name,
    budget: BudgetUsd = None,
    budget_window: BudgetWindow = None,
    requests_per_minute: RequestsPerMinute = None,
    tokens_per_minute: TokensPerMinute = None,
    arms: Arms = None,
    aliases: Aliases = None,
    expires: Expires = None,
    config: Config = None,
) -> None:
    """Change what a key may do; what is not named stays. A running gateway follows in a second."""
    settings = read_settings(config)
    file = _file(settings)
    key = file.find(name)
    changes = _given(
        settings,
        budget,
        budget_window,
        requests_per_minute,
        tokens_per_minute,
        arms,
        aliases,
        before=key.budget,
    )
    if expires is not None:
        changes["expires_at"] = _moment(expires, _now())
    file.put(replace(key, **changes))
    tell(f"key {key.id} ({key.name}) is changed" if changes else "nothing was named to change")


def _given(
    settings: Settings,
    budget: str | None,
    budget_window: str | None,
    requests_per_minute: str | None,
    tokens_per_minute: str | None,
    arms: str | None,
    aliases: str | None,
    before: Budget | None = None,
) -> dict[str, Any]:
    """Fields of a key, of what was named alone."""
    found: dict[str, Any] = {}
    if budget is not None or budget_window is not None:
        found["budget"] = _budget(budget, budget_window, before)
    if requests_per_minute is not None:
        found["requests_per_minute"] = _number("--requests-per-minute", requests_per_minute)
    if tokens_per_minute is not None:
        found["tokens_per_minute"] = _number("--tokens-per-minute", tokens_per_minute)
    if arms is not None:
        models = [each.name for each in settings.embeddings]
        found["arms"] = _names("arm", arms, [*(each.name for each in settings.arms), *models])
    if aliases is not None:
        found["aliases"] = _names("alias", aliases, [each.name for each in settings.aliases])
    return found


def _budget(usd: str | None, window: str | None, before: Budget | None) -> Budget | None:
    from metallm.core.budget import Budget
    from metallm.errors import ConfigurationError

    amount = _number("--budget", usd) if usd is not None else before and before.usd
    if amount is None:
        if usd is None or window is not None:
            raise ConfigurationError("--budget-window needs a --budget")
        return None
    return Budget(amount, window or (before.window if before else "total"))  # type: ignore[arg-type]


def _number(option: str, text: str) -> float | None:
    from metallm.errors import ConfigurationError

    if text == NONE:
        return None
    try:
        return float(text)
    except ValueError as error:
        raise ConfigurationError(f"{option} takes a number or {NONE!r}, not {text!r}") from error


def _names(what: str, text: str, known: list[str]) -> tuple[str, ...]:
    """Names between commas; those of the settings, where these have any."""
    from metallm.errors import ConfigurationError

    if text == NONE:
        return ()
    names = tuple(filter(None, (each.strip() for each in text.split(","))))
    for name in names:
        if known and name not in known:
            raise ConfigurationError(f"no {what} is called {name!r}; there are: {', '.join(known)}")
    if not names:
        raise ConfigurationError(f"name at least one {what}, or {NONE!r}")
    return names


def _moment(text: str, now: float) -> float | None:
    """POSIX seconds of a date, or of so many days from now."""
    from datetime import UTC, datetime

    from metallm.errors import ConfigurationError

    if text == NONE:
        return None
    days = text.removesuffix("d")
    if days != text and days.isdecimal():
        return now + 86400.0 * int(days)
    try:
        moment = datetime.fromisoformat(text)
    except ValueError as error:
        raise ConfigurationError(
            f"--expires takes a date as 2027-01-31, days as 90d, or {NONE!r}, not {text!r}"
        ) from error
    return (moment if moment.tzinfo else moment.replace(tzinfo=UTC)).timestamp()


def _made(key_id: str | None = None) -> tuple[str, str, bytes]:
    """A new key: its id, all of it, and its digest."""
    import secrets

    from metallm.core.key import ID_BYTES, SECRET_BYTES, digest_of, written

    key_id = key_id or secrets.token_hex(ID_BYTES)
    whole = written(key_id, secrets.token_hex(SECRET_BYTES))
    return key_id, whole, digest_of(whole)


def _hand_out(key: Key, whole: str, as_json: bool) -> None:
    if as_json:
        put_json({"id": key.id, "name": key.name, "tenant": key.tenant, "key": whole})
        return
    tell(f"key {key.id} ({key.name}), tenant {key.tenant}; it is shown this once:")
    put(whole)


def _file(settings: Settings) -> KeyFile:
    from metallm.store.keys import KeyFile

    return KeyFile(settings.gateway.keys)


def _now() -> float:
    import time

    return time.time()
