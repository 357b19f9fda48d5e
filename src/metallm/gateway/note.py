"""What one request leaves behind for its log line and its counts."""

from __future__ import annotations

import re
import time
from dataclasses import dataclass
from typing import TYPE_CHECKING
from uuid import UUID

from metallm.core.key import PREFIX
from metallm.ids import random_id

if TYPE_CHECKING:
    from starlette.requests import Request
    from starlette.types import Scope

    from metallm.gateway.limits import KeyLimits

KEY = "metallm.note"
"""Where a request's scope holds its note."""

MAX_ID_CHARACTERS = 128

_UUID = re.compile(r"[0-9a-f]{8}-?(?:[0-9a-f]{4}-?){3}[0-9a-f]{12}", re.IGNORECASE)


@dataclass(slots=True)
class Note:
    """Filled while a request is answered.

    Args:
        request_id: the client's, or a new one.
        started: seconds of a clock that only grows.
        kind: which endpoint, such as "chat".
        status: HTTP status; 0 until the answer starts.
        decision_id: the decision, where one was taken.
        arm: the arm that answered.
        key: id of the client's key.
        tenant: whose key it is.
        limits: of the key; the answer's headers tell of them.
        broken: the answer began with 200 and ended with an error.
    """

    request_id: str
    started: float
    kind: str = "other"
    status: int = 0
    decision_id: str | None = None
    arm: str | None = None
    key: str | None = None
    tenant: str | None = None
    limits: KeyLimits | None = None
    broken: bool = False

    @classmethod
    def of_scope(cls, scope: Scope) -> Note:
        """A new note for a request; a request id that the client sent is kept where it is sane."""
        sent = next((value for name, value in scope["headers"] if name == b"x-request-id"), b"")
        text = sent.decode("latin-1")
        sane = 0 < len(text) <= MAX_ID_CHARACTERS and text.isascii() and text.isprintable()
        sane = sane and PREFIX not in text  # no key gets into a log by this door
        return cls(text if sane else str(UUID(random_id(), version=4)), time.perf_counter())

    def ids_for_hosts(self) -> dict[str, str]:
        """The headers by which hosts are told the request's id.

        There are hosts that refuse an x-request-id which is no UUID, such as llama-cpp-python's
        server; the other name, OpenAI's, may hold anything.
        """
        told = {"x-client-request-id": self.request_id}
        if _UUID.fullmatch(self.request_id):
            told["x-request-id"] = self.request_id
        return told

    def elapsed_s(self) -> float:
        """Seconds since the request came."""
        return time.perf_counter() - self.started


def note_of(request: Request, kind: str) -> Note:
    """The request's note, with the endpoint's kind put in."""
    note: Note = request.scope[KEY]
    note.kind = kind
    return note
