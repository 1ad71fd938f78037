"""One parcel's way out, as the one who sent it sees it."""

from __future__ import annotations

import threading
import time
from concurrent.futures import Future


class Hold:
    """Keeps a shipment back, spooled but not sent, until it is released or a time has passed.

    Evidence of how a call ended may arrive a moment after its close; sending twice for it
    would double every sink's traffic.
    """

    def __init__(self, seconds: float | None) -> None:
        self._until = None if seconds is None else time.monotonic() + seconds
        self._changed = threading.Condition()
        self._released = False

    def extend(self, seconds: float) -> None:
        """Wait up to this many seconds from now, if that is longer."""
        with self._changed:
            if self._until is not None:
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
            return self._released or (self._until is not None and time.monotonic() >= self._until)

    def wait(self) -> None:
        """Block the calling thread until the shipment may go."""
        with self._changed:
            while not self._released:
                left = None if self._until is None else self._until - time.monotonic()
                if left is not None and left <= 0:
                    return
                self._changed.wait(left)


class Shipment:
    """A parcel on its way."""

    def __init__(self, hold: Hold | None = None) -> None:
        self.spooled: Future[bool] = Future()
        """Done when the parcel is on disk: True, or False where the disk would not take it."""
        self.delivered: Future[bool] = Future()
        """Done when sending has ended: True where every sink has confirmed."""
        self.hold = hold
        self.places: dict[str, str] = {}
        """Where each sink that has confirmed put it."""
        self._superseded = threading.Event()

    def supersede(self) -> None:
        """A later revision follows: no new attempt is begun for this one."""
        self._superseded.set()
        if self.hold:
            self.hold.release()

    @property
    def superseded(self) -> bool:
        """Whether a later revision takes its place."""
        return self._superseded.is_set()

    def pause(self, seconds: float) -> None:
        """Block the calling thread between two attempts."""
        self._superseded.wait(seconds)
