"""The rows of the table, by who ends the call."""

from __future__ import annotations

from tests.endings.ending import Ending
from tests.endings.rows import agents, callers, foreign, jobs, servers, sinks, workers

GROUPS: dict[str, list[Ending]] = {
    "The caller": callers.ROWS,
    "The agent": agents.ROWS,
    "Foreign code": foreign.ROWS,
    "The sink": sinks.ROWS,
    "The media server": servers.ROWS,
    "The worker": workers.ROWS,
    "The job's process": jobs.ROWS,
}
"""The rows in the table's order."""

ENDINGS: dict[str, Ending] = {row.name: row for rows in GROUPS.values() for row in rows}
"""The rows by name."""
