"""The table of calls: which are in it, a row of each, and what opens below it."""

from __future__ import annotations

import json
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING, Any

from .tables import STAGES, rows
from .timeline import timeline

if TYPE_CHECKING:
    from duckdb import DuckDBPyConnection

MOST_CALLS = 1_000
"""Rows of the table: with what opens below them about 3 MB without transcripts."""

TRANSCRIPT_CHARACTERS = 2_000_000
"""The words of the page, the newest calls' first."""

# A share of the table is for calls that a reader looks for, whenever they were.
_TELLING = 0.3
_REASONS = {
    "slowest": "e2e_p95 DESC NULLS LAST",
    "most expensive": "cost DESC NULLS LAST",
    "failures": "coalesce(failed_tools, 0) + coalesce(errors, 0) DESC",
}

COLUMNS = (
    "session_id",
    "start_time",
    "agent_name",
    "caller",
    "duration_seconds",
    "end_cause",
    "outcome",
    "user_turns",
    "interruptions",
    "tools",
    "failed_tools",
    "e2e_p50",
    "cost",
    "currency",
    "priced",
    "record_status",
    "tier",
)
"""Of a row, in this order; last comes why an older call is there."""

_DETAILS = (
    "session_id",
    "revision",
    "environment",
    "plugin_version",
    "sdk_version",
    "user_email",
    "room_name",
    "close_reason",
    "shutdown_reason",
    "conversation_state",
    "consent_obtained",
    "consent_method",
    "outcome_reason",
)
_JSON = (
    "participants",
    "discovered_signals",
    "signals",
    "tool_calls",
    "metrics_summary",
    "latency",
    "costs",
    "conversation_notes",
    "state_history",
    "handoffs",
    "errors",
    "tags",
    "transcript",
    "privacy",
    "completeness",
)

# Rows that are in memory as objects at a time.
_FETCH = 100


@dataclass(frozen=True)
class Calls:
    """What the page has of single calls."""

    rows: list[list[Any]]
    details: list[dict[str, Any]]
    """In the order of the rows."""
    of: int
    """How many calls there are."""
    without_words: int
    """Calls of the table whose transcript was left out for the page's size."""


def calls(
    connection: DuckDBPyConnection,
    *,
    most: int = MOST_CALLS,
    characters: int = TRANSCRIPT_CHARACTERS,
) -> Calls:
    """The newest calls, and the most telling of the others.

    Args:
        connection: With the report's tables and the view ``sessions``.
        most: Rows of the table.
        characters: Of all transcripts together.
    """
    _choose(connection, most)
    found = rows(
        connection,
        f"SELECT {', '.join(f'c.{name}' for name in COLUMNS)}, chosen.why FROM chosen "
        "JOIN calls c USING (session_id) ORDER BY start_time DESC, session_id",
    )
    words = _Words(characters)
    details = _details(connection, words)
    table = [[_plain(row[name]) for name in (*COLUMNS, "why")] for row in found]
    (count,) = rows(connection, "SELECT count(*) AS calls FROM calls")
    return Calls(
        table, [details[row["session_id"]] for row in found], count["calls"], words.refused
    )


def _choose(connection: DuckDBPyConnection, most: int) -> None:
    """Make the table ``chosen``: session_id, and why where it is not for being new."""
    telling = int(most * _TELLING) // len(_REASONS)
    connection.execute("CREATE OR REPLACE TEMP TABLE chosen (session_id TEXT, why TEXT)")
    (count,) = rows(connection, "SELECT count(*) AS calls FROM calls")
    if count["calls"] <= most:
        connection.execute("INSERT INTO chosen SELECT session_id, NULL FROM calls")
        return
    newest = most - telling * len(_REASONS)
    connection.execute(
        "INSERT INTO chosen SELECT session_id, NULL FROM calls "
        f"ORDER BY start_time DESC, session_id LIMIT {newest}"
    )
    for why, order in _REASONS.items():
        connection.execute(
            "INSERT INTO chosen SELECT session_id, $1 FROM calls "
            "WHERE session_id NOT IN (SELECT session_id FROM chosen) "
            f"ORDER BY {order}, start_time DESC, session_id LIMIT {telling}",
            [why],
        )


class _Words:
    """What may still be said on the page."""

    def __init__(self, characters: int) -> None:
        self._left = characters
        self.refused = 0

    def take(self, transcript: dict[str, Any] | None) -> bool:
        """Whether this transcript still fits."""
        if not transcript:
            return False
        size = sum(len(item.get("text") or "") for item in transcript.get("items") or [])
        if size > self._left:
            self.refused += 1
            return False
        self._left -= size
        return True


def _details(connection: DuckDBPyConnection, words: _Words) -> dict[str, dict[str, Any]]:
    columns = [f"s.{name}" for name in (*_DETAILS, "start_time", "end_time", "consent_timestamp")]
    columns += [f"to_json(s.{name})::VARCHAR AS {name}" for name in _JSON]
    cursor = connection.execute(
        f"SELECT {', '.join(columns)} FROM dated_sessions s "
        "WHERE s.session_id IN (SELECT session_id FROM chosen) "
        "ORDER BY s.start_time DESC, s.session_id"
    )
    names = [column[0] for column in cursor.description or []]
    found = {}
    while batch := cursor.fetchmany(_FETCH):
        for row in batch:
            record = dict(zip(names, row, strict=True))
            for name in _JSON:
                record[name] = None if record[name] is None else json.loads(record[name])
            found[record["session_id"]] = _detail(record, words)
    return found


def _detail(record: dict[str, Any], words: _Words) -> dict[str, Any]:
    shown = words.take(record["transcript"])
    privacy = record["privacy"] or {}
    return {
        **{name: record[name] for name in _DETAILS if record[name] is not None},
        "participants": [
            {k: v for k, v in each.items() if k in ("identity", "kind", "name", "sip") and v}
            for each in record["participants"] or []
        ],
        "signals": _open(record["discovered_signals"]) or {},
        "notes": record["conversation_notes"] or [],
        "tags": record["tags"] or [],
        "metrics": record["metrics_summary"] or {},
        "latency": {
            stage: [figures.get("p50"), figures.get("p95"), figures.get("num")]
            for stage in STAGES
            if (figures := (record["latency"] or {}).get(stage)) and figures.get("num")
        },
        "costs": [
            [c["model"], c["unit"], c["quantity"], c["amount"]] for c in record["costs"] or []
        ],
        "missing": (record["completeness"] or {}).get("missing") or [],
        "withheld": privacy.get("withheld") or [],
        "redacted": _open(privacy.get("counts")) if privacy.get("redacted") else None,
        "words": "shown" if shown else "left out" if record["transcript"] else None,
        "timeline": timeline(record, words=shown),
    }


def _open(value: Any) -> dict[str, Any] | None:
    """A map that DuckDB kept as JSON text."""
    try:
        found = json.loads(value) if isinstance(value, str) else value
    except ValueError:
        return None
    return found if isinstance(found, dict) else None


def _plain(value: Any) -> Any:
    return value.isoformat(timespec="milliseconds") if isinstance(value, datetime) else value
