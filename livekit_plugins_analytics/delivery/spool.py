"""Durable files of what has not been confirmed yet, each under the lock of who deals with it.

    *.parcel, *.done, *.later     see `names`; the content of a parcel's file: see `packing`
    *.tmp                         a file that is being written
    dead/                         what is given up, see `dead`
    lost.json                     how much that is, see `losses`

The token makes names unique, so that no process ever writes over the file of another, whatever
ids users give. The number counts up when something is added to a record: a file that has a
successor is never sent again, and nobody sends the successor while it exists. Only who holds a
file's lock removes it, and a name is never used twice; so to look is enough, and there is no
moment in which two processes could disagree.

A living process holds its files; the kernel lets go of them when the process dies, however it
dies, and any other process may send them then.
"""

from __future__ import annotations

import contextlib
import os
import sys
import tempfile
import threading
import time
from collections.abc import Collection
from pathlib import Path
from typing import IO

from ..errors import SpoolError
from ..log import logger
from ..writers import Parcel
from .dead import DeadLetters
from .disk import check_private, dated, files, sync, unlink
from .limits import Limits
from .lock import is_at, try_lock, unlock
from .losses import UNREADABLE, Losses
from .marks import Marks
from .names import (
    JOURNAL,
    SUFFIX,
    TEMPORARY,
    forerunner,
    journal_of,
    later,
    mark,
    new_token,
    plain,
    session_of,
    successor,
)
from .note import Note
from .packing import Unreadable, packed, unpacked

# Windows cannot rename an open file, so one that is being written has no lock for a moment there.
_WINDOWS_GRACE = 60.0


class Entry:
    """A file in the spool that this process holds, until the last of its users releases it."""

    def __init__(self, path: Path, parcel: Parcel, file: IO[bytes]) -> None:
        self.path = path
        self.parcel = parcel
        self._file = file
        self._users = 1
        self._lock = threading.Lock()

    def share(self) -> bool:
        """One more user, who releases it too; False where it has been let go already."""
        with self._lock:
            if self._users:
                self._users += 1
            return self._users > 0

    def release(self) -> None:
        """This user is done; after the last one another process may send the file."""
        with self._lock:
            self._users -= 1
            if not self._users:
                unlock(self._file)

    @property
    def in_place(self) -> bool:
        """Whether the file still has its name. Only for who has not released it."""
        return is_at(self.path, self._file)


