"""Durable files of what has not been confirmed yet, each under the lock of who deals with it.

    {session id}~{token}~{number}.parcel         see `packing`
    {session id}~{token}~{number}~{sink}.done    an empty mark: that sink has confirmed that file
    *.tmp                                        a file that is being written
    dead/                                        what no process can read

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
import hashlib
import os
import re
import stat
import sys
import tempfile
import threading
import time
import uuid
from collections.abc import Collection
from pathlib import Path
from typing import IO

from ..errors import SpoolError
from ..log import logger
from ..writers import Parcel
from .lock import is_at, try_lock, unlock
from .packing import Unreadable, packed, unpacked

_SUFFIX = ".parcel"
_MARK = ".done"
_TEMPORARY = ".tmp"
JOURNAL = ".journal"
"""See `journal`."""

# Short enough for every file system with what comes after it, and nothing that any of them minds.
_PLAIN = re.compile(r"[A-Za-z0-9_-][A-Za-z0-9._-]{0,99}")

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

    Raises:
        SpoolError: It cannot be made, written or locked.
    """

    def __init__(self, directory: Path, *, private: bool = False) -> None:
        self._complained: set[str] = set()
        try:
            # A process may change its working directory later.
            self.directory = directory.absolute()
            self._make()
            if private:
                _check_private(self.directory)
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
        path = _successor(after.path) if after else self._new_path(parcel, token)
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
        _sync(self.directory)
        return Entry(path, parcel, file)

    def confirm(self, entry: Entry, sink: str) -> None:
        """Note that a sink has the parcel: it is not sent there again. Released or not."""
        mark = _mark(entry.path, sink)
        try:
            if entry.path.exists():
                mark.touch(mode=0o600)
                if not entry.path.exists():  # pragma: no cover  # removed at this very moment
                    _unlink(mark)
        except OSError as error:
            # Nothing is lost: the sink gets the same once more.
            logger.warning("a confirmation could not be noted in the spool: %s", error.strerror)

    def confirmed(self, path: Path, sinks: Collection[str]) -> set[str]:
        """Those of the sinks that have the file's parcel."""
        return {sink for sink in sinks if _mark(path, sink).exists()}

    def remove(self, entry: Entry, sinks: Collection[str]) -> None:
        """Every sink has it, or its successor is here: the file goes, then its marks."""
        path = entry.path
        # First: whoever finds a journal without its parcel makes a poorer record of it.
        _unlink(_journal(path))
        if sys.platform == "win32":  # pragma: no cover  # an open file cannot be removed there
            for sink in sinks:
                self.confirm(entry, sink)
            entry.release()
            _unlink(path)
        elif entry.in_place:
            _unlink(path)
        if path.exists():
            self._complain(path, "cannot be removed")
        for sink in sinks:
            if path.exists():
                self.confirm(entry, sink)  # it will be found again, with nothing left to send
            else:
                _unlink(_mark(path, sink))
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
            return not entry.path.exists()
        if not try_lock(file):
            file.close()
            return False
        self.remove(Entry(entry.path, entry.parcel, file), sinks)
        return True

    def postpone(self, entry: Entry) -> None:
        """Move a file to the end of the row."""
        with contextlib.suppress(OSError):
            os.utime(entry.path)

    def paths(self) -> list[Path]:
        """Every entry's file, oldest first."""
        return self._dated(_SUFFIX)

    def _dated(self, suffix: str) -> list[Path]:
        dated = []
        for path in self._files(suffix):
            with contextlib.suppress(FileNotFoundError):  # sent meanwhile
                dated.append((path.stat().st_mtime_ns, path.name, path))
        return [path for *_, path in sorted(dated)]

    def journals(self) -> list[Path]:
        """The journals of sessions, of the living and the dead, oldest first."""
        return self._dated(JOURNAL)

    def has(self, journal: Path) -> bool:
        """Whether there is a parcel with a journal's token."""
        stem = journal.name[: -len(JOURNAL)] + "~"
        places = (self.directory, self._dead)
        return any(path.name.startswith(stem) for at in places for path in _files(at, _SUFFIX))

    def session(self, path: Path) -> str:
        """The session id in a file's name: a digest where the id cannot be part of one."""
        return path.name.partition("~")[0].removesuffix(_SUFFIX)

    def buried(self, path: Path) -> Path | None:
        """Where an unreadable file was put aside, if it was."""
        dead = self._dead / path.name
        return dead if dead.exists() else None

    def claim(self, path: Path) -> Entry | None:
        """Hold the file of nobody; None where there is nothing to send, or not now."""
        try:
            file = path.open("r+b")
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
            if _successor(path).exists():
                # A process died between writing the one and removing the other.
                if not _forerunner_exists(path):
                    _unlink(path)
                return None
            if _forerunner_exists(path):
                return None  # somebody is sending that one still, or its turn comes
            entry = Entry(path, unpacked(file), file)
            kept = True
            return entry
        except OSError as error:
            self._complain(path, f"cannot be read ({error.strerror})")
            return None
        except Unreadable as error:
            self._bury(path, file, error)
            return None
        finally:
            if not kept and not file.closed:
                unlock(file)

    def tidy(self) -> None:
        """Remove what processes left that died while they wrote, or while they removed."""
        for path in self._files(_TEMPORARY):
            with contextlib.suppress(OSError), path.open("r+b") as file:
                if sys.platform == "win32":  # pragma: no cover  # the suite runs on Linux
                    if time.time() - path.stat().st_mtime < _WINDOWS_GRACE:
                        continue
                if try_lock(file) and is_at(path, file):
                    path.unlink()
        for path in self._files(_MARK):
            # Marks are made after their file, and the file goes before its marks: so this one
            # was left over, whoever may be at work here.
            if not _marked(path).exists():
                _unlink(path)

    @property
    def _dead(self) -> Path:
        return self.directory / "dead"

    def _make(self) -> None:
        self.directory.mkdir(parents=True, exist_ok=True, mode=0o700)

    def _new_path(self, parcel: Parcel, token: str | None) -> Path:
        token = token or uuid.uuid4().hex[:12]
        return self.directory / f"{plain_name(parcel.session_id)}~{token}~1{_SUFFIX}"

    def _temporary(self) -> tuple[Path, IO[bytes]]:
        """A new file, which nobody holds yet."""
        try:
            descriptor, name = tempfile.mkstemp(dir=self.directory, suffix=_TEMPORARY)
        except FileNotFoundError:
            self._make()  # somebody tidied up
            descriptor, name = tempfile.mkstemp(dir=self.directory, suffix=_TEMPORARY)
        return Path(name), os.fdopen(descriptor, "w+b")

    def _files(self, suffix: str) -> list[Path]:
        return _files(self.directory, suffix)

    def _bury(self, path: Path, file: IO[bytes], error: Unreadable) -> None:
        """Put an unreadable file aside: looking at it again would help nobody, nor deleting it."""
        if sys.platform == "win32":  # pragma: no cover  # an open file cannot be renamed there
            unlock(file)
        try:
            self._dead.mkdir(mode=0o700, exist_ok=True)
            os.replace(path, self._dead / path.name)
        except OSError as problem:
            self._complain(path, f"is unreadable and cannot be put aside ({problem.strerror})")
            return
        self._complain(path, f"is unreadable ({error}) and was put aside in {self._dead}")

    def _complain(self, path: Path, what: str) -> None:
        """Once for each file."""
        if path.name not in self._complained:
            self._complained.add(path.name)
            logger.error("the spool file %s %s", path.name, what)


