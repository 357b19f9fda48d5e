"""The most that a call can cost, known before it is made.

Input: no tokenizer in use makes more tokens of a text than it has bytes in UTF-8, for each token
stands for a byte at least; some normalise the text first (NFKC), which may lengthen it. So the
bytes of the request's JSON bound the tokens of what we send. What a host adds of its own (the
chat's template, a default system prompt, words around a JSON schema) is nowhere promised: `ADDED`
allows for the longest default prompt known, of some 600 tokens, and for as much again. Where a bill
shows more than a bound, `Bounds` learns it.

Output: what the request's token limit says, reasoning included. A request without a limit gets one.

Note: The bound is in tokens and at the arm's price. A fee that is not in tokens is not in it, so
arms with tools, searches or other media among their options are refused, and requests with tools
that the host runs itself.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

from metallm.core.ledger import nano_usd
from metallm.errors import ConfigurationError, InputError
from metallm.providers.measures import NOT_IN_TOKENS, measured, most_tokens
from metallm.wire.merging import merged, over

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from metallm.core.arm import Arm
    from metallm.core.completion import ChatRequest
    from metallm.core.price import Price, Usage

ADDED = 1024
"""Tokens that a host may add to a call: some models' templates bring a system prompt along."""

ADDED_BY_MAKER = 128
"""The same where a model's maker serves it, and bills what was sent."""

MAKERS = frozenset({"anthropic", "gemini", "openai"})

ADDED_PER_MESSAGE = 16
"""Tokens that a host may add to each message."""

ADDED_FOR_SCHEMA = 512
"""Tokens that a host may add to a call that is held to a JSON schema."""

LIMITS = ("max_completion_tokens", "max_tokens")
"""Fields that limit the output of a call."""


@dataclass(frozen=True, slots=True)
class Bound:
    """The most tokens of one call.

    Args:
        input_tokens: of all that is sent, and of what the host adds.
        output_tokens: of all choices, reasoning included.
    """

    input_tokens: int
    output_tokens: int

    def nano_usd(self, price: Price) -> int:
        """The most that the call can cost, in nano-USD."""
        usd = price.most_usd(self.input_tokens, self.output_tokens)
        # one more, for a bill sums the same numbers in another order
        return nano_usd(usd) + 1


class Bounds:
    """Bounds of calls; they widen where a bill shows that a host adds more than was allowed for.

    Args:
        output_tokens: the limit of calls that bring none.
    """

    def __init__(self, output_tokens: int) -> None:
        self.output_tokens = output_tokens
        self._seen_over: dict[str, Bound] = {}

    def limited(self, arm: Arm, request: ChatRequest) -> ChatRequest:
        """The request with a limit of its output: its own, the arm's, or ours."""
        sent = over(arm, request.body)
        if any(sent.get(name) is not None for name in LIMITS):
            return request
        if request.native is not None and request.native.bound:
            raise InputError("under a budget this request needs a limit of its answer's tokens")
        most = min(self.output_tokens, arm.max_output_tokens or self.output_tokens)
        # what the caller wrote in a wire of its own has no limit: its translation gets one
        return replace(request, body={**request.body, _limit_of(arm): most}, native=None)

    def bound(self, arm: Arm, request: ChatRequest) -> Bound:
        """The most tokens of a call.

        Args:
            arm: who is asked.
            request: what `limited` gave.

        Raises:
            InputError: parts, tools or fields that have no bound.
            ConfigurationError: a limit that is no number.
        """
        merged_request = replace(request, body=merged(arm, request))
        return self._bound(arm, merged_request.body, most_tokens(merged_request))

    def dearest(self, arms: Sequence[Arm], request: ChatRequest) -> dict[str, int]:
        """The most that a call of each arm can cost, nano-USD by name; never less than `bound`'s.

        The request is measured once for all. Arms that have no price are left out.

        Args:
            arms: those that may be asked.
            request: before it is limited.

        Raises:
            InputError, ConfigurationError: as `bound`.
        """
        size, found = most_tokens(request), {}
        for arm in arms:
            price = arm.list_price
            if price is None:
                continue
            limited = self.limited(arm, request)
            body = merged(arm, limited)
            # what is merged in, and the limit
            more, _ = measured({**arm.options, "model": arm.upstream_model, LIMITS[0]: 10**12})
            if (form := body.get("response_format")) is not None:
                more += measured({"response_format": form})[0]
            found[arm.name] = self._bound(arm, body, size + more).nano_usd(price)
        return found

    def _bound(self, arm: Arm, body: Mapping[str, Any], sent: int) -> Bound:
        """The bound of a merged body of so many input tokens."""
        messages = body.get("messages") or ()
        added = ADDED_BY_MAKER if _by_maker(arm) else ADDED
        added += ADDED_PER_MESSAGE * len(messages)
        added += ADDED_FOR_SCHEMA * (body.get("response_format") is not None)
        over = self._seen_over.get(arm.name, Bound(0, 0))
        return Bound(
            sent + added + over.input_tokens,
            _limit(arm, body) * _choices(arm, body) + over.output_tokens,
        )

    def learn(self, arm: str, bound: Bound, usage: Usage) -> bool:
        """Widen the bounds of an arm where a bill passed one.

        Returns:
            Whether it did.
        """
        more_in = max(usage.input_tokens - bound.input_tokens, 0)
        more_out = max(usage.output_tokens - bound.output_tokens, 0)
        if not (more_in or more_out):
            return False
        known = self._seen_over.get(arm, Bound(0, 0))
        # twice: one bill does not show the worst
        self._seen_over[arm] = Bound(
            known.input_tokens + 2 * more_in, known.output_tokens + 2 * more_out
        )
        return True


def unbounded(arm: Arm) -> str | None:
    """Why no budget can be held with an arm, in words; None where it can."""
    if arm.list_price is None:
        return "its price is unknown: give input_price and output_price (USD per million tokens)"
    extra = [name for name in NOT_IN_TOKENS if arm.options.get(name)]
    if extra:
        return f"its options hold {', '.join(extra)}, whose cost has no bound in tokens"
    if _limit_of(arm) in arm.ignores:
        return "it ignores max_tokens, so that nothing bounds its answers"
    return None


def _limit_of(arm: Arm) -> str:
    """The field that limits an arm's output."""
    # OpenAI's own models that reason refuse the older name, many other hosts the newer one
    return LIMITS[0] if arm.provider == "openai" and _by_maker(arm) else LIMITS[1]


def _by_maker(arm: Arm) -> bool:
    return arm.provider in MAKERS and arm.base_url is None


def _limit(arm: Arm, body: Mapping[str, Any]) -> int:
    given = [body[name] for name in LIMITS if body.get(name) is not None]
    limits = [each for each in given if isinstance(each, int) and each > 0]
    if not given or limits != given:
        raise ConfigurationError(
            f"arm {arm.name!r}: max_tokens must be a number of tokens, 1 or more, not {given!r}"
        )
    return max(limits)


def _choices(arm: Arm, body: Mapping[str, Any]) -> int:
    count = max(body.get("n") or 1, body.get("best_of") or 1)
    if not isinstance(count, int) or count < 1:
        raise ConfigurationError(f"arm {arm.name!r}: n must be a whole number, not {count!r}")
    return count
