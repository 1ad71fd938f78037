"""Objects of a bucket kept on this machine, each under its ETag.

A changed object has another ETag and so another file: what is served is always what the listing
named. The folder holds what callers said, if the records do: it is for this user only.
"""

from __future__ import annotations

import contextlib
import os
import shutil
import uuid
from collections.abc import Iterator
from hashlib import blake2b
from pathlib import Path

LIMIT = 4 * 10**9
"""Bytes that the cache may take from the disk by default."""


def default_folder() -> Path:
    """The platform's place for caches: ``~/.cache/livekit-analytics/objects`` on Linux."""
    from platformdirs import user_cache_path

    return user_cache_path("livekit-analytics", appauthor=False) / "objects"


class Cache:
    """Objects by what identifies their place, name and content.

    Args:
        folder: Created with the first object.
        limit: Bytes; beyond, `trim` removes what was used longest ago.
    """

    def __init__(self, folder: Path, limit: int = LIMIT) -> None:
        self._folder = folder
        self._limit = limit

    def path(self, place: str, name: str, etag: str) -> Path:
        """Where an object is or would be."""
        digest = blake2b("\0".join((place, name, etag)).encode(), digest_size=20).hexdigest()
        # A folder with a million entries is slow to open on some systems.
        return self._folder / digest[:2] / (digest[2:] + Path(name).suffix)

    def get(self, place: str, name: str, etag: str, size: int) -> bytes | None:
        """The object, or null where it is not there in full."""
        path = self.path(place, name, etag)
        try:
            body = path.read_bytes()
        except OSError:
            return None
        if len(body) != size:  # a disk that was full, somebody who edited it
            return None
        self._touch(path)
        return body

    def put(self, place: str, name: str, etag: str, body: bytes) -> Path | None:
        """Keep an object; returns its file, or null where the disk does not take it."""
        path = self.path(place, name, etag)
        temporary = path.with_name(f".{uuid.uuid4().hex}.tmp")
        try:
            self._make(path.parent)
            descriptor = os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
            with open(descriptor, "wb") as file:
                file.write(body)
            os.replace(temporary, path)
        except OSError:
            with contextlib.suppress(OSError):
                temporary.unlink()
            return None  # it is only a cache
        return path

    def take(self, place: str, name: str, etag: str, file: Path) -> Path | None:
        """Move a file here; returns where it is, or null where the disk does not take it."""
        path = self.path(place, name, etag)
        temporary = path.with_name(f".{uuid.uuid4().hex}.tmp")
        try:
            self._make(path.parent)
            shutil.move(file, temporary)
            temporary.chmod(0o600)
            os.replace(temporary, path)
        except OSError:
            with contextlib.suppress(OSError):
                shutil.move(temporary, file)
            return None
        return path

    def holds(self, place: str, name: str, etag: str, size: int) -> Path | None:
        """The object's file, or null where it is not there in full."""
        path = self.path(place, name, etag)
        try:
            if path.stat().st_size != size:
                return None
        except OSError:
            return None
        self._touch(path)
        return path

    def trim(self) -> None:
        """Remove what was used longest ago, until the rest is within the limit."""
        files = sorted(self._files(), reverse=True)
        total = 0
        for _, size, path in files:
            total += size
            if total > self._limit:
                with contextlib.suppress(OSError):
                    os.unlink(path)

    def _make(self, folder: Path) -> None:
        folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        self._folder.chmod(0o700)

    def _files(self) -> Iterator[tuple[float, int, str]]:
        for folder, _, names in os.walk(self._folder):
            for name in names:
                path = os.path.join(folder, name)
                with contextlib.suppress(OSError):
                    state = os.stat(path)
                    yield state.st_mtime, state.st_size, path

    @staticmethod
    def _touch(path: Path) -> None:
        with contextlib.suppress(OSError):
            os.utime(path)
