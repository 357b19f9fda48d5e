"""Checks what AWS's clients sign their requests with (SigV4), as AWS would.

It is written from the documents alone, and shares no code with what signs our own requests.

Source: https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_sigv-create-signed-request.html
"""

from __future__ import annotations

import hmac
import re
from hashlib import sha256
from typing import TYPE_CHECKING
from urllib.parse import quote

if TYPE_CHECKING:
    from collections.abc import Mapping

KNOWN: Mapping[str, str] = {"sandbox": "sandbox"}
"""Secret by access key."""

_ALGORITHM = "AWS4-HMAC-SHA256"
_AUTHORIZATION = re.compile(
    rf"{_ALGORITHM} Credential=(?P<key>[^/]+)/(?P<scope>(?P<date>\d{{8}})/(?P<region>[^/]+)"
    r"/(?P<service>[^/]+)/aws4_request), ?SignedHeaders=(?P<names>[^,]+), ?"
    r"Signature=(?P<signature>[0-9a-f]{64})"
)
_ALWAYS = {"host", "x-amz-date"}


def problem(
    path: str,
    headers: Mapping[str, str],
    body: bytes,
    *,
    service: str,
    secrets: Mapping[str, str] = KNOWN,
) -> str | None:
    """Why a POST without a query is refused; None where its signature is right.

    Args:
        path: as it was sent, percent-encoded.
        headers: names in lower case.
        body: the whole of it.
        service: what the signature has to be for.
        secrets: secret by access key.
    """
    told = headers.get("authorization", "")
    if told.removeprefix("Bearer ") in secrets.values() and told.startswith("Bearer "):
        return None
    found = _AUTHORIZATION.fullmatch(told)
    if found is None:
        return "the request is not signed: its Authorization is missing or in no known shape"
    secret = secrets.get(found["key"])
    if secret is None:
        return f"no access key is called {found['key'][:40]!r}; the sandbox knows: " + ", ".join(
            f"{key!r} with the secret {value!r}" for key, value in secrets.items()
        )
    names = found["names"].split(";")
    if found["service"] != service or not _ALWAYS.issubset(names):
        return f"a signature has to be for {service!r} and to cover {', '.join(sorted(_ALWAYS))}"
    signed = _request(path, names, headers, body)
    date = headers.get("x-amz-date", "")
    text = "\n".join([_ALGORITHM, date, found["scope"], sha256(signed.encode()).hexdigest()])
    key = f"AWS4{secret}".encode()
    for part in (found["date"], found["region"], found["service"], "aws4_request", text):
        key = hmac.digest(key, part.encode(), "sha256")
    if not date.startswith(found["date"]) or not hmac.compare_digest(key.hex(), found["signature"]):
        return "the signature does not fit the request: check the secret and what was signed"
    return None


def _request(path: str, names: list[str], headers: Mapping[str, str], body: bytes) -> str:
    """The request as it is signed: the path encoded once more, headers with single blanks."""
    told = "".join(f"{name}:{' '.join(headers.get(name, '').split())}\n" for name in names)
    payload = sha256(body).hexdigest()
    return "\n".join(["POST", quote(path, safe="/-_.~"), "", told, ";".join(names), payload])
