"""Journals: what is known of a live session, on disk, for whoever finds it if its process dies.

A journal is a file of lines beside the spool's parcels, ``{session}~{token}.journal``. Its process
holds its lock for as long as it lives; the kernel lets go of it when the process dies, however it
dies, and any other process may make a record of it then.

The record of a session has the token of its journal in its file's name, and two rules keep the
poorer record that is made of a journal from taking the place of the real one: whoever removes a
parcel's file removes the journal with its token first; and whoever finds a journal of the dead
looks for such a parcel before the journal's own name. So a journal that still has its name, after
no parcel was seen, belongs to a session whose record was never written.
"""

from __future__ import annotations

import contextlib
import os
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import IO

from .disk import unlink
from .lock import is_at, try_lock, unlock
from .names import JOURNAL, plain
from .spool import Spool

# A talkative hour is 2 MB; what is longer than this goes on without a journal's growth.
_MAX_BYTES = 64_000_000


class Full(Exception):
    """The journal has grown as far as it may."""


class Journal:
    """The journal of one live session, held by this process. Used by one thread.

    Args:
        spool: Beside whose parcels it stands.
        session_id: The session.
        token: The part of its name that the session's record shares.
        lines: The first, which are there before it has its name: whoever finds it can use it.
        limit: Bytes that it may grow to.

    Raises:
        OSError: The disk is full, or gone.
    """

    def __init__(
        self, spool: Spool, session_id: str, token: str, lines: bytes, *, limit: int = _MAX_BYTES
    ) -> None:
        self.path = spool.directory / f"{plain(session_id)}~{token}{JOURNAL}"
        self._limit = limit
        self._torn = False
        self._unsynced = False
        self.size = 0
        """Bytes so far."""
        temporary, self._file = _locked_temporary(spool.directory)
        try:
            self.append(lines)
            self.sync()
            if sys.platform == "win32":  # pragma: no cover  # the suite runs on Linux
                unlock(self._file)
                os.rename(temporary, self.path)
                self._file = self.path.open("r+b", buffering=0)
                try_lock(self._file)
            else:
                # Locked since before it had a name: no other process ever sees it free.
                os.rename(temporary, self.path)
        except BaseException:
            with contextlib.suppress(OSError):
                temporary.unlink()
            self._file.close()
            raise

    def rewrite(self, lines: bytes) -> None:
        """Have other lines in the place of all that was written, at once.

        Raises:
            Full: No more is taken.
            OSError: The disk is full, or gone. Then nothing has changed.
        """
        before, size = self._file, self.size
        temporary, self._file = _locked_temporary(self.path.parent)
        self.size, self._torn = 0, False
        try:
            self.append(lines)
            self.sync()
            if sys.platform == "win32":  # pragma: no cover  # the suite runs on Linux
                unlock(self._file)
                unlock(before)
                os.replace(temporary, self.path)
                self._file = self.path.open("r+b", buffering=0)
                try_lock(self._file)
            else:
                os.replace(temporary, self.path)
                unlock(before)
        except BaseException:
            self._file.close()
            self._file, self.size, self._torn = before, size, True
            with contextlib.suppress(OSError):
                temporary.unlink()
            raise

    def append(self, lines: bytes) -> None:
        """Add lines, so that they survive the death of the process.

        Raises:
            Full: No more is taken.
            OSError: The disk is full, or gone; some of it may have been written.
        """
        if self.size + len(lines) > self._limit:
            raise Full
        # What a full disk cut off ends here, so that it costs no other line.
        whole = b"\n" + lines if self._torn else lines
        self._torn = True
        written = self._file.write(whole)
        while written < len(whole):
            written += self._file.write(whole[written:])
        self._torn = False
        self._unsynced = True
        self.size += len(whole)

    def beat(self) -> None:
        """Show that the session lives: the file's time is the last that is known of it."""
        with contextlib.suppress(OSError):
            os.utime(self.path)

    def sync(self) -> None:
        """Make what was added survive the death of the machine."""
        if self._unsynced:
            self._unsynced = False
            with contextlib.suppress(OSError):
                os.fsync(self._file.fileno())

    def discard(self) -> None:
        """The session's record is safe: the journal has no use any more."""
        if sys.platform == "win32":  # pragma: no cover  # an open file cannot be removed there
            unlock(self._file)
            unlink(self.path)
        else:
            unlink(self.path)
            unlock(self._file)

    def leave(self) -> None:
        """The session's record is nowhere: let another process make one of the journal."""
        unlock(self._file)


class Orphan:
    """A journal whose process is dead, held by this one."""

    def __init__(self, spool: Spool, path: Path, file: IO[bytes]) -> None:
        self.path = path
        self._spool = spool
        self._file = file
        self.last_alive = os.fstat(file.fileno()).st_mtime
        """Unix seconds of the last sign of life."""

    @property
    def session(self) -> str:
        """The session id in the file's name: a digest where the id cannot be part of one."""
        return self.path.name.partition("~")[0]

    @property
    def token(self) -> str:
        """What the session's record shares with it."""
        return self.path.name[: -len(JOURNAL)].rpartition("~")[2]

    def lines(self) -> list[bytes]:
        """What was written; the last line may be torn.

        Raises:
            OSError: The disk does not give it back.
        """
        return lines_of(self.path)

    @property
    def orphaned(self) -> bool:
        """Whether no record of the session was ever written. In this order: see the module."""
        return not self._spool.has(self.path) and is_at(self.path, self._file)

    def discard(self) -> None:
        """There is a record of it."""
        if sys.platform == "win32":  # pragma: no cover  # an open file cannot be removed there
            unlock(self._file)
        if sys.platform == "win32" or is_at(self.path, self._file):
            unlink(self.path)
        self.release()

    def bury(self) -> Path:
        """Put it aside: nothing can be made of it.

        Returns:
            Where it is now.

        Raises:
            OSError: It is where it was.
        """
        dead = self._spool.dead.directory
        try:
            dead.mkdir(mode=0o700, exist_ok=True)
            os.replace(self.path, dead / self.path.name)
        finally:
            self.release()
        return dead / self.path.name

    def release(self) -> None:
        """Let another process try."""
        if not self._file.closed:
            unlock(self._file)


def lines_of(journal: Path) -> list[bytes]:
    """What a journal says at this moment, whoever holds it; the last line may be torn.

    Raises:
        OSError: It is gone, or the disk does not give it back.
    """
    return [line for line in journal.read_bytes().split(b"\n") if line]


def orphans(spool: Spool) -> Iterator[Orphan]:
    """Journals of dead processes, oldest first, each held until it is discarded or released."""
    for path in spool.journals():
        try:
            file = path.open("r+b")
        except OSError:
            continue  # made into a record by another process meanwhile, or not readable now
        try:
            mine = try_lock(file) and is_at(path, file)
        except OSError:
            mine = False
        if mine:
            yield Orphan(spool, path, file)
        else:
            file.close()


def _locked_temporary(directory: Path) -> tuple[Path, IO[bytes]]:
    for _ in range(10):
        descriptor, name = tempfile.mkstemp(dir=directory, suffix=".tmp")
        file = os.fdopen(descriptor, "r+b", buffering=0)
        if try_lock(file) and is_at(Path(name), file):
            return Path(name), file
        # A sweep took it for a dead process', between its making and its locking.
        file.close()  # pragma: no cover  # microseconds
    raise OSError("no file of its own")  # pragma: no cover
