"""Records in a local directory, laid out as in S3."""

from __future__ import annotations

import errno
import os
from itertools import takewhile
from pathlib import Path, PurePosixPath

from ..errors import SinkError
from ..files import write_whole
from ..settings import TRANSCRIPTS
from .writer import Parcel, beside

# Beside the records, as in S3.
_PROBES = "probes/"

# What another moment may solve: a busy file, too many open ones, a network share that hiccups.
# A full disk is not among them: nothing of ours makes room.
_TRANSIENT = frozenset(
    {
        errno.EAGAIN,
        errno.EBUSY,
        errno.EINTR,
        errno.EIO,
        errno.EMFILE,
        errno.ENFILE,
        errno.ETIMEDOUT,
    }
)
# Windows: another program has the file open (a reader, a virus scanner).
_TRANSIENT_ON_WINDOWS = frozenset({5, 32, 33})
# Something is in this record's way, which somebody may clear, or the directory's path is too long
# for this name. The other records have ways of their own.
_IN_THE_WAY = frozenset({errno.EEXIST, errno.EISDIR, errno.ENAMETOOLONG})
_FULL = frozenset({errno.ENOSPC, getattr(errno, "EDQUOT", errno.ENOSPC)})


class DirectoryWriter:
    """Puts the record at ``root / prefix / Parcel.name``.

    A reader never sees half a record: a file appears complete, under its name, or not at all.

    Args:
        root: The directory; it is created.
        prefix: The folders between it and the name, ending in '/', or empty.
    """

    name = "directory"

    def __init__(self, root: Path, prefix: str = "sessions/") -> None:
        self._root = root
        self._prefix = prefix

    def prepare(self) -> None:
        """Create the directory; see `Writer.prepare`."""
        try:
            _make(self._root)
        except OSError as error:
            raise _explained(error) from None

    def write(self, parcel: Parcel) -> str:
        """Store the parcel's body; see `Writer.write`.

        Returns:
            The file's path.
        """
        if parcel.transcript is not None:
            # First: a record never points to what is not there.
            self._write(beside(self._prefix, TRANSCRIPTS) + parcel.name, parcel.transcript)
        prefix = _PROBES if parcel.probe else self._prefix
        return self._write(prefix + parcel.name, parcel.body)

    def _write(self, key: str, body: bytes) -> str:
        name = PurePosixPath(key)
        path = self._root / str(name)
        # Names are ours, but a session's id may come from the user. The last comparison is for
        # Windows, where a backslash is a separator too.
        if name.is_absolute() or ".." in name.parts or path.name != name.name:
            raise SinkError(
                self.name,
                "InvalidName",
                retryable=False,
                final=True,
                fix="The session's id must not hold '..', a slash or a drive",
            )
        try:
            _make(path.parent)
            _store(path, body)
        except (OSError, ValueError) as error:
            raise _explained(error) from None
        return str(path)


def _make(folder: Path) -> None:
    """Create a folder with its parents, so that they outlive a power cut."""
    missing = list(takewhile(lambda each: not each.exists(), (folder, *folder.parents)))
    folder.mkdir(parents=True, exist_ok=True)
    for each in reversed(missing):
        _sync(each.parent)


def _store(path: Path, body: bytes) -> None:
    write_whole(path, body)
    _sync(path.parent)


def _sync(folder: Path) -> None:
    if os.name == "nt":  # pragma: no cover  # Windows cannot open a folder
        return
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    except OSError as error:
        # Some network file systems have no such thing.
        if error.errno not in (errno.EINVAL, errno.ENOTSUP):  # pragma: no cover  # a dying disk
            raise
    finally:
        os.close(descriptor)


def _explained(error: OSError | ValueError) -> SinkError:
    number = error.errno if isinstance(error, OSError) else None
    code = errno.errorcode.get(number or 0, type(error).__name__)
    if number in _FULL:
        return SinkError(
            "directory",
            code,
            retryable=False,
            fix="The disk of ANALYTICS_DIRECTORY is full: make room or name another directory",
        )
    transient = number in _TRANSIENT or getattr(error, "winerror", None) in _TRANSIENT_ON_WINDOWS
    return SinkError(
        "directory",
        code,
        retryable=transient,
        of_record=number in _IN_THE_WAY,
        fix="ANALYTICS_DIRECTORY must be a directory in which this process may create files",
    )
