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

ADDED_PER_TEXT = 64
"""Tokens that a host may add to each text to embed: signs around it, an instruction before it."""

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


_NOTHING = Bound(0, 0)


@dataclass(frozen=True, slots=True)
class _Known:
    """What the bounds of an arm's calls have in common.

    Args:
        arm: which one.
        price: its own.
        bytes: of what it merges into a request, at most.
        added: tokens that its host may add.
        plain: whether it is sent what the caller sent, but for the model.
    """

    arm: Arm
    price: Price | None
    bytes: int
    added: int
    plain: bool


@dataclass(frozen=True, slots=True)
class _Plain:
    """What one request comes to with every plain arm.

    Args:
        input_tokens: but for what the arm and its host add.
        limit: tokens of a choice, where the request says.
        choices: how many.
    """

    input_tokens: int
    limit: int | None
    choices: int


class Bounds:
    """Bounds of calls; they widen where a bill shows that a host adds more than was allowed for.

    Args:
        output_tokens: the limit of calls that bring none.
    """

    def __init__(self, output_tokens: int) -> None:
        self.output_tokens = output_tokens
        self._seen_over: dict[str, Bound] = {}
        self._known: dict[str, _Known] = {}

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
        body = merged(arm, request)
        return self._bound(arm, body, most_tokens(request, body))

    def dearest(self, arms: Sequence[Arm], request: ChatRequest) -> dict[str, int]:
        """The most that a call of each arm can cost, nano-USD by name; never less than `bound`'s.

        The request is measured once for all. Arms that have no price are left out.

        Args:
            arms: those that may be asked.
            request: before it is limited.

        Raises:
            InputError, ConfigurationError: as `bound`.
        """
        size = most_tokens(request)
        found: dict[str, int] = {}
        plain: _Plain | None = None
        for arm in arms:
            known = self._known_of(arm)
            if known.price is None:
                continue
            if known.plain:
                plain = plain or self._plain(arm, request, size)
                bound = self._of_plain(known, plain)
            else:
                body = merged(arm, self.limited(arm, request))
                form = body.get("response_format")
                more = 0 if form is None else measured({"response_format": form})[0]
                bound = self._bound(arm, body, size + known.bytes + more)
            found[arm.name] = bound.nano_usd(known.price)
        return found

    def embedding(self, arm: Arm, request: ChatRequest, texts: int) -> Bound:
        """The most tokens of a call that embeds texts.

        Args:
            arm: who is asked.
            request: its body.
            texts: how many.

        Raises:
            InputError: fields that have no bound.
        """
        over = self._seen_over.get(arm.name, _NOTHING)
        return Bound(most_tokens(request) + ADDED_PER_TEXT * texts + over.input_tokens, 0)

    def _plain(self, arm: Arm, request: ChatRequest, size: int) -> _Plain:
        """What is the same for all arms that merge nothing in, looked at with one of them."""
        body = self.limited(arm, request).body
        given = any(request.body.get(name) is not None for name in LIMITS)
        held = body.get("response_format") is not None
        more = ADDED_PER_MESSAGE * len(body.get("messages") or ()) + ADDED_FOR_SCHEMA * held
        limit = _limit(arm, body) if given else None
        return _Plain(size + more, limit, _choices(arm, body))

    def _of_plain(self, known: _Known, plain: _Plain) -> Bound:
        limit = plain.limit
        if limit is None:
            limit = min(self.output_tokens, known.arm.max_output_tokens or self.output_tokens)
        over = self._seen_over.get(known.arm.name, _NOTHING)
        return Bound(
            plain.input_tokens + known.added + known.bytes + over.input_tokens,
            limit * plain.choices + over.output_tokens,
        )

    def _known_of(self, arm: Arm) -> _Known:
        known = self._known.get(arm.name)
        if known is None or known.arm is not arm:
            # what is merged in, and the limit
            sent = measured({**arm.options, "model": arm.upstream_model, LIMITS[0]: 10**12})[0]
            known = self._known[arm.name] = _Known(
                arm,
                arm.list_price,
                sent,
                ADDED_BY_MAKER if _by_maker(arm) else ADDED,
                plain=not (arm.options or arm.ignores or arm.structured),
            )
        return known

    def _bound(self, arm: Arm, body: Mapping[str, Any], sent: int) -> Bound:
        """The bound of a merged body of so many input tokens."""
        messages = body.get("messages") or ()
        added = ADDED_BY_MAKER if _by_maker(arm) else ADDED
        added += ADDED_PER_MESSAGE * len(messages)
        added += ADDED_FOR_SCHEMA * (body.get("response_format") is not None)
        over = self._seen_over.get(arm.name, _NOTHING)
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
        known = self._seen_over.get(arm, _NOTHING)
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
    service = arm.options.get("service_tier")
    if isinstance(service, str) and arm.list_price.factor(service) is None:
        return f"nobody knows what its service {service!r} costs: give service_prices"
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
