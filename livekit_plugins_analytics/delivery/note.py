"""The note beside a file in `dead/`: why it is there, and who has it."""

from __future__ import annotations

import json
import os
import time
from collections.abc import Collection
from dataclasses import asdict, dataclass, field
from pathlib import Path


@dataclass(frozen=True)
class Note:
    """Why a file was given up."""

    reason: str
    """As in `losses`."""
    detail: str = ""
    """The same in words: a sink's answer with the fix, or the limit."""
    confirmed: Collection[str] = ()
    """The sinks that have it, as in the names of their marks."""
    buried_at: float = field(default_factory=time.time)
    """Unix seconds."""

    def write(self, path: Path) -> None:
        """Write it so that it survives the process.

        Raises:
            OSError: The disk is full, or gone; what is there is no note.
        """
        content = {**asdict(self), "confirmed": sorted(self.confirmed)}
        descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
        with os.fdopen(descriptor, "wb") as file:
            file.write(json.dumps(content).encode())
            file.flush()
            os.fsync(file.fileno())

    @classmethod
    def read(cls, path: Path) -> Note | None:
        """What was written; None where there is none, or not all of one."""
        try:
            data = json.loads(path.read_bytes())
            return cls(
                reason=str(data["reason"]),
                detail=str(data["detail"]),
                confirmed=[str(label) for label in data["confirmed"]],
                buried_at=float(data["buried_at"]),
            )
        except (OSError, KeyError, TypeError, ValueError):
            return None
