"""Durable files of what has not been confirmed yet: one per session, one lock each.

    {session_id}.parcel               a header line of JSON, the body, the log event
    {session_id}~{revision}~{sink}.done    an empty mark: that sink has confirmed that revision
    dead/                             what no process can read

A living process holds the lock of its file; the kernel lets go of it when the process dies, and
any other process may send the file then.
"""

from __future__ import annotations

import json
import os
import sys
import tempfile
import threading
import zlib
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import IO

from ..errors import SpoolError
from ..log import logger
from ..writers import Parcel
from .lock import try_lock

_SUFFIX = ".parcel"
_MARK = ".done"
_VERSION = 1


@dataclass
class Entry:
    """A file in the spool that this process holds."""

    path: Path
    parcel: Parcel
    _file: IO[bytes]

    def release(self) -> None:
        """Let go of the file, so that another process may send it."""
        self._file.close()


class Spool:
    """The spool directory.

    Args:
        directory: Made where it is missing, for this user only.

    Raises:
        SpoolError: It cannot be made or written.
    """

    def __init__(self, directory: Path) -> None:
        self.directory = directory
        # Between a revision that replaces a session's file and its forerunner that removes it.
        self._names = threading.Lock()
        try:
            directory.mkdir(parents=True, exist_ok=True, mode=0o700)
            with tempfile.TemporaryFile(dir=directory):
                pass
        except OSError as error:
            raise SpoolError(
                f"the spool directory {directory} cannot be written ({error.strerror}); "
                "set ANALYTICS_SPOOL_DIRECTORY to one that can"
            ) from None

    def put(self, parcel: Parcel) -> Entry:
        """Write the parcel so that it survives the process, and hold it.

        A later revision of the same session replaces the earlier one.

        Raises:
            OSError: The disk is full, or gone.
        """
        path = self.directory / f"{parcel.session_id}{_SUFFIX}"
        descriptor, temporary = tempfile.mkstemp(dir=self.directory, suffix=".tmp")
        file = os.fdopen(descriptor, "w+b")
        try:
            file.write(_packed(parcel))
            file.flush()
            os.fsync(file.fileno())
            with self._names:
                if sys.platform == "win32":  # an open file cannot be renamed there
                    file.close()
                    os.replace(temporary, path)
                    file = path.open("r+b")
                    try_lock(file)
                else:
                    # Locked before it has its name: no other process ever sees it free.
                    try_lock(file)
                    os.replace(temporary, path)
        except BaseException:
            file.close()
            Path(temporary).unlink(missing_ok=True)
            raise
        _sync_directory(self.directory)
        return Entry(path, parcel, file)

    def confirm(self, entry: Entry, sink: str) -> None:
        """Note that a sink has the entry's revision: it is not sent there again."""
        try:
            self._mark(entry.parcel, sink).touch()
        except OSError as error:
            # Worse than nothing lost: the sink gets the same bytes once more.
            logger.warning("a confirmation could not be noted in the spool: %s", error.strerror)

    def confirmed(self, entry: Entry) -> set[str]:
        """The sinks that have the entry's revision."""
        stem = f"{entry.parcel.session_id}~{entry.parcel.revision}~"
        return {p.name[len(stem) : -len(_MARK)] for p in self.directory.glob(f"{stem}*{_MARK}")}

    def remove(self, entry: Entry) -> None:
        """Every sink has it: the file and its marks go."""
        with self._names:
            same = _same_file(entry.path, entry._file)
            if sys.platform == "win32":  # an open file cannot be deleted there
                entry.release()
            if same:
                entry.path.unlink(missing_ok=True)
                # Those of earlier revisions as well.
                for mark in self.directory.glob(f"{entry.parcel.session_id}~*{_MARK}"):
                    mark.unlink(missing_ok=True)
        entry.release()

    def leftovers(self) -> Iterator[Entry]:
        """Entries that no living process holds, oldest first; each is held by this one then."""
        for path in self.paths():
            if entry := self._claim(path):
                yield entry

    def paths(self) -> list[Path]:
        """Every entry's file, oldest first."""
        dated = []
        for path in self.directory.glob(f"*{_SUFFIX}"):
            try:
                dated.append((path.stat().st_mtime_ns, path.name, path))
            except FileNotFoundError:
                continue
        return [path for *_, path in sorted(dated)]

    def _claim(self, path: Path) -> Entry | None:
        try:
            file = path.open("r+b")
        except OSError:
            return None  # sent by another process meanwhile, or not ours to read
        # The name may have been given to another file between opening and locking.
        if not try_lock(file) or not _same_file(path, file):
            file.close()
            return None
        try:
            return Entry(path, _unpacked(file.read()), file)
        except (ValueError, KeyError, TypeError) as error:
            self._bury(path, file, error)
            return None

    def _bury(self, path: Path, file: IO[bytes], error: Exception) -> None:
        """Put an unreadable file aside: looping on it would help nobody, nor would deleting it."""
        dead = self.directory / "dead"
        file.close()
        try:
            dead.mkdir(mode=0o700, exist_ok=True)
            os.replace(path, dead / path.name)
        except OSError:
            logger.exception("an unreadable spool file could not be put aside: %s", path.name)
            return
        logger.error(
            "an unreadable spool file was put aside: %s (%s)",
            dead / path.name,
            type(error).__name__,
        )

    def _mark(self, parcel: Parcel, sink: str) -> Path:
        return self.directory / f"{parcel.session_id}~{parcel.revision}~{sink}{_MARK}"


def _packed(parcel: Parcel) -> bytes:
    header = {
        "v": _VERSION,
        "session_id": parcel.session_id,
        "revision": parcel.revision,
        "name": parcel.name,
        "happened_at": parcel.happened_at,
        "stream": parcel.stream,
        "body": len(parcel.body),
        "event": len(parcel.event),
        "crc32": zlib.crc32(parcel.body + parcel.event),
    }
    return json.dumps(header).encode() + b"\n" + parcel.body + parcel.event


def _unpacked(data: bytes) -> Parcel:
    first, _, rest = data.partition(b"\n")
    header = json.loads(first)
    if header["v"] != _VERSION:
        raise ValueError("written by another version")
    body, event = rest[: header["body"]], rest[header["body"] :]
    if len(event) != header["event"] or zlib.crc32(rest) != header["crc32"]:
        raise ValueError("torn")
    return Parcel(
        session_id=str(header["session_id"]),
        revision=int(header["revision"]),
        name=str(header["name"]),
        body=body,
        event=event,
        happened_at=float(header["happened_at"]),
        stream=str(header["stream"]),
    )


def _same_file(path: Path, file: IO[bytes]) -> bool:
    try:
        return os.path.samestat(path.stat(), os.fstat(file.fileno()))
    except (OSError, ValueError):
        return False  # gone, or closed already


def _sync_directory(directory: Path) -> None:
    """Make the rename itself durable; Windows has no way to and does not need one."""
    if sys.platform == "win32":
        return
    descriptor = os.open(directory, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
