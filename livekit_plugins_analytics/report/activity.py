"""How many calls, how long, from where, and how they ended."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from .period import Period
from .tables import rows

if TYPE_CHECKING:
    from duckdb import DuckDBPyConnection

# More than these colours nobody tells apart.
MOST_SERIES = 7
OTHERS = "others"

# Upper ends of the bars, in seconds.
_DURATIONS = (10, 30, 60, 120, 180, 300, 600, 900, 1800, 3600)


def totals(connection: DuckDBPyConnection) -> dict[str, Any]:
    """The figures at the top of the page; null where nothing was measured."""
    (found,) = rows(
        connection,
        """
        SELECT count(*) AS calls,
            sum(duration_seconds) AS seconds,
            quantile_cont(duration_seconds, 0.5) AS median_seconds,
            count(outcome) AS outcomes,
            count(*) FILTER (outcome = 'success') AS successes,
            quantile_cont(e2e_p50, 0.5) AS e2e_p50,
            quantile_cont(e2e_p95, 0.5) AS e2e_p95,
            count(e2e_p50) AS e2e_calls,
            sum(tools) AS tools,
            sum(failed_tools) AS failed_tools,
            sum(interruptions) AS interruptions,
            count(interruptions) AS counted,
            sum(agent_turns) AS agent_turns,
            count(*) FILTER (record_status = 'final') AS final,
            count(DISTINCT agent_name) AS agents
        FROM calls
        """,
    )
    return found


def activity(connection: DuckDBPyConnection, period: Period) -> dict[str, Any]:
    """Calls over time by agent, by hour of the week, by length and by end."""
    return {
        "agents": by_series(
            connection, period, "coalesce(agent_name, 'no name')", "count(*)", absent=0
        ),
        "hours": _hours(connection),
        "durations": _durations(connection),
        "callers": _counts(connection, "caller"),
        "ends": _counts(connection, "end_cause"),
        "outcomes": _counts(connection, "outcome"),
    }


def by_series(
    connection: DuckDBPyConnection,
    period: Period,
    name: str,
    value: str,
    *,
    table: str = "calls",
    where: str = "true",
    absent: int | None = None,
) -> list[dict[str, Any]]:
    """A value over time for each of the largest series, and for the others together.

    Args:
        connection: With the report's tables.
        period: The time axis.
        name: SQL: what the series are.
        value: SQL: an aggregate that can be added up.
        table: Where to count.
        where: SQL: what is counted.
        absent: What stands for a step in which there is nothing to count.
    """
    found = rows(
        connection,
        f"""
        WITH ranked AS (
            SELECT {name} AS name,
                row_number() OVER (ORDER BY {value} DESC NULLS LAST, name) AS rank
            FROM {table} WHERE {where} GROUP BY 1
        )
        SELECT CASE WHEN rank <= {MOST_SERIES} THEN ranked.name ELSE '{OTHERS}' END AS name,
            min(rank) AS rank, {period.bucket} AS start, {value} AS value
        FROM {table} JOIN ranked ON ranked.name = {name}
        WHERE {where}
        GROUP BY 1, 3 ORDER BY 2
        """,
    )
    series: dict[str, dict[str, float | int | None]] = {}
    for row in found:
        series.setdefault(row["name"], {})[row["start"].isoformat()] = row["value"]
    return [{"name": n, "values": period.spread(values, absent)} for n, values in series.items()]


def _hours(connection: DuckDBPyConnection) -> list[list[int]]:
    """Calls by day of the week (Monday first) and hour, UTC."""
    grid = [[0] * 24 for _ in range(7)]
    for row in rows(
        connection,
        "SELECT isodow(start_time) AS day, hour(start_time) AS hour, count(*) AS calls "
        "FROM calls GROUP BY ALL",
    ):
        grid[row["day"] - 1][row["hour"]] = row["calls"]
    return grid


def _durations(connection: DuckDBPyConnection) -> dict[str, Any]:
    bounds = ", ".join(map(str, _DURATIONS))
    found = {
        row["bar"]: row["calls"]
        for row in rows(
            connection,
            f"SELECT len(list_filter([{bounds}], lambda b: b <= duration_seconds)) AS bar, "
            "count(*) AS calls FROM calls WHERE duration_seconds IS NOT NULL GROUP BY 1",
        )
    }
    return {"bounds": list(_DURATIONS), "calls": [found.get(n, 0) for n in range(11)]}


def _counts(connection: DuckDBPyConnection, column: str) -> list[dict[str, Any]]:
    return rows(
        connection,
        f"SELECT {column} AS name, count(*) AS calls FROM calls GROUP BY 1 ORDER BY 2 DESC, 1",
    )
