"""Everything that the page shows, as plain JSON values."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime, timezone
from typing import TYPE_CHECKING, Any

from .activity import activity, totals
from .calls import COLUMNS, MOST_CALLS, calls
from .discoveries import discoveries
from .money import money, unpriced
from .period import Period
from .quality import completeness, tools
from .speed import speed, talk
from .tables import make_tables, rows

if TYPE_CHECKING:
    from duckdb import DuckDBPyConnection

# Of a damaged lake nobody reads more names than these.
_MOST_PROBLEMS = 50


@dataclass(frozen=True)
class Origin:
    """Where the records are from."""

    path: str
    since: date | None = None
    until: date | None = None
    records: int = 0
    """Records that were read, superseded revisions included."""
    problems: Sequence[str] = ()
    """What could not be read, and what was odd: one text each."""
    left_out: int = 0
    """Objects and lines that are not in the figures."""


@dataclass(frozen=True)
class ReportData:
    """What the page is made of."""

    summary: dict[str, Any]
    details: list[dict[str, Any]]
    """What opens below each row of the table, in its order."""


def report_data(
    connection: DuckDBPyConnection, origin: Origin, *, most: int = MOST_CALLS
) -> ReportData:
    """Count everything.

    Args:
        connection: Has the view ``sessions``: the latest revision of each call, with the columns
            of `livekit_plugins_analytics.warehouse.columns`.
        origin: What is said of the records' source.
        most: Rows of the table of calls.
    """
    make_tables(connection)
    period = Period.of(connection)
    (undated,) = rows(connection, "SELECT count(*) AS calls FROM sessions WHERE start_time IS NULL")
    found = calls(connection, most=most)
    summary: dict[str, Any] = {
        "meta": {
            "path": origin.path,
            "since": origin.since and origin.since.isoformat(),
            "until": origin.until and origin.until.isoformat(),
            "made": datetime.now(timezone.utc).isoformat(timespec="minutes"),
            "records": origin.records,
            "problems": list(origin.problems[:_MOST_PROBLEMS]),
            "problem_count": len(origin.problems),
            "left_out": origin.left_out,
            "undated": undated["calls"],
            "first": period and period.first.isoformat(timespec="seconds"),
            "last": period and period.last.isoformat(timespec="seconds"),
            "step": period and period.step,
            "starts": period.starts if period else (),
        },
        "totals": totals(connection),
        "calls": {
            "columns": [*COLUMNS, "why"],
            "rows": found.rows,
            "of": found.of,
            "without_words": found.without_words,
        },
    }
    if period:
        summary |= {
            "activity": activity(connection, period),
            "money": money(connection, period),
            "unpriced": unpriced(connection),
            "speed": speed(connection, period),
            "talk": talk(connection, period),
            "discoveries": discoveries(connection),
            "tools": tools(connection),
            "completeness": completeness(connection),
        }
    return ReportData(summary, found.details)
