"""Stored records of two people, with everything personal that a record can hold."""

from __future__ import annotations

import hashlib
import json
from pathlib import Path
from typing import Any

from livekit_plugins_analytics import SessionRecord, Settings
from livekit_plugins_analytics.assembly import assemble
from livekit_plugins_analytics.document import TranscriptDocument
from livekit_plugins_analytics.lines import compressed, line
from tests.test_assembly import capture

# Of one person; each stands in at least one field.
EMAIL = "Jane.Doe@Acme.example"
PHONE = "+4930123456789"
NAME = "Jane Q. Doe"
IDENTITY = "sip_+4930123456789"
SECRET = "the kidney stone"
PERSONAL = (EMAIL, EMAIL.lower(), PHONE, PHONE[1:], NAME, IDENTITY, SECRET)

DAY = "year=2026/month=11/day=20"


def record(session_id: str, *, of: str = "jane", **changes: Any) -> dict[str, Any]:
    """One call, by Jane or by somebody else."""
    row: dict[str, Any] = json.loads(line(assemble(capture(), Settings())))
    row.update(session_id=session_id, room_sid=f"RM_{session_id}", room_name=f"room-{session_id}")
    row.update(start_time="2026-11-20T10:00:00.000Z", end_time="2026-11-20T10:05:00.000Z")
    if of == "jane":
        row.update(_janes())
    else:
        row.update(user_email="max@other.example", conversation_notes=["likes mornings"])
    row.update(changes)
    SessionRecord.model_validate(row)
    return row


def _janes() -> dict[str, Any]:
    at = "2026-11-20T10:01:00.000Z"
    item = {"id": "i1", "role": "user", "text": f"{NAME} here, {SECRET}", "at": at}
    return {
        "user_email": EMAIL,
        "user_metadata": {"crm": {"mail": EMAIL, "name": NAME}},
        "room_name": f"call-_{PHONE}_x1",
        "shutdown_reason": f"{NAME} was rude",
        "participants": [
            {
                "identity": IDENTITY,
                "kind": "sip",
                "name": NAME,
                "joined_at": at,
                "left_at": None,
                "disconnect_reason": "CLIENT_INITIATED",
                "attributes": {"sip.phoneNumber": PHONE},
                "sip": {
                    "call_id": "SCL_1",
                    "phone_number": PHONE,
                    "trunk_phone_number": "+4930999",
                    "trunk_id": "ST_1",
                    "rule_id": None,
                },
            }
        ],
        "discovered_signals": {"pain_points": [SECRET]},
        "signals": [
            {
                "name": "pain_points",
                "value": SECRET,
                "status": "affirmed",
                "chosen": True,
                "text": f"I have {SECRET}",
                "at": at,
            }
        ],
        "tool_calls": [
            {
                "tool": "book",
                "timestamp": at,
                "call_id": "c1",
                "status": "done",
                "duration_seconds": 0.5,
                "arguments": {"who": NAME},
                "result": f"booked for {NAME}",
                "error": None,
                "agent": "sales",
                "customer_email": EMAIL,
            }
        ],
        "conversation_notes": [f"{NAME} has {SECRET}"],
        "outcome": "fail",
        "outcome_reason": f"{NAME} hung up",
        "tags": [NAME],
        "evaluations": [{"judge": "tone", "reasoning": f"{NAME} was calm"}],
        "custom": {"who": NAME},
        "transcript": {
            "source": "session",
            "complete": True,
            "text": f"User: {NAME} here, {SECRET}",
            "items": [item],
        },
    }


def words(session_id: str, room_sid: str, *, source: str = "session") -> dict[str, Any]:
    """A transcript beside a record."""
    row = {
        "session_id": session_id,
        "room_name": "r",
        "room_sid": room_sid,
        "agent_name": None,
        "start_time": "2026-11-20T10:00:00.000Z",
        "end_time": "2026-11-20T10:05:00.000Z",
        "transcript": {"source": source, "complete": True, "text": SECRET, "items": []},
    }
    data: dict[str, Any] = json.loads(line(TranscriptDocument.model_validate(row)))
    return data


def packed(row: dict[str, Any]) -> bytes:
    """As a sink has it."""
    return compressed(json.dumps(row).encode())


def stored_by_name() -> dict[str, bytes]:
    """What lies in a bucket: Jane called three times, Max twice; objects by key."""
    rows = {
        f"sessions/{DAY}/j1.json.gz": record("j1"),
        f"sessions/{DAY}/j2.json.gz": record("j2", user_email=EMAIL.upper(), participants=[]),
        "sessions/year=2026/month=11/day=02/j3.json.gz": record(
            "j3", start_time="2026-11-02T10:00:00.000Z"
        ),
        f"sessions/{DAY}/m1.json.gz": record("m1", of="max"),
        f"sessions/{DAY}/m2.json.gz": record(
            "m2", of="max", conversation_notes=[f"send the offer to {EMAIL} too"]
        ),
        f"transcripts/{DAY}/j1.json.gz": words("j1", "RM_j1"),
        f"transcripts/{DAY}/RM_j2.json.gz": words("RM_j2", "RM_j2", source="room"),
        f"transcripts/{DAY}/m1.json.gz": words("m1", "RM_m1"),
        f"checkpoints/{DAY}/j1.json.gz": record("j1", record_status="recovered"),
        f"checkpoints/{DAY}/m1.json.gz": record("m1", of="max", record_status="recovered"),
    }
    return {name: packed(row) for name, row in rows.items()}


JANES = {name for name in stored_by_name() if name.rpartition("/")[2][0] in "jR"}


def fill(root: Path) -> Path:
    """Write them into a directory."""
    for name, body in stored_by_name().items():
        path = root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(body)
    return root


def tree(root: Path) -> dict[str, str]:
    """Every file's digest, by its path."""
    return {
        str(path.relative_to(root)): hashlib.sha256(path.read_bytes()).hexdigest()
        for path in root.rglob("*")
        if path.is_file()
    }
