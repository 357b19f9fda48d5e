"""Server-sent events: bytes to data payloads and back. Shared by every wire that streams.

Source: https://html.spec.whatwg.org/multipage/server-sent-events.html
"""

from __future__ import annotations

_BOM = b"\xef\xbb\xbf"
_CR, _LF = 13, 10


class SSEReader:
    """Reads data payloads from bytes that may be cut anywhere, within a character too.

    Field names other than data (event, id, retry) and comments are passed over: the wires we
    speak repeat an event's name in its data.
    """

    def __init__(self) -> None:
        self._rest = b""
        self._data: list[bytes] = []
        self._at_start = True
        self._ended_in_cr = False

    def feed(self, chunk: bytes) -> list[bytes]:
        """The payloads that are complete with these bytes.

        Args:
            chunk: the next bytes, any number of them.

        Returns:
            Payloads in order; several data lines of one event are joined by a line feed.
        """
        if not chunk:
            return []
        if self._ended_in_cr and chunk[0] == _LF:  # the second half of a line end, cut in two
            chunk = chunk[1:]
            self._ended_in_cr = False
            if not chunk:
                return []
        buffer = self._rest + chunk if self._rest else chunk
        if self._at_start:
            if len(buffer) < len(_BOM) and _BOM.startswith(buffer):
                self._rest = buffer
                return []
            buffer = buffer.removeprefix(_BOM)
            self._at_start = False
            if not buffer:
                self._rest = b""
                return []
        lines = buffer.splitlines()
        last = buffer[-1]
        self._ended_in_cr = last == _CR
        self._rest = b"" if last in {_CR, _LF} else lines.pop()
        return self._read(lines)

    def finish(self) -> list[bytes]:
        """The payload that the end of the bytes completes, where the last empty line is missing."""
        lines = [self._rest, b""] if self._rest else [b""]
        self._rest = b""
        return self._read(lines)

    def _read(self, lines: list[bytes]) -> list[bytes]:
        payloads = []
        for line in lines:
            if line.startswith(b"data:"):
                self._data.append(line[6:] if line[5:6] == b" " else line[5:])
            elif line == b"data":
                self._data.append(b"")
            elif not line and self._data:
                payloads.append(b"\n".join(self._data))
                self._data = []
        return payloads


def write_event(payload: bytes, name: str = "") -> bytes:
    """One event that carries the payload; each of its lines becomes a data line.

    Carriage returns come back as line feeds: the format cannot carry them.

    Args:
        payload: any bytes.
        name: of the event, for wires that name theirs; left out where "".
    """
    if name:
        return b"event: " + name.encode() + b"\n" + write_event(payload)
    if b"\n" not in payload and b"\r" not in payload:
        return b"data: " + payload + b"\n\n"
    lines = payload.replace(b"\r\n", b"\n").replace(b"\r", b"\n").split(b"\n")
    return b"".join(b"data: " + line + b"\n" for line in lines) + b"\n"


def write_comment(text: str = "") -> bytes:
    """A comment, such as a heartbeat, that readers pass over."""
    return f": {' '.join(text.split())}\n\n".encode()
