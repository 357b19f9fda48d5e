"""How keys are shown: never with their secret, nor with what is kept of it."""

from __future__ import annotations

from contextlib import closing
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

from metallm.cli.configured import open_log
from metallm.cli.console import put_table, tell, usd
from metallm.core.ledger import as_usd
from metallm.errors import StoreError

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from metallm.core.key import Key
    from metallm.settings import Settings


def spending_of(settings: Settings, keys: Sequence[Key], now: float) -> Mapping[str, float]:
    """USD of each key in its budget's window, or ever, by the log; nothing where there is none.

    Args:
        settings: name the log.
        keys: whose spending is asked for.
        now: POSIX seconds.
    """
    if not (settings.store.path and Path(settings.store.path).is_file()):
        return {}
    try:
        with closing(open_log(settings)) as log:
            since = {key.id: key.budget.since(now) if key.budget else 0.0 for key in keys}
            return {name: as_usd(log.spent_nano("key", name, at)) for name, at in since.items()}
    except StoreError as error:
        tell(f"what was spent is not known: {error}")
        return {}


def described(key: Key, spent_usd: float | None) -> dict[str, Any]:
    """A key as plain values."""
    budget = key.budget
    return {
        "id": key.id,
        "name": key.name,
        "tenant": key.tenant,
        "admin": key.admin,
        "budget_usd": None if budget is None else budget.usd,
        "budget_window": None if budget is None else budget.window,
        "spent_usd": spent_usd,
        "requests_per_minute": key.requests_per_minute,
        "tokens_per_minute": key.tokens_per_minute,
        "arms": list(key.arms),
        "aliases": list(key.aliases),
        "created_at": key.created_at,
        "expires_at": key.expires_at,
        "revoked_at": key.revoked_at,
    }


def shown(keys: Sequence[Key], spent: Mapping[str, float], now: float) -> None:
    """All keys as a table."""
    from rich.markup import escape
    from rich.table import Table

    table = Table("id", "name", "tenant", "may", "spent", "per minute", "made", "state")
    for key in keys:
        table.add_row(
            key.id,
            escape(key.name),
            escape(key.tenant),
            escape(_may(key)),
            _spent(key, spent.get(key.id)),
            _per_minute(key),
            _day(key.created_at),
            _state(key, now),
        )
    put_table(table)


def _may(key: Key) -> str:
    parts = ["admin"] if key.admin else []
    parts += [f"ask for {', '.join(key.aliases)}"] if key.aliases else []
    parts += [f"be answered by {', '.join(key.arms)}"] if key.arms else []
    return "; ".join(parts) or "all models"


def _spent(key: Key, spent: float | None) -> str:
    told = "-" if spent is None else usd(spent)
    if key.budget is None:
        return told
    window = "" if key.budget.window == "total" else f" a {key.budget.window}"
    return f"{told} of {usd(key.budget.usd)}{window}"


def _per_minute(key: Key) -> str:
    limits = (("requests", key.requests_per_minute), ("tokens", key.tokens_per_minute))
    return ", ".join(f"{limit:g} {what}" for what, limit in limits if limit is not None) or "-"


def _state(key: Key, now: float) -> str:
    if key.revoked_at is not None:
        return f"revoked {_day(key.revoked_at)}"
    if key.expires_at is None:
        return "in force"
    return f"{'expired' if key.expires_at <= now else 'until'} {_day(key.expires_at)}"


def _day(at: float) -> str:
    return datetime.fromtimestamp(at, tz=UTC).strftime("%Y-%m-%d")