class Spool:
    """The spool directory.

    Args:
        directory: Made where it is missing, for this user only.
        private: Refuse a directory that others own or may read.
        limits: What it may hold.

    Raises:
        SpoolError: It cannot be made, written or locked.
    """

    def __init__(
        self, directory: Path, *, private: bool = False, limits: Limits | None = None
    ) -> None:
        self.limits = limits or Limits()
        self._complained: set[str] = set()
        self._full = False
        try:
            # A process may change its working directory later.
            self.directory = directory.absolute()
            self.losses = Losses(self.directory)
            self.marks = Marks(self.directory)
            self.dead = DeadLetters(self.directory, self.marks, self.losses, self._complain)
            self._make()
            if private:
                check_private(self.directory)
            with tempfile.TemporaryFile(dir=self.directory) as file:
                try_lock(file)
        except OSError as error:
            raise SpoolError(
                f"the spool directory {directory} cannot be used ({error.strerror}); "
                "set ANALYTICS_SPOOL_DIRECTORY to one that can be written and locked"
            ) from None

    def put(self, parcel: Parcel, *, after: Entry | None = None, token: str | None = None) -> Entry:
        """Write the parcel so that it survives the process, and hold it.

        Args:
            parcel: What to write.
            after: The file that this one succeeds, held or not, there or not.
            token: Of the session's journal, which the file's name shares.

        Raises:
            OSError: The disk is full, or gone.
        """
        path = successor(after.path) if after else self._new_path(parcel, token)
        temporary, file = self._temporary()
        try:
            if not (try_lock(file) and is_at(temporary, file)):  # pragma: no cover  # microseconds
                # A sweep took it for a dead process', between its making and its locking.
                file.close()
                return self.put(parcel, after=after, token=token)
            file.write(packed(parcel))
            file.flush()
            os.fsync(file.fileno())
            if sys.platform == "win32":  # pragma: no cover  # the suite runs on Linux
                unlock(file)
                os.rename(temporary, path)
                file = path.open("r+b")
                # Where another process was faster, it sends the file, and so do we.
                try_lock(file)
            else:
                # Locked since before it had a name: no other process ever sees it free.
                os.rename(temporary, path)
        except BaseException:
            with contextlib.suppress(OSError):
                temporary.unlink()
            with contextlib.suppress(OSError):  # what a full disk did not take is tried again
                file.close()
            raise
        sync(self.directory)
        return Entry(path, parcel, file)

    def confirm(self, entry: Entry, sink: str) -> None:
        """Note that a sink has the parcel: it is not sent there again. Released or not."""
        self.marks.confirm(entry.path, sink)

    def confirmed(self, path: Path, sinks: Collection[str]) -> set[str]:
        """Those of the sinks that have the file's parcel."""
        return self.marks.confirmed(path, sinks)

    def remove(self, entry: Entry, sinks: Collection[str]) -> None:
        """Every sink has it, or its successor is here: the file goes, then its marks."""
        path = entry.path
        # First: whoever finds a journal without its parcel makes a poorer record of it.
        unlink(journal_of(path))
        if sys.platform == "win32":  # pragma: no cover  # an open file cannot be removed there
            for sink in sinks:
                self.confirm(entry, sink)
            entry.release()
        if not (gone := unlink(path)):
            self._complain(path, "cannot be removed")
        for sink in sinks:
            if gone:
                unlink(mark(path, sink))
            else:
                self.confirm(entry, sink)  # it will be found again, with nothing left to send
        unlink(later(path))
        if sys.platform != "win32":  # pragma: no branch
            entry.release()

    def settle(self, entry: Entry, sinks: Collection[str]) -> None:
        """Remove a file that was released before the last sink confirmed it, if nobody has it."""

        if again := self.claim(entry.path):
            if self.confirmed(again.path, sinks) == set(sinks):
                self.remove(again, sinks)
            else:
                again.release()

    def retire(self, entry: Entry, sinks: Collection[str]) -> bool:
        """Remove a file whose successor is here; False while somebody else is sending it."""
        if entry.share():
            # Ours: what is still on its way is known, and waited for elsewhere.
            self.remove(entry, sinks)
            return True
        try:
            file = entry.path.open("r+b")
        except OSError:
            # Where it was given up, its successor makes it worthless.
            return not entry.path.exists() and self.dead.forget(entry.path)
        if not (try_lock(file) and is_at(entry.path, file)):
            unlock(file)
            return False
        self.remove(Entry(entry.path, entry.parcel, file), sinks)
        return True

    def bury(
        self, entry: Entry, reason: str, detail: str, labels: Collection[str] | None = None
    ) -> bool:
        """Give up a file, and let go of it: it is kept in `dead/`, counted and told.

        Args:
            entry: The file, held by the caller alone.
            reason: As in `losses`.
            detail: The same in words, with the fix.
            labels: Who has confirmed it, as in names; looked up where it is not given.

        Returns:
            False where it stays: the disk does not do it.
        """
        if labels is None:
            labels = self.marks.labels().get(entry.path, ())
        return self.dead.bury(entry.path, Note(reason, detail, labels), entry.release)

    def postpone(self, entry: Entry) -> None:
        """Move a file to the end of the row."""
        self.marks.postpone(entry.path)

    def paths(self) -> list[Path]:
        """Every entry's file, oldest first."""
        postponed = self.marks.postponed()
        turns = ((postponed.get(path, since), path) for since, _, path in self.dated())
        return [path for _, path in sorted(turns)]

    def dated(self) -> list[tuple[float, int, Path]]:
        """When each entry was spooled, in Unix seconds, its bytes, and its file; oldest first."""
        return dated(files(self.directory, SUFFIX))

    def journals(self) -> list[Path]:
        """The journals of sessions, of the living and the dead, oldest first."""
        return [path for *_, path in dated(files(self.directory, JOURNAL))]

    def has(self, journal: Path) -> bool:
        """Whether there is a parcel with a journal's token."""
        stem = journal.name[: -len(JOURNAL)] + "~"
        everywhere = [*self.dated(), *self.dead.dated()]
        return any(path.name.startswith(stem) for *_, path in everywhere)

    def session(self, path: Path) -> str:
        """The session id in a file's name: a digest where the id cannot be part of one."""
        return session_of(path)

    def buried(self, path: Path) -> Path | None:
        """Where an unreadable file was put aside, if it was."""
        note = self.dead.note(path)
        unreadable = note is None or note.reason == UNREADABLE
        return self.dead.directory / path.name if unreadable and self.dead.holds(path) else None

    def note_disk(self, error: OSError | None) -> None:
        """Say that the disk takes nothing, once, until it does again.

        Args:
            error: What it answered; None: it took something.
        """
        if error and not self._full:
            logger.error(
                "the spool took no analytics record (%s); it is kept in memory. "
                "Free the disk of %s or set ANALYTICS_SPOOL_DIRECTORY",
                error.strerror,
                self.directory,
            )
        self._full = error is not None

    def claim(self, path: Path) -> Entry | None:
        """Hold the file of nobody; None where there is nothing to send, or not now."""
        try:
            # Unbuffered: it is read at once, and a buffer asks what kind of file it has.
            file: IO[bytes] = path.open("r+b", buffering=0)
        except FileNotFoundError:
            return None  # sent by another process meanwhile
        except OSError as error:
            self._complain(path, f"cannot be opened ({error.strerror})")
            return None
        kept = False
        try:
            # The name may have gone between opening and locking.
            if not try_lock(file) or not is_at(path, file):
                return None
            if successor(path).exists():
                # A process died between writing the one and removing the other.
                earlier = forerunner(path)
                if not (earlier and earlier.exists()):
                    unlink(path)
                return None
            if not self.dead.nothing_before(path):
                return None  # somebody is sending that one still, or its turn comes
            self.dead.restore_marks(path)
            entry = Entry(path, unpacked(file), file)
            kept = True
            return entry
        except OSError as error:
            self._complain(path, f"cannot be read ({error.strerror})")
            return None
        except Unreadable as error:
            note = Note(UNREADABLE, str(error), self.marks.labels().get(path, ()))
            self.dead.bury(path, note, lambda: unlock(file))
            return None
        finally:
            if not kept and not file.closed:
                unlock(file)

    def tidy(self) -> None:
        """Remove what processes left that died while they wrote, or while they removed."""
        for path in files(self.directory, TEMPORARY):
            with contextlib.suppress(OSError), path.open("r+b") as file:
                if sys.platform == "win32":  # pragma: no cover  # the suite runs on Linux
                    if time.time() - path.stat().st_mtime < _WINDOWS_GRACE:
                        continue
                if try_lock(file) and is_at(path, file):
                    path.unlink()
        self.marks.tidy()
        self.dead.tidy()

    def _make(self) -> None:
        self.directory.mkdir(parents=True, exist_ok=True, mode=0o700)

    def _new_path(self, parcel: Parcel, token: str | None) -> Path:
        token = token or new_token()
        return self.directory / f"{plain(parcel.session_id)}~{token}~1{SUFFIX}"

    def _temporary(self) -> tuple[Path, IO[bytes]]:
        """A new file, which nobody holds yet."""
        try:
            descriptor, name = tempfile.mkstemp(dir=self.directory, suffix=TEMPORARY)
        except FileNotFoundError:
            self._make()  # somebody tidied up
            descriptor, name = tempfile.mkstemp(dir=self.directory, suffix=TEMPORARY)
        return Path(name), os.fdopen(descriptor, "w+b")

    def _complain(self, path: Path, what: str) -> None:
        """Once for each file."""
        if path.name not in self._complained:
            self._complained.add(path.name)
            logger.error("the spool file %s %s", path.name, what)
