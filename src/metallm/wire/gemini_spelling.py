"""Names of fields as Google's APIs take them: mimeType, and mime_type as well."""

from __future__ import annotations

import re
from typing import Any

_JOINT = re.compile(r"_([a-z])")


def spelled(told: dict[str, Any]) -> dict[str, Any]:
    """An object with its fields in camel case; what they hold stays as it is."""
    if not any("_" in name for name in told):
        return told
    return {_JOINT.sub(lambda found: found[1].upper(), name): each for name, each in told.items()}
