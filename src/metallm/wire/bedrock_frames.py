"""Frames of AWS's event streams: bytes to headers and payloads and back.

A frame is its length and that of its headers (4 bytes each) and their checksum, the headers, the
payload, and a checksum of it all. Of headers this wire uses texts alone.

Source: https://smithy.io/2.0/aws/amazon-eventstream.html
"""

from __future__ import annotations

import struct
from typing import TYPE_CHECKING
from zlib import crc32

from metallm.errors import MissingExtraError

if TYPE_CHECKING:
    from collections.abc import Mapping

_TEXT = 7
"""The type of a header that is a text."""

EVENT, EXCEPTION = "event", "exception"
"""What a frame can be, under ":message-type"."""


class FrameError(Exception):
    """Bytes that are no frames."""


class FrameReader:
    """Reads frames from bytes that may be cut anywhere.

    Raises:
        MissingExtraError: botocore, which reads them, is not installed.
    """

    def __init__(self) -> None:
        try:
            from botocore.eventstream import (  # noqa: PLC0415 - an extra, .1 s to import
                EventStreamBuffer,
                ParserError,
            )
        except ImportError as error:
            raise MissingExtraError("botocore", "bedrock") from error
        self._buffer = EventStreamBuffer()
        # beside its own errors: unknown types of headers, texts that are none, lengths too short
        self._broken = (ParserError, KeyError, ValueError, struct.error)

    def feed(self, chunk: bytes) -> list[tuple[Mapping[str, object], bytes]]:
        """Headers and payload of the frames that are complete with these bytes.

        Raises:
            FrameError: they are no frames, or a checksum does not fit.
        """
        self._buffer.add_data(chunk)
        try:
            return [(message.headers, message.payload) for message in self._buffer]
        except self._broken as error:
            raise FrameError(f"bytes that are no frame ({type(error).__name__})") from error


def write_frame(kind: str, payload: bytes, *, message_type: str = EVENT) -> bytes:
    """One frame.

    Args:
        kind: of the event or exception.
        payload: JSON.
        message_type: `EVENT` or `EXCEPTION`.
    """
    told = {
        f":{message_type}-type": kind,
        ":content-type": "application/json",
        ":message-type": message_type,
    }
    headers = b"".join(_header(name, value) for name, value in told.items())
    length = 12 + len(headers) + len(payload) + 4
    prelude = struct.pack("!II", length, len(headers))
    frame = prelude + struct.pack("!I", crc32(prelude)) + headers + payload
    return frame + struct.pack("!I", crc32(frame))


def _header(name: str, value: str) -> bytes:
    named, told = name.encode(), value.encode()
    return struct.pack("!B", len(named)) + named + struct.pack("!BH", _TEXT, len(told)) + told
