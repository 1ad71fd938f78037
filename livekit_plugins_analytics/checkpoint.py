"""Copies in S3 of what is known of live calls, for containers whose disk dies with them.

A checkpoint is the record that recovery would make of the call's journal at that moment. It lies
beside the records, under ``checkpoints/``, never among them; `promotion` makes a record of one
that no final record followed.
"""

from __future__ import annotations

import functools
import threading
import time
from pathlib import Path

from .delivery.journal import lines_of
from .delivery.threads import start
from .desk import desk
from .errors import SinkError
from .log import logger
from .settings import Settings
from .writers import Parcel, Writer, checkpoint_writer


class Checkpoints:
    """The checkpoints of one call. Used by the scribe's thread; the network has another.

    Args:
        settings: How often, and where to.
        writer: The sink; found by the settings where it is not given.
    """

    def __init__(self, settings: Settings, writer: Writer | None = None) -> None:
        self._settings = settings
        self._writer = writer
        self._every = settings.checkpoint_seconds
        self._due_at = time.monotonic() + (self._every or 0)
        self._size = 0
        self._sending = threading.Lock()
        self._failed = False

    def hurry(self) -> None:
        """What was sent says something else than the journal: the next look sends another."""
        if self._every is not None and self._size:
            self._due_at, self._size = time.monotonic(), 0

    def look(self, journal: Path, size: int) -> None:
        """Send a checkpoint, if it is time and something is new.

        Args:
            journal: The call's.
            size: Its bytes.
        """
        if self._every is None or time.monotonic() < self._due_at or size == self._size:
            return
        if not self._sending.acquire(blocking=False):
            return  # the last one is still on its way
        self._due_at = time.monotonic() + self._every
        self._size = size
        try:
            start("checkpoint", self._send, journal)
        except RuntimeError:
            self._sending.release()

    def _send(self, journal: Path) -> None:
        try:
            writer = self._writer or _writer_for(self._settings)
            if writer is not None:
                writer.write(_parcel(journal, self._settings))
        except FileNotFoundError:
            pass  # the call is over, and its record is safe
        except Exception as error:
            self._complain(str(error) if isinstance(error, SinkError) else type(error).__name__)
        finally:
            self._sending.release()

    def _complain(self, reason: str) -> None:
        if not self._failed:
            self._failed = True
            logger.warning("a call's checkpoint was not stored (%s); it is tried again", reason)


@functools.lru_cache(maxsize=4)
def _writer_for(settings: Settings) -> Writer | None:
    """One client for all calls of a process."""
    return checkpoint_writer(settings)


def _parcel(journal: Path, settings: Settings) -> Parcel:
    # Not above: few calls have checkpoints.
    from .recovery import record_of
    from .replay import replayed

    lines = lines_of(journal)
    with desk().seated():
        replay = replayed(lines, time.time())
    # A checkpoint is one object. A transcript of its own stays at home until the call is over.
    return record_of(replay, settings, lost_before=0, words=False)
