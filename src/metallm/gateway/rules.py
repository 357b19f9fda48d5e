"""What a gateway allows and keeps, beside what its router is."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from metallm.gateway.aliases import Alias
from metallm.providers.bounds import Bounds
from metallm.providers.prices import priced

if TYPE_CHECKING:
    from metallm.core.arm import Arm
    from metallm.gateway.embeddings import Poster
    from metallm.gateway.keyring import Keyring
    from metallm.settings import Settings

MIB = 2**20

MAX_TOKENS = 4096


@dataclass(frozen=True, slots=True)
class CacheRules:
    """Answers given again to the same request of the same tenant.

    Args:
        ttl_s: seconds that an answer is kept; 0 for none.
        max_bytes: memory for answers.
        any_temperature: also where the request does not say temperature = 0.
    """

    ttl_s: float = 0.0
    max_bytes: int = 64 * MIB
    any_temperature: bool = False


@dataclass(frozen=True, slots=True)
class Rules:
    """The rules of one gateway.

    Args:
        keyring: the clients' keys; None for a gateway that never asks for any. Where keys have
            budgets, the router's provider has to charge (`assembly.charged.charged_provider`).
        local: without keys, answer only to names of this machine.
        aliases: names to ask for in place of a model.
        bounds: what calls can cost at most, shared with the provider that charges.
        heartbeat_s: seconds between signs of life while a stream has not begun; 0 for none.
        repeat_ttl_s: seconds that an answer is kept for a repeated Idempotency-Key; 0 for none.
        repeat_bytes: memory for such answers.
        cache: of answers.
        embeddings: models that are asked for by name alone.
        poster: calls their hosts; closed with the gateway.
    """

    keyring: Keyring | None = None
    local: bool = False
    aliases: tuple[Alias, ...] = ()
    bounds: Bounds = field(default_factory=lambda: Bounds(MAX_TOKENS))
    heartbeat_s: float = 15.0
    repeat_ttl_s: float = 600.0
    repeat_bytes: int = 64 * MIB
    cache: CacheRules = CacheRules()
    embeddings: tuple[Arm, ...] = ()
    poster: Poster | None = None

    @classmethod
    def of(
        cls,
        settings: Settings,
        keyring: Keyring,
        bounds: Bounds,
        *,
        local: bool,
        poster: Poster | None = None,
    ) -> Rules:
        """The rules that the settings describe; the rest as above."""
        gateway, cache = settings.gateway, settings.cache
        return cls(
            keyring,
            local,
            tuple(Alias.of(each) for each in settings.aliases),
            bounds,
            gateway.heartbeat_s,
            gateway.repeat_ttl_s,
            int(gateway.repeat_mib * MIB),
            CacheRules(cache.ttl_s, int(cache.max_mib * MIB), cache.any_temperature),
            tuple(priced(each.arm(), output_price=0.0) for each in settings.embeddings),
            poster,
        )
