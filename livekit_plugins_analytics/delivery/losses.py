"""How many records did not reach every sink, by reason; one small file for all processes.

What goes to `dead/` counts, for no process tries to send it again; it counts no more once somebody
brings it back.
"""

from __future__ import annotations

import json
import os
import sys
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO, TypeVar

from ..log import logger
from .lock import is_at, try_lock, unlock

FILE = "lost.json"

EXPIRED = "expired"
"""Waited longer than the spool's limit."""
OVER_LIMIT = "over_limit"
"""Was among the oldest where more waited than the spool's limit."""
REFUSED = "refused"
"""A sink will never take it."""
UNREADABLE = "unreadable"
"""A file that is damaged, or written by another version."""
MEMORY = "memory"
"""Reached neither the disk nor every sink."""
JOURNAL_UNREADABLE = "journal_unreadable"
"""A killed process' journal that no record could be made of."""
DELETED = "deleted"
"""Was removed from `dead/`, which is bounded too."""

# Whoever changes the file holds it for the time of a write and an fsync.
_PATIENCE_SECONDS = 1.0
_LOOK_SECONDS = 0.005

T = TypeVar("T")


class _Tally:
    """Losses by reason, and how many of each some record has told."""

    def __init__(self) -> None:
        self.lost: Counter[str] = Counter()
        self.told: Counter[str] = Counter()

    def add(self, reason: str, count: int) -> None:
        self.lost[reason] += count
        if count < 0:
            # Those that came back are the older ones, and have been told. The other way round a
            # later loss would be hidden behind them.
            self.told[reason] += max(count, -self.told[reason])

    def move(self, reason: str, to: str, count: int) -> None:
        count = min(count, self.lost[reason])
        told = min(count, self.told[reason])
        for counter, moved in ((self.lost, count), (self.told, told)):
            counter[reason] -= moved
            counter[to] += moved

    def take(self) -> int:
        untold = self.untold
        self.told = +self.lost
        return untold

    @property
    def untold(self) -> int:
        # The subtraction leaves out what is not positive.
        return sum((self.lost - self.told).values())

    def __add__(self, other: _Tally) -> _Tally:
        both = _Tally()
        for tally in (self, other):
            both.lost.update(tally.lost)
            both.told.update(tally.told)
        # More may have come back than was known of.
        both.lost, both.told = +both.lost, +both.told & +both.lost
        return both

    def __bool__(self) -> bool:
        return any(self.lost.values()) or any(self.told.values())

    def written(self) -> bytes:
        return json.dumps({"lost": +self.lost, "told": +self.told}, sort_keys=True).encode() + b"\n"

    @classmethod
    def read(cls, text: bytes) -> _Tally:
        """What was written; nothing where that cannot be told."""
        tally = cls()
        if not text:
            return tally
        try:
            data = json.loads(text)
            for name in ("lost", "told"):
                counts = {str(reason): int(count) for reason, count in data[name].items()}
                getattr(tally, name).update(counts)
        except (AttributeError, KeyError, TypeError, ValueError):
            logger.error("the spool's %s is damaged: its counts begin again", FILE)
            return cls()
        return tally


class Losses:
    """The counts of one spool. Any thread and any process may use them; none of it raises.

    What the disk does not take is kept in this process until it does.

    Args:
        directory: Where the file is; None: this process' counts only.
    """

    def __init__(self, directory: Path | None) -> None:
        self._path = directory / FILE if directory else None
        self._lock = threading.Lock()
        self._unwritten = _Tally()

    def add(self, reason: str, count: int = 1) -> None:
        """Count losses; those that came back where the count is negative."""
        self._change(lambda tally: tally.add(reason, count))

    def move(self, reason: str, to: str, count: int = 1) -> None:
        """Count losses under another reason, without telling them again."""
        self._change(lambda tally: tally.move(reason, to, count))

    def total(self) -> dict[str, int]:
        """All losses so far, by reason."""
        with self._lock:
            return dict(sorted((self._read() + self._unwritten).lost.items()))

    def take(self) -> int:
        """How many losses no record has told yet; from now on they are told."""
        with self._lock:
            if not self._unwritten and not self._read().untold:
                return 0
        return self._change(_Tally.take)

    def _change(self, change: Callable[[_Tally], T]) -> T:
        with self._lock:
            try:
                with self._locked() as file:
                    tally = _Tally.read(file.read()) + self._unwritten
                    result = change(tally)
                    self._write(tally, file)
                    self._unwritten = _Tally()
                    return result
            except OSError:
                return change(self._unwritten)

    def _read(self) -> _Tally:
        """What is in the file, which is never there by half."""
        try:
            return _Tally.read(self._path.read_bytes()) if self._path else _Tally()
        except OSError:
            return _Tally()

    @contextmanager
    def _locked(self) -> Iterator[IO[bytes]]:
        """The file, held.

        Raises:
            OSError: There is none, and none can be made, or it stays held by another.
        """
        if self._path is None:
            raise FileNotFoundError
        end = time.monotonic() + _PATIENCE_SECONDS
        while True:
            file = os.fdopen(os.open(self._path, os.O_RDWR | os.O_CREAT, 0o600), "r+b")
            try:
                # Who held it before has put another file in its place.
                if try_lock(file) and is_at(self._path, file):
                    yield file
                    return
            finally:
                unlock(file)
            if time.monotonic() > end:
                raise BlockingIOError
            time.sleep(_LOOK_SECONDS)

    def _write(self, tally: _Tally, file: IO[bytes]) -> None:
        """Put a new file in the place of the one that is held."""
        if sys.platform == "win32":  # pragma: no cover  # an open file cannot be replaced there
            file.seek(0)
            file.truncate()
            file.write(tally.written())
            file.flush()
        else:
            self._replace(tally.written())

    def _replace(self, content: bytes) -> None:
        assert self._path
        # Only who holds the old file writes a new one: one name is enough, and what a process
        # that was killed left under it is written over.
        new = self._path.with_suffix(".new")
        with os.fdopen(os.open(new, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "wb") as made:
            made.write(content)
            made.flush()
            os.fsync(made.fileno())
        os.replace(new, self._path)
