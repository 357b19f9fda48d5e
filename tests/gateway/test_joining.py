from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, Sequence
from contextlib import aclosing

import pytest
from hypothesis import given
from hypothesis import strategies as st

from metallm.gateway.joining import MOST_BYTES, joined


class Pieces:
    """Gives pieces; None among them lets everybody else have a turn. It notes how far it came."""

    def __init__(self, pieces: Sequence[bytes | None], error: Exception | None = None) -> None:
        self.given = 0
        self.closed = False
        self._pieces = pieces
        self._error = error

    async def all(self) -> AsyncGenerator[bytes, None]:
        try:
            for piece in self._pieces:
                if piece is None:
                    await asyncio.sleep(0)
                else:
                    self.given += 1
                    yield piece
            if self._error is not None:
                raise self._error
        finally:
            self.closed = True


async def taken(pieces: Pieces) -> list[bytes]:
    return [piece async for piece in joined(pieces.all())]


@given(st.lists(st.none() | st.binary(max_size=5)))
def test_the_bytes_are_the_same_in_as_many_pieces_or_fewer_and_none_is_empty(
    pieces: list[bytes | None],
) -> None:
    got = asyncio.run(taken(Pieces(pieces)))
    assert b"".join(got) == b"".join(piece for piece in pieces if piece)
    assert all(got)
    assert len(got) <= len(pieces)


def test_what_comes_at_once_goes_out_as_one_piece_and_what_comes_later_by_itself() -> None:
    at_once = [b"a", b"b", b"c"]
    assert asyncio.run(taken(Pieces([*at_once, None, None, None, b"d"]))) == [b"abc", b"d"]


def test_nothing_is_held_back_until_more_comes() -> None:
    async def run() -> bytes:
        never = asyncio.Event()

        async def first_and_silence() -> AsyncGenerator[bytes, None]:
            yield b"first"
            await never.wait()

        async with aclosing(joined(first_and_silence())) as pieces, asyncio.timeout(10):
            return await anext(pieces)

    assert asyncio.run(run()) == b"first"


def test_a_reader_that_takes_its_time_holds_the_source_back() -> None:
    async def run() -> int:
        pieces = Pieces([b"x" * 1024] * 1000)
        async with aclosing(joined(pieces.all())) as read:
            await anext(read)
            for _ in range(100):
                await asyncio.sleep(0)
            return pieces.given

    # what the first piece held, and as much again
    assert asyncio.run(run()) == 2 * MOST_BYTES // 1024


def test_an_error_comes_after_all_that_came_before_it() -> None:
    async def run() -> bytes:
        pieces = joined(Pieces([b"a", b"b"], KeyError()).all())
        first = await anext(pieces)
        with pytest.raises(KeyError):
            await anext(pieces)
        return first

    assert asyncio.run(run()) == b"ab"


def test_a_reader_that_leaves_closes_the_source() -> None:
    async def run() -> bool:
        pieces = Pieces([b"a", *[None] * 1000, b"b"])
        async with aclosing(joined(pieces.all())) as read:
            await anext(read)
        return pieces.closed

    assert asyncio.run(run())
