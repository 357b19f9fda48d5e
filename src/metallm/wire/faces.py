"""The faces by name: the one list of what callers can speak."""

from __future__ import annotations

from typing import TYPE_CHECKING

from metallm.wire.anthropic_face import AnthropicFace
from metallm.wire.bedrock_face import BedrockFace
from metallm.wire.gemini_face import GeminiFace
from metallm.wire.openai_face import OpenAIFace
from metallm.wire.responses_face import ResponsesFace

if TYPE_CHECKING:
    from collections.abc import Mapping

    from metallm.wire.base import Face

FACES: Mapping[str, Face] = {
    face.name: face
    for face in (OpenAIFace(), AnthropicFace(), GeminiFace(), BedrockFace(), ResponsesFace())
}
