"""What happened in a call, in the order in which it happened."""

from __future__ import annotations

import json
from datetime import datetime, timezone
from typing import Any

# A tool's result may be a document.
_MOST_CHARACTERS = 2_000
# A call of a day has thousands; the first and the last tell most.
_MOST_EVENTS = 400

Event = dict[str, Any]
"""``at``: seconds after the start, null where not known; ``kind``; ``who``; ``text``; ``more``."""


def timeline(record: dict[str, Any], *, words: bool) -> list[Event]:
    """The call's events by time.

    Args:
        record: A record whose lists and objects are parsed.
        words: Whether what was said is among them.
    """
    start: datetime = record["start_time"]
    events = [
        *_presence(record, start),
        *_states(record, start),
        *_tools(record, start),
        *_failures(record, start),
        *(_said(record, start) if words else ()),
    ]
    events.sort(key=lambda event: (event["at"] is None, event["at"]))
    if len(events) > _MOST_EVENTS:
        half = _MOST_EVENTS // 2
        left_out = len(events) - 2 * half
        gap: Event = {"at": None, "kind": "gap", "text": f"{left_out} events left out"}
        events = [*events[:half], gap, *events[-half:]]
    return [{key: value for key, value in event.items() if value is not None} for event in events]


def _presence(record: dict[str, Any], start: datetime) -> list[Event]:
    events: list[Event] = []
    for each in record["participants"] or []:
        who = each.get("name") or each.get("identity")
        if each.get("joined_at"):
            events.append(_event(each["joined_at"], start, "joined", who))
        if each.get("left_at"):
            events.append(_event(each["left_at"], start, "left", who, each["disconnect_reason"]))
    if record["consent_timestamp"] is not None:
        granted = "given" if record["consent_obtained"] else "refused"
        at = record["consent_timestamp"]
        events.append(_event(at, start, "consent", None, granted))
    return events


def _states(record: dict[str, Any], start: datetime) -> list[Event]:
    states = [
        _event(s["at"], start, "state", None, s["state"]) for s in record["state_history"] or []
    ]
    handoffs = [
        _event(h["at"], start, "handoff", None, f"{h['from']} to {h['to']}")
        for h in record["handoffs"] or []
    ]
    return [*states, *handoffs]


def _tools(record: dict[str, Any], start: datetime) -> list[Event]:
    events = []
    for call in record["tool_calls"] or []:
        call = json.loads(call) if isinstance(call, str) else call
        told = call.get("error") if call.get("status") == "error" else call.get("result")
        given = json.dumps(call.get("arguments") or {}, ensure_ascii=False)
        text = given if told is None else f"{given} → {told}"
        events.append(
            {
                **_event(call.get("timestamp"), start, "tool", call.get("tool"), text),
                "status": call.get("status"),
                "seconds": _number(call.get("duration_seconds")),
            }
        )
    return events


def _failures(record: dict[str, Any], start: datetime) -> list[Event]:
    return [
        _event(
            error["at"],
            start,
            "error",
            error["component"],
            error["type"] + (", recovered from" if error["recoverable"] else ""),
        )
        for error in record["errors"] or []
    ]


def _said(record: dict[str, Any], start: datetime) -> list[Event]:
    events = []
    for item in record["transcript"]["items"]:
        if item["role"] == "tool":
            continue  # is there with its arguments
        latency = json.loads(item.get("latency") or "{}")
        events.append(
            {
                **_event(item["at"], start, item["role"], item.get("agent"), item["text"]),
                "cut": True if item.get("interrupted") else None,
                "latency": _number(latency.get("e2e_latency")),
            }
        )
    return events


def _event(at: Any, start: datetime, kind: str, who: str | None, text: Any = None) -> Event:
    if text is not None:
        text = str(text)
        if len(text) > _MOST_CHARACTERS:
            text = text[: _MOST_CHARACTERS - 1] + "…"
    return {"at": _seconds(at, start), "kind": kind, "who": who, "text": text}


def _seconds(at: Any, start: datetime) -> float | None:
    if isinstance(at, str):
        try:
            at = datetime.fromisoformat(at.replace("Z", "+00:00"))
        except ValueError:
            return None
    if not isinstance(at, datetime):
        return None
    if at.tzinfo is not None:
        at = at.astimezone(timezone.utc).replace(tzinfo=None)
    passed: float = (at - start).total_seconds()
    return round(passed, 3)


def _number(value: Any) -> float | None:
    return float(value) if isinstance(value, (int, float)) else None
