"""What a host answers in place of a completion, translated once into our tree."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from metallm.errors import (
    ProviderAuthError,
    ProviderError,
    ProviderRateLimitError,
    ProviderRejectedError,
    ProviderUnavailableError,
)
from metallm.providers.retry import AttemptError, read_retry_after_s
from metallm.wire.openai_errors import write_error

if TYPE_CHECKING:
    from collections.abc import Mapping

    from metallm.wire.base import Wire
    from metallm.wire.openai_errors import WireError

MAX_BODY_BYTES = 64 * 1024
MAX_TOLD_CHARACTERS = 200
EXHAUSTED = {"insufficient_quota", "billing_hard_limit_reached"}
"""Codes of a 429 that no waiting mends."""

KEYS_REFUSED = {"API_KEY_INVALID"}
"""Codes of a 400 that mean the key and not the query (so Gemini)."""

PASSING = {408, 409, 424}
"""Statuses below 500 that say nothing of the query: late, in each other's way, a model that failed
(so Bedrock)."""

_KEY_LIKE = re.compile(
    r"\b(?:sk|pk|rk|gsk|xai|fw|tgp|hf|nvapi|pplx|csk)[-_][\w\-.*]{6,}"  # known beginnings
    r"|\bAIza[\w\-]{10,}"
    r"|[\w\-.]{0,40}\*{3,}[\w\-.*]{0,80}"  # a key with stars in its middle
    r"|(?<=Bearer )[\w\-.~+/=]{6,}"
)
_HIDDEN = "[key]"
_MIN_KEY_CHARACTERS = 4


def failure(
    arm: str,
    status: int,
    headers: Mapping[str, str],
    body: bytes,
    *,
    wire: Wire,
    answered_in: str,
    key: str | None,
    now: float,
) -> AttemptError:
    """The error for an HTTP status other than 200.

    Args:
        arm: the arm's name.
        status: HTTP status.
        headers: of the answer.
        body: of the answer; kept, without keys, where the provider refuses the query.
        wire: the arm's.
        answered_in: the wire that a refusal is handed back in.
        key: what was sent as the key, to be hidden.
        now: POSIX seconds.

    Returns:
        What to raise; whether to try again follows the status, or the provider's
        x-should-retry.
    """
    body = redact_bytes(body[:MAX_BODY_BYTES], key)
    told = wire.read_error(body)
    retry_after_s = read_retry_after_s(headers, now)
    if retry_after_s is None:
        retry_after_s = told.retry_after_s
    if answered_in != wire.name:
        kind = told.type or "invalid_request_error"
        body = write_error(told.message, kind=kind, param=told.param, code=told.code)
    error = _error(arm, status, told, body, retry_after_s, answered_in)
    again = status in PASSING or status == 429 or status >= 500
    if told.code in EXHAUSTED or told.type in EXHAUSTED:
        again = False
    wish = headers.get("x-should-retry")
    if wish in {"true", "false"}:
        again = wish == "true"
    return AttemptError(error, again=again, retry_after_s=retry_after_s)


def redact(text: str, key: str | None) -> str:
    """The text without the key and without anything that looks like one."""
    if key and len(key) >= _MIN_KEY_CHARACTERS:
        text = text.replace(key, _HIDDEN)
    return _KEY_LIKE.sub(_HIDDEN, text)


def redact_bytes(body: bytes, key: str | None) -> bytes:
    """`redact` for bytes; all else stays as it is, whatever its encoding."""
    latin = "latin-1"  # every byte is a character of it, and comes back as that byte
    hidden = None if key is None else key.encode().decode(latin)
    return redact(body.decode(latin), hidden).encode(latin)


def _error(
    arm: str,
    status: int,
    told: WireError,
    body: bytes,
    retry_after_s: float | None,
    answered_in: str,
) -> ProviderError:
    words = f": {told.message[:MAX_TOLD_CHARACTERS]}" if told.message else ""
    if status in {401, 402, 403} or told.code in KEYS_REFUSED:
        return ProviderAuthError(
            arm, f"the provider refuses our key ({status}){words}", status=status
        )
    if status == 429:
        return ProviderRateLimitError(
            arm, f"the provider's limit is reached (429){words}", retry_after_s=retry_after_s
        )
    if status in PASSING or status >= 500:
        return ProviderUnavailableError(
            arm, f"the provider failed ({status}){words}", status=status
        )
    if status < 400:
        return ProviderUnavailableError(
            arm, f"the provider answered {status} in place of 200: check base_url", status=status
        )
    # a refusal may quote the query, so its words stay in the body and out of the message
    kind = f"{status}, {told.kind}" if told.kind else f"{status}"
    return ProviderRejectedError(
        arm, f"the provider refuses this query ({kind})", status=status, body=body, wire=answered_in
    )
