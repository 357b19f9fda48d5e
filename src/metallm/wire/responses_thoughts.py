"""Reasoning in OpenAI's Responses: what a provider has signed travels as `encrypted_content`.

Providers that sign their model's thoughts want them back within a call of tools. Clients of this
wire send reasoning back as they got it and look into no `encrypted_content`, so that is where it
goes. Other reasoning is a note for the reader: chat completions take none back.
"""

from __future__ import annotations

import base64
import binascii
from typing import Any

import orjson

from metallm.wire.words import objects

_OURS = "metallm."


def seal(blocks: list[dict[str, Any]]) -> str:
    """Signed thoughts as one text that `unseal` reads.

    Args:
        blocks: as `thinking_blocks` of the canonical form holds them.
    """
    return _OURS + base64.urlsafe_b64encode(orjson.dumps(blocks)).decode()


def unseal(sealed: object) -> list[dict[str, Any]]:
    """Signed thoughts; none where the text is of somebody else's making."""
    if not isinstance(sealed, str) or not sealed.startswith(_OURS):
        return []
    try:
        return objects(orjson.loads(base64.urlsafe_b64decode(sealed[len(_OURS) :])))
    except (binascii.Error, orjson.JSONDecodeError, ValueError):
        return []
