"""What every table of the settings is."""

from __future__ import annotations

from pydantic import BaseModel, ConfigDict


class Section(BaseModel):
    """A table of the settings: frozen, and of known keys alone."""

    model_config = ConfigDict(frozen=True, extra="forbid")
