"""What a client asks for one answer, read from the body."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from metallm.core.query import Query
from metallm.gateway.hints import Hints
from metallm.gateway.naming import AUTO, Meant
from metallm.gateway.reading import FieldError, flag_field, only_fields, text_field

if TYPE_CHECKING:
    from starlette.datastructures import Headers

    from metallm.core.completion import ChatRequest
    from metallm.gateway.naming import Names
    from metallm.wire.base import Face

EXTENSION = "metallm"
"""The field of the body that is for us and not for the arm."""


@dataclass(frozen=True, slots=True)
class Asked:
    """One completion that was asked for.

    Args:
        query: what is routed on.
        request: what is sent upstream, unknown fields too.
        named: the arm that the client named; None where the router is to choose.
        hints: what the client says about the choice.
        stream: whether it wants events.
        model: what the client asked for.
        meant: what that means.
    """

    query: Query
    request: ChatRequest
    named: str | None
    hints: Hints
    stream: bool
    model: str
    meant: Meant

    @property
    def cost_weight(self) -> float | None:
        """p: the client's, or else the alias's."""
        alias = self.meant.alias
        given = self.hints.cost_weight
        return alias.cost_weight if given is None and alias is not None else given

    @property
    def min_quality(self) -> float | None:
        """The alias's least acceptable quality; None for none."""
        return None if self.meant.alias is None else self.meant.alias.min_quality


def read_asked(body: dict[str, Any], headers: Headers, face: Face, names: Names) -> Asked:
    """Read a body; only what we must know is looked at.

    Args:
        body: the client's; our own field is taken out of it.
        headers: the client's.
        face: reads the wire that it speaks.
        names: finds the arm that the model names.

    Raises:
        UnknownArmError: the model is neither "auto" nor an arm.
        InputError: a field of ours of the wrong kind, or no query to route on.
    """
    model = text_field(body, "model")
    if model is None:
        raise FieldError("model", f"is missing: ask for {AUTO!r} or for an arm by its name")
    meant = names.meaning(model)
    named = meant.arm
    extension = body.pop(EXTENSION, None)
    hints = _hints(extension, headers, named=named is not None)
    request, stream = face.read_request(body, headers), flag_field(body, "stream")
    if not isinstance(request.body.get("messages"), list):
        raise FieldError("messages", "must be a list of messages")
    task = hints.task or meant.task or (None if meant.alias is None else meant.alias.task)
    query = Query.of(request.body["messages"], task=task)
    return Asked(query, request, named, hints, stream, model, meant)


def _hints(extension: object, headers: Headers, *, named: bool) -> Hints:
    if extension is None:
        extension = {}
    if not isinstance(extension, dict):
        raise FieldError(EXTENSION, "must be an object")
    prefix = f"{EXTENSION}."
    only_fields(extension, Hints.FIELDS, prefix)
    hints = Hints.read(extension, headers.raw, prefix)
    if named and hints.arms is not None:
        raise FieldError(f"{prefix}arms", f"can only be given with the model {AUTO!r}")
    return hints
