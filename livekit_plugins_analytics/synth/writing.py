"""Invented records on disk: as objects in S3's layout, or as one file of lines."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

from ..lines import compressed
from .series import Dated


@dataclass(frozen=True)
class Written:
    """What has been written so far."""

    records: int
    bytes: int


def write(lines: Iterable[Dated], root: Path) -> Iterator[Written]:
    """Write each as ``{root}/sessions/year=.../{session_id}.json.gz``, as the writers do.

    Args:
        lines: The records.
        root: A directory; it is made.

    Yields:
        The sums after each record.
    """
    made: set[Path] = set()
    size = 0
    for number, each in enumerate(lines, start=1):
        path = root / "sessions" / each.name
        if path.parent not in made:
            path.parent.mkdir(parents=True, exist_ok=True)
            made.add(path.parent)
        body = compressed(each.text)
        path.write_bytes(body)
        size += len(body)
        yield Written(number, size)


def write_lines(lines: Iterable[Dated], path: Path) -> Iterator[Written]:
    """Write them into one file, a line each, as a log or Firehose has them.

    Yields:
        The sums after each record.
    """
    size = 0
    path.parent.mkdir(parents=True, exist_ok=True)
    with open(path, "wb") as file:
        for number, each in enumerate(lines, start=1):
            file.write(each.text + b"\n")
            size += len(each.text) + 1
            yield Written(number, size)
