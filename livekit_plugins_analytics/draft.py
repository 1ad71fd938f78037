"""A record until it is sent: the event loop may still add to it, a thread makes it final."""

from __future__ import annotations

import dataclasses
import threading
from collections.abc import Callable

from .call import Capture
from .delivery import Hold


class Draft:
    """The latest capture of a call, shared by the event loop and the courier's thread.

    Args:
        capture: What was copied at the close.
        hold: Keeps it from being sent; until it is over the draft is only spooled.
        job_ending_at: When the job's last hooks began, or None; asked when the hold is over.
    """

    def __init__(
        self, capture: Capture, hold: Hold | None, job_ending_at: Callable[[], float | None]
    ) -> None:
        self.hold = hold
        self._latest = capture
        self._final: Capture | None = None
        self._job_ending_at = job_ending_at
        self._lock = threading.Lock()

    @property
    def capture(self) -> Capture:
        """What was sent, or would be sent now."""
        with self._lock:
            return self._final or self._latest

    @property
    def open(self) -> bool:
        """Whether it is still held back."""
        with self._lock:
            return self._final is None and self.hold is not None and not self.hold.over

    def update(self, capture: Capture) -> bool:
        """Replace the capture.

        Returns:
            False where it is final already: a change needs a revision.
        """
        with self._lock:
            if self._final is not None:
                return False
            self._latest = capture
            return True

    def take(self) -> Capture:
        """What to make the record of; final unless the hold goes on. For the courier's thread."""
        with self._lock:
            if self._final is not None:
                return self._final
            latest = self._latest
            if self.hold is None:
                self._final = latest
            elif self.hold.over:
                # No more evidence is awaited: what is known now is all there will be.
                known = latest.evidence.job_ending_at
                evidence = dataclasses.replace(
                    latest.evidence,
                    settled=True,
                    job_ending_at=self._job_ending_at() if known is None else known,
                )
                latest = self._final = dataclasses.replace(latest, evidence=evidence)
            return latest
