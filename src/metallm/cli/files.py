"""Files that commands write."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

from metallm.errors import ConfigurationError

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path


def check_writable(path: Path) -> None:
    """Find out before long work that its results could not be kept.

    Raises:
        ConfigurationError: the folder is missing or may not be written to, or the file may not.
    """
    if not path.parent.is_dir():
        raise ConfigurationError(f"{path} cannot be written: there is no folder {path.parent}")
    if path.is_dir():
        raise ConfigurationError(f"{path} cannot be written: it is a folder")
    place = path if path.exists() else path.parent
    if not os.access(place, os.W_OK) or not os.access(path.parent, os.W_OK):
        raise ConfigurationError(f"{path} cannot be written: permission denied")


def write_atomically(path: Path, write: Callable[[Path], object]) -> None:
    """Replace a file as a whole, or leave it as it is.

    Args:
        path: the file.
        write: writes a file at the path that it is called with, in the same folder.

    Raises:
        ConfigurationError: it could not be written.
    """
    temporary = path.with_name(f".{path.name}.{os.getpid()}")
    try:
        write(temporary)
        temporary.replace(path)
    except OSError as error:
        raise ConfigurationError(f"{path} cannot be written: {error.strerror or error}") from error
    finally:
        temporary.unlink(missing_ok=True)
