"""What is asked of a disk beside a file's content."""

from __future__ import annotations

import contextlib
import os
import stat
import sys
from pathlib import Path


def files(directory: Path, *suffixes: str) -> list[Path]:
    """The files whose names end in one of these; none where there is no directory."""
    try:
        with os.scandir(directory) as entries:
            return [Path(each.path) for each in entries if each.name.endswith(suffixes)]
    except FileNotFoundError:
        return []


def dated(paths: list[Path]) -> list[tuple[float, int, Path]]:
    """When each file was written, in Unix seconds, its bytes, and its path; oldest first."""
    found = []
    for path in paths:
        with contextlib.suppress(FileNotFoundError):  # moved or removed meanwhile
            status = path.stat()
            found.append((status.st_mtime, status.st_size, path))
    return sorted(found)


def unlink(path: Path) -> bool:
    """Remove a file, if it is there and can be removed; whether it is gone."""
    try:
        path.unlink()
    except FileNotFoundError:
        return True
    except OSError:
        return not path.exists()
    return True


def sync(directory: Path) -> None:
    """Make a rename itself durable; Windows has no way to and does not need one."""
    if sys.platform != "win32":  # pragma: no branch
        # Some network file systems have no such thing; the file itself is there.
        with contextlib.suppress(OSError):
            descriptor = os.open(directory, os.O_RDONLY)
            try:
                os.fsync(descriptor)
            finally:
                os.close(descriptor)


def check_private(directory: Path) -> None:
    """In a directory that everybody may write, somebody else may have made it first.

    Raises:
        PermissionError: Somebody has, or others may read it.
    """
    if sys.platform != "win32":  # pragma: no branch
        status = directory.lstat()
        if not stat.S_ISDIR(status.st_mode) or status.st_uid != os.getuid():
            raise PermissionError(0, "it belongs to somebody else")
        if status.st_mode & 0o077:
            raise PermissionError(0, "others may read it")
