"""Objects with records, wherever they are: what a source of them can do."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime
from typing import BinaryIO, Protocol

from .problem import Problem

RECORDS = (".json.gz", ".json", ".jsonl.gz", ".jsonl", ".ndjson.gz", ".ndjson", ".gz")
"""How names of objects with records end: ours, Firehose's, and those unpacked."""

THREADS = 16
"""Requests at a time: S3 answers each in 20 to 100 ms, whatever the others do."""


class LakeError(Exception):
    """What was asked for cannot be had; the text says why and what to do."""


@dataclass(frozen=True)
class Object:
    """One object or file, as a listing has it."""

    name: str
    """Its path below the source's root, with slashes."""
    size: int
    """Bytes."""
    modified: datetime
    """When it was last written: UTC; of S3 in whole seconds."""
    etag: str | None = None
    """S3's name of this content; null for files."""


@dataclass
class Folder:
    """One look into one folder."""

    objects: list[Object] = field(default_factory=list)
    folders: list[str] = field(default_factory=list)
    """Paths below the root, each with a slash at its end."""
    problems: list[Problem] = field(default_factory=list)


class Source(Protocol):
    """Where objects are: a directory, or a prefix of a bucket."""

    @property
    def path(self) -> str:
        """What the user calls it."""
        ...

    def look(self, folder: str, deep: bool) -> Folder:
        """List a folder.

        Args:
            folder: A path below the root with a slash at its end; "" is the root.
            deep: Whether the folders in it are listed as well, for a source that can.

        Raises:
            LakeError: It cannot be listed.
        """
        ...

    def read(self, name: str) -> tuple[bytes, str | None]:
        """An object's bytes, and their ETag where the source has such.

        Raises:
            LakeError: It cannot be read.
        """
        ...

    def save(self, name: str, file: BinaryIO) -> int:
        """Write an object to a file; returns its size.

        Raises:
            LakeError: It cannot be read.
            OSError: It cannot be written.
        """
        ...
