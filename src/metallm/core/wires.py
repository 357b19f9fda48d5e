"""The names of the wires: what an arm, a caller or an answer says that it speaks."""

from __future__ import annotations

OPENAI = "openai"
"""OpenAI's chat completions: the canonical form, between which and the others is translated."""

ANTHROPIC = "anthropic"
"""Anthropic's Messages."""

GEMINI = "gemini"
"""Gemini's generateContent and streamGenerateContent."""

BEDROCK = "bedrock"
"""Amazon Bedrock's Converse and ConverseStream."""

RESPONSES = "openai-responses"
"""OpenAI's Responses."""

NAMES = (OPENAI, ANTHROPIC, GEMINI, BEDROCK, RESPONSES)
