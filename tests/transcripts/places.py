"""Where records are stored: a directory, or a bucket."""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol

from livekit_plugins_analytics.stored import packed, parsed
from tests.servers import MotoServer


class Place(Protocol):
    """Somewhere that records are stored."""

    @property
    def path(self) -> str: ...

    @property
    def variables(self) -> dict[str, str]: ...

    def put(self, name: str, record: dict[str, Any] | bytes) -> None: ...

    def get(self, name: str) -> bytes: ...

    def named(self, name: str) -> str: ...


@dataclass
class Folder:
    """A directory."""

    root: Path
    variables: dict[str, str]

    @property
    def path(self) -> str:
        return str(self.root)

    def put(self, name: str, record: dict[str, Any] | bytes) -> None:
        path = self.root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(_body(name, record))

    def get(self, name: str) -> bytes:
        return (self.root / name).read_bytes()

    def named(self, name: str) -> str:
        return str(self.root / name)


@dataclass
class Bucket:
    """A prefix of a bucket."""

    server: MotoServer
    bucket: str

    @property
    def path(self) -> str:
        return f"s3://{self.bucket}/sessions/"

    @property
    def variables(self) -> dict[str, str]:
        return self.server.environment()

    def put(self, name: str, record: dict[str, Any] | bytes) -> None:
        body = _body(name, record)
        self.server.s3().put_object(Bucket=self.bucket, Key=self.named(name), Body=body)

    def get(self, name: str) -> bytes:
        return self.server.s3().get_object(Bucket=self.bucket, Key=self.named(name))["Body"].read()

    def named(self, name: str) -> str:
        return f"sessions/{name}"


def record_of(place: Place, name: str) -> dict[str, Any]:
    """The record under this name, as it is now."""
    return parsed(place.get(name))


def _body(name: str, record: dict[str, Any] | bytes) -> bytes:
    return record if isinstance(record, bytes) else packed(record, compress=name.endswith(".gz"))


def record(session_id: str, room_sid: str | None, **changes: Any) -> dict[str, Any]:
    """A stored record of a call at half past two, with fields of a later version in it."""
    made: dict[str, Any] = {
        "schema_version": "1.9",
        "session_id": session_id,
        "revision": 1,
        "record_status": "final",
        "job_id": "AJ_1",
        "room_sid": room_sid,
        "agent_name": "sales",
        "start_time": "2026-10-29T14:30:00.000Z",
        "end_time": "2026-10-29T14:31:00.000Z",
        "closed_at": "2026-10-29T14:31:02.500Z",
        "from_tomorrow": {"exact": 0.1, "large": 9007199254740993, "words": ["ä", None]},
        "consent_obtained": None,
        "outcome": "success",
        "transcript": None,
        "privacy": {"redacted": False, "counts": {}, "withheld": [], "by": "tomorrow"},
    }
    return json.loads(json.dumps({**made, **changes}))  # type: ignore[no-any-return]  # JSON


def name_of(session_id: str, day: str = "29") -> str:
    """The name under which the writers store it."""
    return f"year=2026/month=10/day={day}/{session_id}.json.gz"
