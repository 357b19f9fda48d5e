"""What is wrong with settings, in words that say how to mend it."""

from __future__ import annotations

from difflib import get_close_matches
from typing import TYPE_CHECKING, Any, get_args

from pydantic import BaseModel

if TYPE_CHECKING:
    from pydantic import ValidationError
    from pydantic_core import ErrorDetails


def told(error: ValidationError, settings: type[BaseModel]) -> str:
    """The mistakes without the values, which may be keys.

    Args:
        error: what was found.
        settings: what was read into.
    """
    found = error.errors(include_input=False, include_url=False)
    lines = [f"{'.'.join(map(str, detail['loc']))}: {_mend(detail, settings)}" for detail in found]
    return f"have {len(lines)} mistake(s): " + "; ".join(lines)


def _mend(detail: ErrorDetails, settings: type[BaseModel]) -> str:
    if detail["type"] != "extra_forbidden":
        return detail["msg"].removeprefix("Value error, ")
    *place, wrong = detail["loc"]
    known = _keys(settings, place)
    near = get_close_matches(str(wrong), known, 1)
    if near:
        return f"there is no such setting; {near[0]!r} is meant, perhaps"
    return f"there is no such setting here; there are {', '.join(known)}"


def _keys(model: type[BaseModel], place: list[str | int]) -> list[str]:
    """What may stand at a place of the settings."""
    for part in place:
        if isinstance(part, str):
            model = _model_in(model.model_fields[part].annotation) or model
    return sorted(model.model_fields)


def _model_in(annotation: Any) -> type[BaseModel] | None:
    """The table that a field is, or is a list of."""
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        return annotation
    inner = (_model_in(each) for each in get_args(annotation))
    return next((each for each in inner if each is not None), None)
