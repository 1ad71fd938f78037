"""A lock on an open file that the kernel releases when its process dies, however it dies."""

from __future__ import annotations

import sys
from typing import IO

if sys.platform == "win32":
    import msvcrt

    def try_lock(file: IO[bytes]) -> bool:
        """Lock the file, or return False where another holder has it."""
        # A byte far beyond the end: Windows keeps others from reading what is locked.
        file.seek(2**40)
        try:
            msvcrt.locking(file.fileno(), msvcrt.LK_NBLCK, 1)
        except OSError:
            return False
        finally:
            file.seek(0)
        return True

else:
    import fcntl

    def try_lock(file: IO[bytes]) -> bool:
        """Lock the file, or return False where another holder has it."""
        try:
            # flock, not lockf: it belongs to the open file, so that two threads of one process
            # keep each other out as well, and closing another descriptor does not release it.
            fcntl.flock(file.fileno(), fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            return False
        return True
