"""A key: who may use a gateway, for what, and how much."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from hashlib import blake2b
from typing import TYPE_CHECKING

from metallm.errors import ConfigurationError

if TYPE_CHECKING:
    from metallm.core.budget import Budget

PREFIX = "mlm_"
"""What every key begins with, so that people and scanners of secrets know one when they see it."""

ID_BYTES = 4
SECRET_BYTES = 24
"""192 random bits: nobody guesses them, so a quick hash hides them as well as a slow one would."""

MAX_NAME = 100

_SHAPE = re.compile(rf"{PREFIX}[0-9a-f]{{{2 * ID_BYTES}}}_[0-9a-f]{{{2 * SECRET_BYTES}}}")
LENGTH = len(PREFIX) + 2 * ID_BYTES + 1 + 2 * SECRET_BYTES


@dataclass(frozen=True, slots=True)
class Key:
    """One key, without its secret.

    Args:
        id: public; stands in logs and decisions.
        name: what its owner calls it.
        tenant: whose decisions it sees, and to whom those that it asks for belong.
        digest: of the whole key, by `digest_of`.
        admin: may see all tenants' decisions, judges and metrics.
        budget: what it may spend; None for no limit.
        requests_per_minute: None for no limit.
        tokens_per_minute: input and output together; None for no limit.
        arms: the arms that may answer it; empty for all.
        aliases: the aliases that it may ask for, and then nothing else; empty for all models.
        created_at: POSIX seconds.
        expires_at: POSIX seconds; None for never.
        revoked_at: POSIX seconds; None while it is in force.

    Raises:
        ConfigurationError: a name or tenant that cannot be used, or a limit that is none.
    """

    id: str
    name: str
    tenant: str
    digest: bytes = field(repr=False)
    admin: bool = False
    budget: Budget | None = None
    requests_per_minute: float | None = None
    tokens_per_minute: float | None = None
    arms: tuple[str, ...] = ()
    aliases: tuple[str, ...] = ()
    created_at: float = 0.0
    expires_at: float | None = None
    revoked_at: float | None = None

    def __post_init__(self) -> None:
        for what, text in (("name", self.name), ("tenant", self.tenant)):
            if not (0 < len(text) <= MAX_NAME and text.isprintable() and text == text.strip()):
                raise ConfigurationError(
                    f"a key's {what} has 1 to {MAX_NAME} printable characters, "
                    f"and no blank at either end, not {text[:MAX_NAME]!r}"
                )
        for what in ("requests_per_minute", "tokens_per_minute"):
            limit = getattr(self, what)
            if limit is not None and not 1 <= limit <= 1e12:
                raise ConfigurationError(f"{what} is a number from 1 up, not {limit!r}")


def written(key_id: str, secret: str) -> str:
    """A whole key, as its owner gets it.

    Args:
        key_id: hexadecimal, ID_BYTES long.
        secret: hexadecimal, SECRET_BYTES long.
    """
    return f"{PREFIX}{key_id}_{secret}"


def digest_of(whole: str) -> bytes:
    """What is kept of a key, and what it is found by, 32 bytes."""
    return blake2b(whole.encode(), digest_size=32, person=b"metallm key").digest()


def redacted(text: str) -> str:
    """A text without the secrets of keys that stand in it; their ids stay."""
    if PREFIX not in text:
        return text
    return _SHAPE.sub(lambda found: found[0][: len(PREFIX) + 2 * ID_BYTES] + "_...", text)
