"""One process writes a log: a lock on a file beside it, which ends with the process."""

from __future__ import annotations

import os
import sys
from typing import TYPE_CHECKING

from metallm.errors import StoreBusyError, StoreError

if TYPE_CHECKING:
    from pathlib import Path

if sys.platform == "win32":
    import msvcrt

    def try_lock(descriptor: int) -> None:
        """Lock an open file, or raise OSError where another process has."""
        # the byte lies past the process id, which then stays readable
        os.lseek(descriptor, 1 << 20, os.SEEK_SET)
        msvcrt.locking(descriptor, msvcrt.LK_NBLCK, 1)
        os.lseek(descriptor, 0, os.SEEK_SET)

else:
    import fcntl

    def try_lock(descriptor: int) -> None:
        """Lock an open file, or raise OSError where another process has."""
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)


class FileLock:
    """Holds `<path>.lock` from construction to `release`, or to the end of the process.

    The file stays behind: removing it would let a third process lock a file of the same name
    while a second still holds this one.

    Args:
        path: the log's file.

    Raises:
        StoreBusyError: another store, in this process or another, holds it.
        StoreError: the lock's file cannot be written.
    """

    def __init__(self, path: Path) -> None:
        name = path.with_name(path.name + ".lock")
        try:
            self._descriptor: int | None = os.open(name, os.O_RDWR | os.O_CREAT, 0o644)
        except OSError as error:
            raise StoreError(
                f"the log {path} cannot be written, for {name} cannot: {error.strerror}; "
                "its folder must exist and be writable, or set store.path to another place"
            ) from error
        try:
            try_lock(self._descriptor)
        except OSError as error:
            owner = os.read(self._descriptor, 32).decode("ascii", "replace").strip()
            self.release()
            raise StoreBusyError(
                f"the log {path} is being written by another store (process "
                f"{owner or 'unknown'}): stop that one, set store.path to another file, "
                "or open this one with read_only=True"
            ) from error
        os.ftruncate(self._descriptor, 0)
        os.write(self._descriptor, str(os.getpid()).encode("ascii"))

    def release(self) -> None:
        """Let another store write. Calling it twice is fine."""
        if self._descriptor is not None:
            os.close(self._descriptor)
            self._descriptor = None
