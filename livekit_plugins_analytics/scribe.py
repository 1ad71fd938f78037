"""The thread that keeps the journals of a process' live calls."""

from __future__ import annotations

import os
import sys
import threading
import time
from collections.abc import Callable
from typing import TYPE_CHECKING

from .checkpoint import Checkpoints
from .delivery.journal import Full, Journal
from .delivery.names import new_token
from .delivery.threads import start_soon
from .desk import desk, hurried
from .log import logger
from .pages import Pages
from .privacy import Discretion
from .settings import Settings

if TYPE_CHECKING:
    from .call import Capture
    from .delivery import Spool

# Between two signs of life of a call in which nothing happens. The end of one that crashes is
# known to within this time.
BEAT_SECONDS = 5.0


class Logbook:
    """The journal of one call. Any thread may call it; none ever waits for the disk.

    Args:
        session_id: The call's record.
        settings: What the record, and so the journal, may hold.
        spool: Finds the spool; called in the scribe's thread.
        discretion: What may be told of the call; by the settings where it is not given.
    """

    def __init__(
        self,
        session_id: str,
        settings: Settings,
        spool: Callable[[], Spool | None],
        discretion: Discretion | None = None,
    ) -> None:
        self.token = new_token()
        """The session's record shares it."""
        self.failures = 0
        """How often the disk would not take what was to be written."""
        self._session_id = session_id
        self._pages = Pages(settings, discretion)
        self._checkpoints = Checkpoints(settings)
        self._spool = spool
        self._journal: Journal | None = None
        self._closed = False
        self._finished = False

    def keep(self, capture: Capture) -> None:
        """Have what is new in a capture written. Of two at once, the later is enough."""
        if not self._closed:
            _scribe.add(self, capture)

    def close(self, *, safe: bool) -> None:
        """The call is over.

        Args:
            safe: Its record is on disk or delivered; else the journal is left for recovery.
        """
        if not self._closed:
            self._closed = True
            _scribe.end(self, safe)

    def write(self, capture: Capture) -> None:
        """In the scribe's thread: write it."""
        if self._finished:
            return
        try:
            with desk().seated():
                change = self._pages.turn(capture)
                lines = self._pages.lines(capture)
            if change and self._journal is not None:
                self._rewrite(self._journal, lines, private=change == "less")
            elif self._journal is None:
                spool = self._spool()
                if spool is None:
                    self._finished = True
                    return
                self._journal = Journal(spool, self._session_id, self.token, lines)
            elif lines:
                self._journal.append(lines)
            self._pages.written()
        except (OSError, Full) as error:
            # The next capture has all that this one had, so nothing is lost if the disk recovers.
            self._failed(error)

    def _rewrite(self, journal: Journal, lines: bytes, *, private: bool) -> None:
        """Something else may be told of the call than what was written."""
        try:
            journal.rewrite(lines)
        except (OSError, Full):
            if private:
                # What may not be told does not stay, whatever it costs.
                self._journal = None
                journal.discard()
            raise
        self._checkpoints.hurry()

    def beat(self) -> None:
        """In the scribe's thread: the call lives."""
        if self._journal is not None:
            self._journal.beat()
            self._journal.sync()
            self._checkpoints.look(self._journal.path, self._journal.size)

    def finish(self, safe: bool) -> None:
        """In the scribe's thread: nothing more comes."""
        self._finished = True
        if self._journal is not None:
            if safe:
                self._journal.discard()
            else:
                self._journal.leave()
            self._journal = None

    def _failed(self, error: Exception) -> None:
        self.failures += 1
        if self.failures == 1:
            reason = error.strerror if isinstance(error, OSError) else "it has grown too large"
            logger.warning(
                "the journal of session %s is not kept up (%s): what happens from now on is lost "
                "if this process is killed",
                self._session_id,
                reason,
            )


class _Scribe:
    """One thread per process, begun with the first journal."""

    def __init__(self) -> None:
        self._changed = threading.Condition()
        self._pending: dict[Logbook, Capture] = {}
        self._ended: dict[Logbook, bool] = {}
        self._open: set[Logbook] = set()
        self._running = False

    def add(self, logbook: Logbook, capture: Capture) -> None:
        with self._changed:
            self._open.add(logbook)
            self._pending[logbook] = capture
            self._wake()

    def end(self, logbook: Logbook, safe: bool) -> None:
        with self._changed:
            if logbook in self._open:
                self._ended[logbook] = safe
                self._wake()

    def _wake(self) -> None:
        if not self._running:
            self._running = True
            start_soon("scribe", self._run, self._not_now)
        self._changed.notify()

    def _not_now(self) -> None:
        """There is no thread; the next capture tries again."""
        with self._changed:
            self._running = False

    def _run(self) -> None:
        beat_at = time.monotonic() + BEAT_SECONDS
        while True:
            with self._changed:
                if not (self._pending or self._ended):
                    self._changed.wait(max(beat_at - time.monotonic(), 0))
                pending, self._pending = self._pending, {}
                ended, self._ended = self._ended, {}
                self._open -= ended.keys()
                living = set(self._open)
                if not (living or ended):
                    self._running = False
                    return
            with hurried():
                for logbook, capture in pending.items():
                    _guarded(logbook.write, capture)
                for logbook, safe in ended.items():
                    _guarded(logbook.finish, safe)
                if time.monotonic() >= beat_at:
                    for logbook in living:
                        _guarded(logbook.beat)
                    beat_at = time.monotonic() + BEAT_SECONDS


def _guarded(work: Callable[..., None], *args: object) -> None:
    """One call's journal never costs another's."""
    try:
        work(*args)
    except Exception as error:
        logger.error("a journal could not be written (%s)", type(error).__name__)


_scribe = _Scribe()


def _start_afresh() -> None:  # pragma: no cover  # runs in forked children
    """A forked child has its parent's journals in memory, but they are the parent's."""
    global _scribe
    _scribe = _Scribe()


if sys.platform != "win32":  # pragma: no branch
    os.register_at_fork(after_in_child=_start_afresh)
