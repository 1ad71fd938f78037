"""Records for lakes: made as the package makes them, changed as a test wants them."""

from __future__ import annotations

import gzip
import json
from pathlib import Path
from typing import Any

from livekit_plugins_analytics import Settings
from livekit_plugins_analytics.assembly import assemble
from livekit_plugins_analytics.lines import line
from livekit_plugins_analytics.parts import Usage
from tests.servers import MotoServer
from tests.test_assembly import capture

DAY = "2026-11-20"

_USAGE = Usage(
    kind="llm",
    provider="api.openai.com",
    model="gpt-4o-mini",
    quantities={"input_tokens": 1000, "output_tokens": 100},
)
_TOOL = {
    "tool": "book",
    "timestamp": f"{DAY}T10:00:30.000Z",
    "call_id": "call_1",
    "status": "done",
    "duration_seconds": 1.5,
    "arguments": {"email": "jo@acme.com"},
    "result": "booked",
    "error": None,
    "agent": "sales",
    "meeting_booked": True,
}
_PLAIN: dict[str, Any] = json.loads(
    line(assemble(capture(usage=[_USAGE]), Settings(signals="off")))
)


def record(session_id: str, day: str = DAY, **changes: Any) -> dict[str, Any]:
    """A call of one minute with one tool call, begun at ten on a day."""
    return {
        **_PLAIN,
        "session_id": session_id,
        "start_time": f"{day}T10:00:00.000Z",
        "end_time": f"{day}T10:01:00.000Z",
        "closed_at": f"{day}T10:01:00.500Z",
        "tool_calls": [_TOOL],
        "discovered_signals": {"team_size": 25, "integration_needs": ["api", "slack"]},
        **changes,
    }


def text(*records: dict[str, Any]) -> bytes:
    """Records as lines."""
    return b"".join(json.dumps(each).encode() + b"\n" for each in records)


def body(*records: dict[str, Any]) -> bytes:
    """Records as an object has them."""
    return gzip.compress(text(*records), mtime=0)


def name(session_id: str, day: str = DAY) -> str:
    """Where a record is below its root."""
    year, month, date = day.split("-")
    return f"year={year}/month={month}/day={date}/{session_id}.json.gz"


def write(root: Path, path: str, content: bytes) -> Path:
    """A file below a folder."""
    file = root / path
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_bytes(content)
    return file


def store(root: Path, *records: dict[str, Any]) -> None:
    """Each record where the directory sink has it."""
    for each in records:
        write(root, name(each["session_id"], each["start_time"][:10]), body(each))


def upload(server: MotoServer, bucket: str, *records: dict[str, Any]) -> None:
    """Each record where the S3 sink has it, below ``sessions/``."""
    for each in records:
        key = "sessions/" + name(each["session_id"], each["start_time"][:10])
        server.s3().put_object(Bucket=bucket, Key=key, Body=body(each))


def requests(server: MotoServer, bucket: str) -> list[str]:
    """What the server was asked of a bucket, without uploads: ``GET /bucket?list-type=2...``."""
    found = (part for row in server.log.splitlines() for part in row.split('"')[1:2])
    return [each for each in found if each.startswith("GET ") and f"/{bucket}" in each]
