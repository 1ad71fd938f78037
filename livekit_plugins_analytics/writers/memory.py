"""Records in memory, for tests."""

from __future__ import annotations

import gzip
import json
import threading
from typing import Any

from ..errors import SinkError
from .writer import Parcel


class MemoryWriter:
    """A sink that keeps what it is given, and fails when told to.

    Args:
        fail_with: Raised by each write until it is set to None; nothing is kept meanwhile.
    """

    name = "memory"

    def __init__(self, fail_with: SinkError | None = None) -> None:
        self.fail_with = fail_with
        self._parcels: list[Parcel] = []
        self._arrived = threading.Condition()

    def prepare(self) -> None:
        """Do nothing."""

    def write(self, parcel: Parcel) -> str:
        """Keep the parcel, also when it is there already.

        Raises:
            SinkError: `fail_with`.
        """
        if failure := self.fail_with:
            raise failure
        with self._arrived:
            self._parcels.append(parcel)
            self._arrived.notify_all()
        return f"memory:{parcel.name}"

    @property
    def parcels(self) -> list[Parcel]:
        """All parcels so far, oldest first."""
        with self._arrived:
            return list(self._parcels)

    @property
    def records(self) -> list[dict[str, Any]]:
        """The records in the parcels, oldest first, without probes."""
        return [json.loads(gzip.decompress(each.body)) for each in self.parcels if not each.probe]

    def wait(self, count: int = 1, timeout: float = 10.0) -> list[Parcel]:
        """Wait for so many parcels and return all.

        Blocks: call it through ``asyncio.to_thread`` inside an event loop.

        Args:
            count: How many parcels, from the writer's start.
            timeout: Seconds.

        Raises:
            TimeoutError: There were fewer after ``timeout`` seconds.
        """
        with self._arrived:
            if not self._arrived.wait_for(lambda: len(self._parcels) >= count, timeout):
                raise TimeoutError(f"{len(self._parcels)} of {count} parcels within {timeout} s")
            return list(self._parcels)
