"""Put the arm's name where an answer names the provider's model."""

from __future__ import annotations

from typing import Any

import orjson


def named_answer(document: dict[str, Any], arm: str) -> bytes:
    """A whole answer's bytes, naming the arm.

    Args:
        document: the answer; its model is replaced.
        arm: the arm's name.
    """
    document["model"] = arm
    return orjson.dumps(document)


class ChunkNaming:
    """Names the arm in the chunks of one stream, without reading each of them again.

    All chunks of a stream name the same model, so its spelling is learned from the first. In
    valid JSON a quote within a text is escaped: that spelling cannot be part of what was said.

    Args:
        arm: the arm's name.
    """

    def __init__(self, arm: str) -> None:
        self._arm = arm
        self._field = b'"model":' + orjson.dumps(arm)
        self._spelling: bytes | None = None

    def __call__(self, chunk: bytes) -> bytes:
        """The chunk, naming the arm."""
        if self._spelling is not None and chunk.count(self._spelling) == 1:
            return chunk.replace(self._spelling, self._field)
        return self._slowly(chunk)

    def _slowly(self, chunk: bytes) -> bytes:
        document = orjson.loads(chunk)
        written = orjson.dumps(document.get("model"))
        for blank in (b"", b" "):
            spelling = b'"model":' + blank + written
            if chunk.count(spelling) == 1:
                self._spelling = spelling
        document["model"] = self._arm
        return orjson.dumps(document)
