"""What tokens cost, and what one answer cost."""

from __future__ import annotations

from dataclasses import dataclass, replace


@dataclass(frozen=True, slots=True)
class Usage:
    """Tokens that a provider billed for one answer, normalised once at the wire.

    Args:
        input_tokens: all input tokens, those read from or written to a cache included.
        output_tokens: all output tokens, reasoning included.
        cached_tokens: the part of the input that was read from the provider's cache.
        cache_write_tokens: the part of the input that was written to the provider's cache.
        reasoning_tokens: the part of the output that was reasoning.
        estimated: True where the provider sent no usage and the numbers are our guess.
        cache_write_1h_tokens: the part of `cache_write_tokens` that is kept for an hour.
        service: by which service it was answered, such as "flex" or "priority", in the provider's
            word; None where it does not say.
    """

    input_tokens: int
    output_tokens: int
    cached_tokens: int = 0
    cache_write_tokens: int = 0
    reasoning_tokens: int = 0
    estimated: bool = False
    cache_write_1h_tokens: int = 0
    service: str | None = None


STANDARD_SERVICES = frozenset({"auto", "default", "standard"})
"""What providers call the service that list prices are for."""


@dataclass(frozen=True, slots=True)
class Tier:
    """What calls with a long input cost, all of their tokens, in USD per million.

    Args:
        above: input tokens, cached ones included, beyond which these prices hold.
        input, output, cache_read, cache_write, cache_write_1h: as in `Price`.
    """

    above: int
    input: float
    output: float
    cache_read: float | None = None
    cache_write: float | None = None
    cache_write_1h: float | None = None


@dataclass(frozen=True, slots=True)
class Price:
    """List price in USD per million tokens.

    Args:
        input: plain input.
        output: output, reasoning included.
        cache_read: input read from the provider's cache; None bills it as plain input.
        cache_write: input written to the provider's cache; None bills it as plain input.
        cache_write_1h: input written to it to be kept for an hour; None bills it as `cache_write`.
        tiers: what longer calls cost, the shorter first.
        services: what calls by other services than the standard one cost, as factors of these
            prices by the services' names; None where these prices hold for any.
    """

    input: float
    output: float
    cache_read: float | None = None
    cache_write: float | None = None
    cache_write_1h: float | None = None
    tiers: tuple[Tier, ...] = ()
    services: tuple[tuple[str, float], ...] | None = None

    def factor(self, service: str | None) -> float | None:
        """What a service costs beside these prices; None where that is unknown."""
        if service is None or self.services is None:
            return 1.0
        known = dict(self.services).get(service)
        return 1.0 if known is None and service in STANDARD_SERVICES else known

    def tells(self, usage: Usage) -> bool:
        """Whether the bill is known to the cent, by usage and service."""
        return not usage.estimated and self.factor(usage.service) is not None

    def at(self, input_tokens: float) -> Price:
        """What holds for all tokens of a call with so many input tokens."""
        if not self.tiers:
            return self
        tier = next((each for each in reversed(self.tiers) if input_tokens > each.above), None)
        if tier is None:
            return replace(self, tiers=())
        return Price(
            tier.input, tier.output, tier.cache_read, tier.cache_write, tier.cache_write_1h
        )

    def most_usd(self, input_tokens: int, output_tokens: int) -> float:
        """The most that a call of at most so many tokens can cost.

        Every input token counts at the dearest of the input prices: writing to a cache may cost
        more than reading plainly.
        """
        reached = [each.above + 1 for each in self.tiers if input_tokens > each.above]
        prices = [self.at(length) for length in (0, *reached)]
        dearest = max((factor for _, factor in self.services or ()), default=1.0)
        return max(dearest, 1.0) * max(
            (input_tokens * each.dearest_input + output_tokens * each.output) / 1e6
            for each in prices
        )

    @property
    def dearest_input(self) -> float:
        """The dearest price of an input token, read or written; tiers apart."""
        given = (self.input, self.cache_read, self.cache_write, self.cache_write_1h)
        return max(each for each in given if each is not None)

    def cost_usd(self, usage: Usage) -> float:
        """The bill in USD for one answer: each token billed once, at its own price.

        Of a service whose price is unknown it is the standard one's, see `tells`.
        """
        if self.tiers or self.services:
            factor = self.factor(usage.service)
            by_length = replace(self.at(usage.input_tokens), services=None)
            return (1.0 if factor is None else factor) * by_length.cost_usd(usage)
        plain = usage.input_tokens - usage.cached_tokens - usage.cache_write_tokens
        read = self.input if self.cache_read is None else self.cache_read
        write = self.input if self.cache_write is None else self.cache_write
        hour = write if self.cache_write_1h is None else self.cache_write_1h
        total = (
            max(plain, 0) * self.input
            + usage.cached_tokens * read
            + (usage.cache_write_tokens - usage.cache_write_1h_tokens) * write
            + usage.cache_write_1h_tokens * hour
            + usage.output_tokens * self.output
        )
        return total / 1e6


STANDARD_OUTPUT_TOKENS = 64
"""Output of a standard answer: only a start, the true length is learned per arm."""


def list_cost_usd(price: Price, input_tokens: float) -> float:
    """USD of a standard answer to a query of so many input tokens, at list price."""
    price = price.at(input_tokens)
    return (input_tokens * price.input + STANDARD_OUTPUT_TOKENS * price.output) / 1e6
