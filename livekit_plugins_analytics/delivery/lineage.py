"""What the revisions of one session share: their files, of which only the newest is sent."""

from __future__ import annotations

import threading
from collections.abc import Callable, Collection

from ..writers import Parcel
from .spool import Entry, Spool


class Busy(Exception):
    """Somebody else is sending an earlier revision right now."""


class Lineage:
    """The files of a session's revisions and each sink's turn; shared by threads.

    Args:
        token: Of the session's journal, which the files' names share.
    """

    def __init__(self, token: str | None = None) -> None:
        self._token = token
        self._lock = threading.Lock()
        # Oldest first; those of earlier revisions may have been sent and removed meanwhile.
        self._entries: list[Entry] = []
        self._turns: dict[str, threading.Lock] = {}

    def put(self, spool: Spool, parcel: Parcel, unless: Callable[[], bool]) -> Entry | None:
        """Write a parcel as the newest; None where ``unless`` says that a newer one comes.

        Raises:
            OSError: The disk is full, or gone.
        """
        with self._lock:
            if unless():
                return None
            after = self._entries[-1] if self._entries else None
            entry = spool.put(parcel, after=after, token=self._token)
            self._entries.append(entry)
            return entry

    def newest(
        self,
        spool: Spool,
        entry: Entry | None,
        sinks: Collection[str],
        unless: Callable[[], bool],
    ) -> Entry | None:
        """Make an entry the only file there is.

        Args:
            spool: Where.
            entry: The newest, held by the caller; None where the disk would not have it.
            sinks: Whose marks earlier files may have.
            unless: Says that a newer one comes: then nothing is done.

        Returns:
            The entry; without one, what is left of earlier revisions, held by the caller now: it
            stands in for the new one, and who confirms the new needs no old one.

        Raises:
            Busy: Not yet.
        """
        with self._lock:
            while not unless() and self._entries and self._entries[0] is not entry:
                first = self._entries[0]
                if entry is None and len(self._entries) == 1:
                    if first.share():
                        return first
                    again = spool.claim(first.path)
                    if again is None and first.path.exists():
                        raise Busy
                    return again
                # From the oldest on: without gaps, whoever looks for neighbours finds them.
                if not spool.retire(first, sinks):
                    raise Busy
                del self._entries[0]
            return entry

    def turn(self, sink: str) -> threading.Lock:
        """Held during an attempt: one revision at a time goes to a sink.

        Otherwise an attempt that hung could arrive after the next revision, and take its place.
        """
        return self._turns.setdefault(sink, threading.Lock())
