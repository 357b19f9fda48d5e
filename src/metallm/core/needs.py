"""What a query can ask of an arm beside text, in one word each; an arm says which it lacks."""

from __future__ import annotations

TOOLS = "tools"
IMAGES = "images"
AUDIO = "audio"
FILES = "files"
JSON_SCHEMA = "json_schema"
LOGPROBS = "logprobs"
REASONING = "reasoning"
SEVERAL = "several_answers"
STREAMING = "streaming"

NEEDS = frozenset(
    {TOOLS, IMAGES, AUDIO, FILES, JSON_SCHEMA, LOGPROBS, REASONING, SEVERAL, STREAMING}
)
