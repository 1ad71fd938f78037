"""Empty files beside a parcel's: which sinks have confirmed it, and that its turn comes later."""

from __future__ import annotations

import contextlib
import os
from collections.abc import Collection
from pathlib import Path

from ..log import logger
from .disk import files, unlink
from .names import LATER, MARK, labelled, later, mark, marked, parcel_of


class Marks:
    """The marks in a spool.

    Args:
        directory: The spool's directory.
    """

    def __init__(self, directory: Path) -> None:
        self._directory = directory

    def confirm(self, path: Path, sink: str) -> None:
        """Note that a sink has the parcel, if that still waits."""
        done = mark(path, sink)
        try:
            _make(done)
            # After it, not before: who removes the parcel now removes the mark as well.
            if not path.exists():
                unlink(done)
        except OSError as error:
            # Nothing is lost: the sink gets the same once more.
            if path.exists():
                logger.warning("a confirmation could not be noted in the spool: %s", error.strerror)

    def confirmed(self, path: Path, sinks: Collection[str]) -> set[str]:
        """Those of the sinks that have the parcel."""
        return {sink for sink in sinks if mark(path, sink).exists()}

    def labels(self) -> dict[Path, list[str]]:
        """Who has which parcel, by names as they are in the marks' own."""
        found: dict[Path, list[str]] = {}
        for path, label in map(marked, files(self._directory, MARK)):
            found.setdefault(path, []).append(label)
        return found

    def restore(self, path: Path, labels: Collection[str]) -> bool:
        """Mark a parcel for those that had it before; False where the disk does not do it."""
        try:
            for label in labels:
                _make(labelled(path, label))
        except OSError as error:
            logger.warning("a confirmation could not be noted in the spool: %s", error.strerror)
            return False
        return True

    def clear(self, path: Path, labels: Collection[str]) -> None:
        """Remove the marks of a parcel that is gone."""
        for label in labels:
            unlink(labelled(path, label))
        unlink(later(path))

    def postpone(self, path: Path) -> None:
        """Note that the parcel's turn comes after all that wait now."""
        # The parcel's own time says since when it waits, and stays.
        with contextlib.suppress(OSError):
            if path.exists():
                later(path).touch(mode=0o600)

    def postponed(self) -> dict[Path, float]:
        """When parcels were postponed, in Unix seconds."""
        found = {}
        for path in files(self._directory, LATER):
            with contextlib.suppress(FileNotFoundError):
                found[parcel_of(path)] = path.stat().st_mtime
        return found

    def tidy(self) -> None:
        """Remove marks without a parcel.

        They are made after it, and it goes before them: so these were left over, whoever may be at
        work here.
        """
        for path in files(self._directory, MARK, LATER):
            parcel = marked(path)[0] if path.suffix == MARK else parcel_of(path)
            if not parcel.exists():
                unlink(path)


def _make(mark: Path) -> None:
    os.close(os.open(mark, os.O_WRONLY | os.O_CREAT, 0o600))
