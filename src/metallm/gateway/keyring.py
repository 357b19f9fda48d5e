"""The keys that a running gateway knows: found by digest in memory, read anew when they change."""

from __future__ import annotations

import hmac
import time
from dataclasses import dataclass
from typing import TYPE_CHECKING

from metallm.core.key import LENGTH, digest_of
from metallm.errors import KeyRefusedError, StoreError

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from metallm.core.key import Key
    from metallm.store.keys import KeyFile

LOOK_EVERY_S = 0.5
"""How long a key that was added, changed or revoked may go unseen."""

SETTLED_S = 2.0
"""A file that was written less long ago may be written again without its time telling so."""

_NOBODYS = bytes(32)


@dataclass(frozen=True, slots=True)
class _Look:
    """What the file system says of the file: another look, another file."""

    place: tuple[int, int]
    size: int
    written_ns: int


class Keyring:
    """Tells keys by what a client presents.

    Once there was any key there is no going back: a gateway whose last key was revoked, or whose
    file went away, lets nobody in.

    Args:
        file: where they are kept.
        clock: seconds that only grow.
        now: POSIX seconds.
        tell: is told, in words, when the file cannot be read; the keys known before stay.

    Raises:
        StoreError: the file cannot be read at the start.
    """

    def __init__(
        self,
        file: KeyFile,
        *,
        clock: Callable[[], float] = time.monotonic,
        now: Callable[[], float] = time.time,
        tell: Callable[[str], None] | None = None,
    ) -> None:
        self._file = file
        self._clock = clock
        self._now = now
        self._tell = tell
        self._keys: Mapping[bytes, Key] = {}
        self._look: _Look | None = None
        self._looked = clock()
        self._trouble: str | None = None
        self._read()

    def known(self) -> list[Key]:
        """Every key that was ever made, oldest first."""
        self._refresh()
        return list(self._keys.values())

    def asks(self) -> bool:
        """Whether clients need a key: they do from the first one on."""
        self._refresh()
        return bool(self._keys)

    def find(self, presented: str) -> Key:
        """The key that a client presents.

        Args:
            presented: the whole key.

        Raises:
            KeyRefusedError: it is none of ours, was revoked or has expired.
        """
        self._refresh()
        digest = digest_of(presented) if len(presented) == LENGTH else _NOBODYS
        key = self._keys.get(digest)
        # nobody can choose a digest's bytes, so the look-up tells nothing by its time; to compare
        # them in constant time costs little and asks for no argument
        if key is None or not hmac.compare_digest(key.digest, digest):
            raise KeyRefusedError("unknown", "this key is none of this gateway's")
        if key.revoked_at is not None:
            raise KeyRefusedError("revoked", f"key {key.id} was revoked")
        if key.expires_at is not None and self._now() >= key.expires_at:
            raise KeyRefusedError("expired", f"key {key.id} has expired")
        return key

    def _refresh(self) -> None:
        """Look at the file now and then; in between this costs a comparison."""
        clock = self._clock()
        if clock - self._looked < LOOK_EVERY_S:
            return
        self._looked = clock
        try:
            self._read()
        except StoreError as error:
            # a writer at work, most likely: the next look tells
            self._say(str(error))

    def _read(self) -> None:
        look = self._seen()
        if look is None:
            if self._keys:
                self._say(f"the keys {self._file.path} are gone: those known before stay in force")
            return
        if look == self._look:
            return
        found = {key.digest: key for key in self._file.all()}
        if found or not self._keys:
            self._keys = found
        settled = self._now() - look.written_ns * 1e-9 > SETTLED_S
        self._look, self._trouble = (look if settled else None), None

    def _seen(self) -> _Look | None:
        try:
            told = self._file.path.stat()
        except OSError:
            return None
        return _Look((told.st_dev, told.st_ino), told.st_size, told.st_mtime_ns)

    def _say(self, trouble: str) -> None:
        """Each trouble once, for it lasts."""
        if trouble != self._trouble and self._tell is not None:
            self._tell(trouble)
        self._trouble = trouble