def _files(directory: Path, suffix: str) -> list[Path]:
    try:
        with os.scandir(directory) as entries:
            return [Path(e.path) for e in entries if e.name.endswith(suffix)]
    except FileNotFoundError:
        return []


def plain_name(text: str) -> str:
    """The text where it can be part of a file's name, else a digest of it."""
    if _PLAIN.fullmatch(text):
        return text
    return "=" + hashlib.sha256(text.encode("utf-8", "surrogatepass")).hexdigest()[:32]


def _mark(path: Path, sink: str) -> Path:
    return path.with_name(f"{path.name[: -len(_SUFFIX)]}~{plain_name(sink)}{_MARK}")


def _journal(path: Path) -> Path:
    stem = path.name[: -len(_SUFFIX)].rpartition("~")[0]
    return path.with_name(stem + JOURNAL)


def _marked(mark: Path) -> Path:
    return mark.with_name(mark.name.rpartition("~")[0] + _SUFFIX)


def _numbered(path: Path, step: int) -> Path:
    stem, _, number = path.name[: -len(_SUFFIX)].rpartition("~")
    # A name that is not ours has no neighbours.
    at = int(number) if number.isdecimal() else 0
    return path.with_name(f"{stem}~{at + step}{_SUFFIX}")


def _successor(path: Path) -> Path:
    return _numbered(path, 1)


def _forerunner_exists(path: Path) -> bool:
    return _numbered(path, -1).exists()


def _unlink(path: Path) -> None:
    with contextlib.suppress(OSError):
        path.unlink()


def _check_private(directory: Path) -> None:
    """In a directory that everybody may write, somebody else may have made it first."""
    if sys.platform != "win32":  # pragma: no branch
        status = directory.lstat()
        if not stat.S_ISDIR(status.st_mode) or status.st_uid != os.getuid():
            raise PermissionError(0, "it belongs to somebody else")
        if status.st_mode & 0o077:
            raise PermissionError(0, "others may read it")


def _sync(directory: Path) -> None:
    """Make the rename itself durable; Windows has no way to and does not need one."""
    if sys.platform != "win32":  # pragma: no branch
        # Some network file systems have no such thing; the file itself is there.
        with contextlib.suppress(OSError):
            descriptor = os.open(directory, os.O_RDONLY)
            try:
                os.fsync(descriptor)
            finally:
                os.close(descriptor)
