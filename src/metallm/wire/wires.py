"""The wires by name: the one list of what can be spoken upstream."""

from __future__ import annotations

from typing import TYPE_CHECKING

from metallm.wire.anthropic_wire import AnthropicWire
from metallm.wire.bedrock_wire import BedrockWire
from metallm.wire.gemini_wire import GeminiWire
from metallm.wire.openai_wire import OpenAIWire
from metallm.wire.responses_wire import ResponsesWire

if TYPE_CHECKING:
    from collections.abc import Mapping

    from metallm.wire.base import Wire

WIRES: Mapping[str, Wire] = {
    wire.name: wire
    for wire in (OpenAIWire(), AnthropicWire(), GeminiWire(), BedrockWire(), ResponsesWire())
}
