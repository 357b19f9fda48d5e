from __future__ import annotations

import orjson
import pytest

from metallm.wire.openai_naming import ChunkNaming

FIRST = b'{"id":"x","model":"m-1","choices":[]}'


@pytest.mark.parametrize(
    "chunk",
    [
        FIRST,
        b'{"id":"x","model":"m-1","choices":[{"delta":{"content":"\\"model\\":\\"m-1\\""}}]}',
        b'{"id":"x","choices":[{"model":"m-1"}],"model":"m-1"}',
        b'{"id":"x","model":"m-2","choices":[]}',
        b'{"id":"x","model": "m-1","choices":[]}',
        b'{"id":"x","choices":[]}',
        b'{"id":"x","model":null,"choices":[]}',
    ],
)
def test_only_the_model_of_a_chunk_is_changed(chunk: bytes) -> None:
    name = ChunkNaming('odd/"arm"')
    assert orjson.loads(name(FIRST))["model"] == 'odd/"arm"'
    for _ in range(2):
        assert orjson.loads(name(chunk)) == {**orjson.loads(chunk), "model": 'odd/"arm"'}


def test_a_spelling_with_a_blank_is_kept_apart_from_that_alone() -> None:
    name = ChunkNaming("a/b")
    spaced = b'{"id": "x", "model": "m", "n": 1.50}'
    assert orjson.loads(name(spaced))["model"] == "a/b"
    # after the first, the bytes around the model stay as they came
    assert name(spaced) == b'{"id": "x", "model":"a/b", "n": 1.50}'
