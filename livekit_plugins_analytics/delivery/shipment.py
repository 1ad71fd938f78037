"""One parcel's way out, as the one who sent it sees it."""

from __future__ import annotations

import threading
import time
from concurrent.futures import Future

from .lineage import Lineage


class Hold:
    """Keeps a shipment back, spooled but not sent, until it is released or a time has passed.

    Evidence of how a call ended may arrive a moment after its close; sending twice for it
    would double every sink's traffic. Once it is over it stays over.
    """

    def __init__(self, seconds: float | None) -> None:
        self._until = None if seconds is None else time.monotonic() + seconds
        self._changed = threading.Condition()
        self._released = False

    def extend(self, seconds: float) -> None:
        """Wait up to this many seconds from now, if that is longer and it is not over."""
        with self._changed:
            if self._until is not None and not self._is_over():
                self._until = max(self._until, time.monotonic() + seconds)
                self._changed.notify_all()

    def release(self) -> None:
        """Send now."""
        with self._changed:
            self._released = True
            self._changed.notify_all()

    @property
    def over(self) -> bool:
        """Whether the shipment may go: released, or the time has passed."""
        with self._changed:
            return self._is_over()

    def wait(self) -> None:
        """Block the calling thread until the shipment may go."""
        with self._changed:
            while not self._is_over():
                self._changed.wait(
                    None if self._until is None else max(self._until - time.monotonic(), 0)
                )

    def _is_over(self) -> bool:
        return self._released or (self._until is not None and time.monotonic() >= self._until)


class Shipment:
    """A parcel on its way.

    Args:
        hold: What keeps it back.
        after: The same session's earlier shipment, which this one takes the place of.
        token: Of the session's journal.
    """

    def __init__(
        self, hold: Hold | None = None, after: Shipment | None = None, token: str | None = None
    ) -> None:
        self.spooled: Future[bool] = Future()
        """Done when the parcel is on disk: True, or False where the disk would not take it or a
        later revision was faster."""
        self.delivered: Future[bool] = Future()
        """Done when sending has ended: True where every sink has confirmed."""
        for future in (self.spooled, self.delivered):
            future.set_running_or_notify_cancel()  # nobody who waits can cancel it
        self.hold = hold
        self.places: dict[str, str] = {}
        """Where each sink that has confirmed put it."""
        self.lineage: Lineage = after.lineage if after else Lineage(token)
        """What it shares with the session's other revisions."""
        self._superseded = threading.Event()
        self._after = after
        if after:
            after.supersede()

    def supersede(self) -> None:
        """A later revision follows: no new attempt is begun for this one."""
        self._superseded.set()
        if self.hold:
            self.hold.release()

    @property
    def superseded(self) -> bool:
        """Whether a later revision takes its place."""
        return self._superseded.is_set()

    def reached(self, sink: str) -> bool:
        """Whether a sink has this, or an earlier revision, or is about to: an attempt goes on.

        Args:
            sink: Its name.
        """
        if sink in self.places or self.lineage.turn(sink).locked():
            return True
        return self._after is not None and self._after.reached(sink)

    def pause(self, seconds: float) -> None:
        """Block the calling thread between two attempts."""
        self._superseded.wait(max(seconds, 0))
