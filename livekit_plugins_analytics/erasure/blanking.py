"""A record without its person: the figures stay, all that is personal goes."""

from __future__ import annotations

import re
from typing import Any

from ..record import SessionRecord

ERASED = "erased"
"""In ``privacy.withheld`` of a record that somebody had erased; and an erased identity."""

# Nothing of these is left.
_EMPTY: dict[str, Any] = {
    "user_email": None,
    "user_metadata": {},
    "shutdown_reason": None,
    "discovered_signals": {},
    "conversation_notes": [],
    "outcome_reason": None,
    "tags": [],
    "evaluations": [],
    "custom": {},
    "transcript": None,
    "transcript_uri": None,
}
# Of these lists so much is left of each item.
_KEPT = {
    "participants": ("kind", "joined_at", "left_at", "disconnect_reason"),
    "signals": ("name", "status", "chosen", "rule", "item_id", "at", "asked"),
    "tool_calls": ("tool", "timestamp", "call_id", "status", "duration_seconds", "agent"),
}
_BLANK: dict[str, dict[str, Any]] = {
    "participants": {"identity": ERASED, "name": None, "attributes": {}, "sip": None},
    "signals": {"value": None, "text": None},
    "tool_calls": {"arguments": {}, "result": None, "error": None},
}
_NUMBER = re.compile(r"\d{7}")
# What CloudWatch's event has besides the record.
_OF_AN_EVENT = frozenset({"_aws", "truncated", "s3_uri"})


def blanked(record: dict[str, Any]) -> dict[str, Any]:
    """The record's next revision, in which nobody is to be found any more.

    Kept are ids that are ours or LiveKit's, times, states, metrics, latencies, usage, costs and
    consent. A field that this version does not know goes: it may be personal.

    Args:
        record: A stored record or a log event, as JSON; it is not changed.
    """
    known = SessionRecord.model_fields.keys() | _EMPTY.keys() | _OF_AN_EVENT
    # A metric in CloudWatch's format is a figure at the top, named in "_aws".
    new = {k: v for k, v in record.items() if k in known or isinstance(v, (int, float))}
    gone = {name for name in record if name not in new}
    for name, empty in _EMPTY.items():
        if record.get(name):
            gone.add(name)
        if name in record:
            new[name] = empty
    for name, keys in _KEPT.items():
        items = record.get(name)
        if name not in record:
            continue
        items = (
            [item for item in items if isinstance(item, dict)] if isinstance(items, list) else []
        )
        if items:
            gone.add(name)
        new[name] = [{**_BLANK[name], **{k: i[k] for k in keys if k in i}} for i in items]
    if _is_personal(record):
        new["room_name"] = None
        gone.add("room_name")
    privacy = record.get("privacy")
    if "privacy" in record or "_aws" not in record:
        old = privacy if isinstance(privacy, dict) else {}
        before = old.get("withheld")
        withheld = {*(before if isinstance(before, list) else []), *gone, ERASED}
        new["privacy"] = {"redacted": False, "counts": {}, **old, "withheld": sorted(withheld)}
    revision = record.get("revision")
    new["revision"] = (revision if isinstance(revision, int) else 1) + 1
    return new


def _is_personal(record: dict[str, Any]) -> bool:
    """Whether the room's name tells who called: a number, an address, an identity or a name."""
    room = record.get("room_name")
    if not isinstance(room, str):
        return False
    if "@" in room or _NUMBER.search(room):
        return True
    participants = record.get("participants")
    callers = participants if isinstance(participants, list) else []
    names = {p.get(key) for p in callers if isinstance(p, dict) for key in ("identity", "name")}
    return any(isinstance(name, str) and name and name in room for name in names)
