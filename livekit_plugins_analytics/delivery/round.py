"""One parcel goes to several sinks at once, each in a thread of its own."""

from __future__ import annotations

import threading
from collections.abc import Callable, Container, Iterable
from functools import partial

from ..errors import SinkError
from ..writers import Parcel
from .pool import Pool
from .sinks import Sink
from .spool import Entry, Spool
from .threads import start

Attempt = Callable[["Round", Sink], object]
"""What is done for a sink, in its thread: calls `Round.send` until that is enough."""


class Round:
    """Who has confirmed a parcel, and who is still at it.

    It outlives the wait for it: the file stays under its lock until the last attempt has ended,
    so that nobody else sends what may just be arriving, and a late confirmation counts.

    Args:
        parcel: What is sent.
        sinks: All that must have it.
        spool: Where the parcel's file is, if it has one.
        entry: The file. The round releases it.
        having: Those that have it already.
        pool: Whose threads do it; None: new ones, of this round alone.
    """

    def __init__(
        self,
        parcel: Parcel,
        sinks: Iterable[Sink],
        spool: Spool | None,
        entry: Entry | None,
        having: Iterable[str] = (),
        pool: Pool | None = None,
    ) -> None:
        self.parcel = parcel
        self.errors: dict[str, SinkError] = {}
        """Each sink's latest failure."""
        self._sinks = {sink.name: sink for sink in sinks}
        self._spool = spool
        self._entry = entry
        self._start = pool.start if pool else partial(start, "send")
        self._lock = threading.Lock()
        self._missing = self._sinks.keys() - having
        self._running: set[str] = set()
        self._released = False
        self._over = threading.Event()

    def begin(self, attempt: Attempt, without: Container[str] = ()) -> None:
        """Ask the sinks that lack it, except some; returns at once."""
        asked = [name for name in self.missing if name not in without]
        self._running = set(asked)
        if not asked:
            self._finish()
        for name in asked:
            try:
                self._start(self._ask, self._sinks[name], attempt)
            except RuntimeError:  # no more threads: the file stays
                self.errors[name] = SinkError(name, "NoThread", retryable=True)
                self._ended(name)

    def send(self, sink: Sink) -> str:
        """One attempt, in the sink's thread.

        Raises:
            SinkError: Not confirmed.
        """
        try:
            place = sink.write(self.parcel)
        except SinkError as error:
            self.errors[sink.name] = error
            raise
        with self._lock:
            self._missing.discard(sink.name)
            # The last one needs no mark: the file goes.
            if self._entry and self._spool and (self._missing or self._released):
                self._spool.confirm(self._entry, sink.name)
        sink.log(place)
        return place

    def wait(self, seconds: float) -> bool:
        """Wait for all attempts to end, at most so long; True where every sink has confirmed."""
        self._over.wait(max(seconds, 0))
        return not self.missing

    @property
    def missing(self) -> list[str]:
        """The sinks that have not confirmed."""
        with self._lock:
            return [name for name in self._sinks if name in self._missing]

    def abandon(self) -> None:
        """Let go of the file although attempts go on; they have had their time."""
        with self._lock:
            if not self._released and self._running:
                self._released = True
                if self._entry:
                    self._entry.release()

    def _ask(self, sink: Sink, attempt: Attempt) -> None:
        try:
            attempt(self, sink)
        except SinkError:
            pass  # logged, and noted in `errors`
        finally:
            self._ended(sink.name)

    def _ended(self, name: str) -> None:
        with self._lock:
            self._running.discard(name)
            last = not self._running
        if last:
            self._finish()

    def _finish(self) -> None:
        """All attempts are over: the file goes, or may be taken by anybody."""
        try:
            with self._lock:
                late, self._released = self._released, True
                if not (self._spool and self._entry):
                    return
                if late:
                    self._spool.settle(self._entry, self._sinks)
                elif self._missing:
                    self._entry.release()
                else:
                    self._spool.remove(self._entry, self._sinks)
        finally:
            self._over.set()
