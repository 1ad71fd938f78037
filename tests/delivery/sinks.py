"""Sinks and parcels for the tests, and a way to wait for the courier's threads."""

from __future__ import annotations

import os
import resource
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from livekit_plugins_analytics.delivery import Shipment, Spool
from livekit_plugins_analytics.delivery.threads import start_soon
from livekit_plugins_analytics.errors import SinkError
from livekit_plugins_analytics.testing import MemoryWriter
from livekit_plugins_analytics.writers import Parcel
from tests.writers.parcels import parcel

# The budget where nothing is to be cut off by it.
LONG = 30.0
# The budget where it is waited out.
SHORT = 0.3
# What a busy machine may add to a time that is measured.
MARGIN = 1.5

# More than a nearly full disk takes.
BIG = b"x" * 200_000

# The longest a test waits for something on this machine before it fails.
PATIENCE = 10.0

DOWN = SinkError("memory", "SlowDown", retryable=True)
DENIED = SinkError("memory", "AccessDenied", retryable=False, fix="Allow it.")
TOO_LARGE = SinkError("memory", "EventTooLarge", retryable=False, final=True)


def made(session_id: str = "s1", **changes: Any) -> Parcel:
    """Return a session's parcel."""
    name = f"year=2026/month=07/day=04/{session_id}.json.gz"
    record = {"session_id": session_id, "revision": changes.get("revision", 1)}
    return parcel(record, **{"session_id": session_id, "name": name, **changes})


class Sink(MemoryWriter):
    """A sink in memory with a name, that counts its attempts and can be made to hang."""

    def __init__(self, name: str = "memory", fail_with: SinkError | None = None) -> None:
        super().__init__(fail_with)
        self.name = name
        self.attempts: list[Parcel] = []
        self.asked = threading.Semaphore(0)
        """Released by each attempt as it begins."""
        self.open = threading.Event()
        """Clear: attempts hang until it is set, then end as `fail_with` says."""
        self.open.set()

    def write(self, parcel: Parcel) -> str:
        """Note the attempt; see `MemoryWriter.write`."""
        self.attempts.append(parcel)
        self.asked.release()
        assert self.open.wait(PATIENCE)
        return super().write(parcel)

    def wait_for_attempt(self) -> None:
        """Wait until another attempt has begun."""
        assert self.asked.acquire(timeout=PATIENCE)


class Choosy(Sink):
    """A sink that refuses the parcels of some sessions."""

    def __init__(self, refused: dict[str, SinkError], name: str = "memory") -> None:
        super().__init__(name)
        self._refused = refused

    def write(self, parcel: Parcel) -> str:
        """Refuse the parcel, or keep it."""
        self.fail_with = self._refused.get(parcel.session_id)
        return super().write(parcel)


def left(spool: Spool, *parcels: Parcel) -> None:
    """Leave parcels in the spool as a process that died would, oldest first."""
    for age, each in enumerate(reversed(parcels)):
        entry = spool.put(each)
        entry.release()
        os.utime(entry.path, (time.time() - age,) * 2)


def sent(sink: Sink) -> list[tuple[str, int]]:
    """Session and revision of each parcel that a sink has."""
    return [(each.session_id, each.revision) for each in sink.parcels]


def asked(sink: Sink) -> list[str]:
    """The session of each attempt."""
    return [each.session_id for each in sink.attempts]


def delivered(shipment: Shipment) -> bool:
    """Wait for a shipment's end."""
    return shipment.delivered.result(PATIENCE)


@contextmanager
def nearly_full_disk(room: int = len(BIG) // 2) -> Iterator[None]:
    """The disk takes no file of more bytes than these; by default none as big as `BIG`."""
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (room, hard))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))


def join(name: str) -> None:
    """Wait for the threads of a name to end."""
    for thread in threading.enumerate():
        if thread.name == name:
            thread.join(PATIENCE)
            assert not thread.is_alive(), name


def begun() -> None:
    """Wait until every thread that was asked for so far has been started."""
    last = threading.Event()
    start_soon("last", last.set, last.set)
    assert last.wait(PATIENCE)


def settled() -> None:
    """Wait for every thread of every courier to end; the one that starts them stays."""
    begun()
    for thread in threading.enumerate():
        if thread.name.startswith("analytics-") and thread.name != "analytics-starter":
            thread.join(PATIENCE)
            assert not thread.is_alive(), thread.name


def files(directory: Path) -> list[str]:
    """The names of all files in a folder and below."""
    return sorted(
        each.relative_to(directory).as_posix() for each in directory.rglob("*") if each.is_file()
    )
