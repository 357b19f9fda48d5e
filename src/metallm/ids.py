"""Random ids, many from one draw of the system's randomness.

A draw is a call to the kernel, and lets another thread run in between; two a request are felt.
"""

from __future__ import annotations

import os
from threading import Lock

BYTES = 16
"""Of an id: 128 bits."""

AT_ONCE = 256
"""Ids of one draw."""


class RandomIds:
    """Makes ids, no two alike. Safe to use from several threads, and after a fork."""

    def __init__(self) -> None:
        self._lock = Lock()
        self._drawn = b""
        self._place = 0
        self._owner = 0

    def __call__(self) -> str:
        """32 hexadecimal digits."""
        with self._lock:
            # a child of this process has the same bytes left: it must not use them
            if self._place >= len(self._drawn) or self._owner != os.getpid():
                self._drawn, self._place, self._owner = os.urandom(BYTES * AT_ONCE), 0, os.getpid()
            begin = self._place
            self._place = begin + BYTES
            return self._drawn[begin : begin + BYTES].hex()


random_id = RandomIds()
"""Of this process."""
