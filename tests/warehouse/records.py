"""Records for the tests of what reads them, as an agent would have stored them."""

from __future__ import annotations

import gzip
import json
from pathlib import Path
from typing import Any

from livekit_plugins_analytics.assembly import assemble
from livekit_plugins_analytics.lines import line
from livekit_plugins_analytics.settings import Settings
from tests.test_emf import BUSY

_TEMPLATE: dict[str, Any] = json.loads(line(assemble(BUSY, Settings())))


def record(session: str, day: str = "2026-11-01", **changes: Any) -> dict[str, Any]:
    """A record of a call on this day."""
    times = {"start_time": f"{day}T10:00:00.000Z", "end_time": f"{day}T10:01:00.000Z"}
    return {**_TEMPLATE, "session_id": session, **times, **changes}


def packed(*records: dict[str, Any]) -> bytes:
    """An object of these records, one a line."""
    return gzip.compress(b"".join(json.dumps(each).encode() + b"\n" for each in records), mtime=0)


def key(name: str, day: str = "2026-11-01") -> str:
    """Where an object of this name is."""
    year, month, of_month = day.split("-")
    return f"year={year}/month={month}/day={of_month}/{name}"


def put(root: Path, name: str, body: bytes, day: str = "2026-11-01") -> Path:
    """Store an object in a directory."""
    path = root / key(name, day)
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(body)
    return path


def stored(root: Path, session: str, day: str = "2026-11-01", **changes: Any) -> Path:
    """Store a record in a directory, as the directory sink does."""
    return put(root, f"{session}.json.gz", packed(record(session, day, **changes)), day)
