"""A lock on an open file that the kernel releases when its process dies, however it dies."""

from __future__ import annotations

import contextlib
import errno
import os
import sys
from pathlib import Path
from typing import IO

# What the kernel answers where another holder has the lock. Anything else means that the file
# system has no locks, and "held by another" would mean for ever.
_HELD = frozenset({errno.EACCES, errno.EAGAIN, errno.EWOULDBLOCK})

if sys.platform == "win32":  # pragma: no cover  # the suite runs on Linux
    import msvcrt

    # A byte far beyond the end: Windows keeps others from reading what is locked.
    _BYTE = 2**40

    def _lock(file: IO[bytes]) -> None:
        file.seek(_BYTE)
        try:
            msvcrt.locking(file.fileno(), msvcrt.LK_NBLCK, 1)
        finally:
            file.seek(0)

    def _unlock(file: IO[bytes]) -> None:
        file.seek(_BYTE)
        msvcrt.locking(file.fileno(), msvcrt.LK_UNLCK, 1)

else:
    import fcntl

    def _lock(file: IO[bytes]) -> None:
        # flock, not lockf: it belongs to the open file, so that two threads of one process keep
        # each other out as well, and closing another descriptor does not release it.
        fcntl.flock(file.fileno(), fcntl.LOCK_EX | fcntl.LOCK_NB)

    def _unlock(file: IO[bytes]) -> None:
        fcntl.flock(file.fileno(), fcntl.LOCK_UN)


def try_lock(file: IO[bytes]) -> bool:
    """Lock the file, or return False where another holder has it.

    Raises:
        OSError: The file system has no locks.
    """
    try:
        _lock(file)
    except OSError as error:
        if error.errno in _HELD:
            return False
        raise
    return True


def unlock(file: IO[bytes]) -> None:
    """Let go of the file and close it.

    Closing alone would not do: a child that was forked meanwhile has the descriptor as well.
    """
    with contextlib.suppress(OSError):  # was never locked: Windows minds
        _unlock(file)
    file.close()


def is_at(path: Path, file: IO[bytes]) -> bool:
    """Whether the path still leads to this open file."""
    try:
        return os.path.samestat(path.stat(), os.fstat(file.fileno()))
    except OSError:
        return False
