"""What an ending leaves: records, what the log says of them, and what lies in the spool."""

from __future__ import annotations

import asyncio
import gzip
import json
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tests.endings.wire import Message, Wire
from tests.servers import FaultServer

BUCKET = "calls"
"""Where records go on S3."""


@dataclass(frozen=True)
class Upload:
    """One record at its sink, as who brought it logged it."""

    place: str
    """A path or an ``s3://`` address."""
    at: float
    pid: int
    group: int


class Remains:
    """What an ending leaves.

    Args:
        wire: What its processes say.
        folder: Where records and spool are.
        s3: The sink, where it is not a directory.

    Attributes:
        directory: Where records go.
        spool: Where they wait.
    """

    def __init__(self, wire: Wire, folder: Path, s3: FaultServer | None) -> None:
        self.directory = folder / "analytics"
        self.spool = folder / "spool"
        self._wire = wire
        self._s3 = s3

    @property
    def jobs(self) -> list[Message]:
        """The jobs that began."""
        return self._wire.all("job")

    def ended_at(self, job: Message) -> float | None:
        """When a job's process, or its thread, ended."""
        gone = [m.at for m in self._wire.all("ended") if m.pid == job.pid]
        if job.facts["in_thread"]:
            gone += [m.at for m in self._wire.all("thread_ended", job=job.facts["job"])]
        return min(gone, default=None)

    def records(self) -> dict[str, dict[str, Any]]:
        """The records that arrived, by the place that the log names."""
        bodies = {
            str(path): path.read_bytes() for path in sorted(self.directory.rglob("*.json.gz"))
        }
        if self._s3:
            objects = self._s3.objects(BUCKET)
            bodies = {f"s3://{BUCKET}/{key}": body for key, body in objects.items()}
        return {place: json.loads(gzip.decompress(body)) for place, body in bodies.items()}

    @property
    def uploads(self) -> list[Upload]:
        """What was delivered, by the log of who did it."""
        return [
            Upload(m.facts["text"].partition(": ")[2], m.at, m.pid, m.group)
            for m in self._wire.all("log")
            if m.facts["text"].startswith("Analytics uploaded to ")
        ]

    def delivered(self, count: int = 1) -> bool:
        """Whether the records of so many sessions were delivered."""
        return len({u.place for u in self.uploads}) >= count

    def leftovers(self) -> list[str]:
        """What lies in the spool."""
        return sorted(str(p.relative_to(self.spool)) for p in self.spool.rglob("*") if p.is_file())

    async def spool_empties(self, seconds: float) -> None:
        """Wait until nothing lies in the spool, or for so long."""
        end = time.monotonic() + seconds
        while self.leftovers() and time.monotonic() < end:
            await asyncio.sleep(0.05)  # between two looks; nobody announces it
