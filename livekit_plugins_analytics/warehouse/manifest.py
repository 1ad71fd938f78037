"""What a partition of Parquet was made of: a file beside its parts, which no engine reads.

``_manifest.jsonl.gz``: the first line sums up, each further one is an object that was read. Names
that begin with ``_`` are hidden from Athena, Spark and Trino.
"""

from __future__ import annotations

import gzip
import hashlib
import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from datetime import date, datetime, timezone
from typing import Any

from ..record import SCHEMA_VERSION
from ..version import __version__

NAME = "_manifest.jsonl.gz"

# Of this file's own format.
_VERSION = 1


@dataclass(frozen=True)
class Part:
    """One Parquet file of a partition."""

    name: str
    rows: int
    bytes: int


@dataclass(frozen=True)
class Entry:
    """One object that was read."""

    name: str
    """Its path below the source's root."""
    version: str
    """Its ETag, or of a file when it was last written; "" where it could not be fetched, so that
    the next run tries again."""
    size: int
    rows: int = 0
    """Rows that it gave."""
    duplicates: int = 0
    """Records that the partition had already: the same session and revision."""
    problems: tuple[tuple[int | None, str, str], ...] = ()
    """Line, severity and reason of what was wrong with it."""

    @property
    def unreadable(self) -> int:
        """Lines of it that are in no row."""
        return sum(severity == "error" for _, severity, _ in self.problems)


@dataclass
class Manifest:
    """A finished partition."""

    day: date
    source: str
    parts: list[Part]
    entries: dict[str, Entry]
    """By name."""
    originals_deleted: bool = False
    """Whether objects were deleted by us after their rows were counted: that they are gone is no
    reason to take their rows out."""
    made_at: str = field(
        default_factory=lambda: datetime.now(timezone.utc).isoformat(timespec="seconds")
    )

    @property
    def rows(self) -> int:
        """Rows of all parts."""
        return sum(part.rows for part in self.parts)

    def packed(self) -> bytes:
        """The manifest as its file's content; the same manifest is the same bytes."""
        head = {
            "manifest": _VERSION,
            "day": self.day.isoformat(),
            "source": self.source,
            "objects": len(self.entries),
            "rows": self.rows,
            "duplicates": sum(each.duplicates for each in self.entries.values()),
            "unreadable": sum(each.unreadable for each in self.entries.values()),
            "parts": [asdict(part) for part in self.parts],
            "originals_deleted": self.originals_deleted,
            "schema_version": SCHEMA_VERSION,
            "plugin_version": __version__,
            "made_at": self.made_at,
        }
        lines: list[dict[str, Any]] = [head]
        lines += [asdict(self.entries[name]) for name in sorted(self.entries)]
        text = "".join(json.dumps(line, separators=(",", ":")) + "\n" for line in lines)
        return gzip.compress(text.encode(), compresslevel=6, mtime=0)


def unpacked(body: bytes) -> Manifest | None:
    """A manifest's content; None where it is of another format, or none at all."""
    try:
        head, *lines = (json.loads(line) for line in gzip.decompress(body).splitlines())
        if head["manifest"] != _VERSION:
            return None
        entries = [
            Entry(**{**line, "problems": tuple(map(tuple, line["problems"]))}) for line in lines
        ]
        return Manifest(
            date.fromisoformat(head["day"]),
            head["source"],
            [Part(**part) for part in head["parts"]],
            {each.name: each for each in entries},
            head["originals_deleted"],
            head["made_at"],
        )
    except (OSError, EOFError, ValueError, KeyError, TypeError):
        return None


def generation(versions: Mapping[str, str]) -> str:
    """What tells the parts made of these objects from those made of others: 12 digits."""
    digest = hashlib.sha256()
    for name in sorted(versions):
        digest.update(f"{name}\0{versions[name]}\0".encode("utf-8", "replace"))
    return digest.hexdigest()[:12]
