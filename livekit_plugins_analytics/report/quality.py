"""Which tools ran and failed, and what the records do not know."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from .tables import rows

if TYPE_CHECKING:
    from duckdb import DuckDBPyConnection

_MOST = 15


def tools(connection: DuckDBPyConnection) -> list[dict[str, Any]]:
    """Each tool's calls, failures and seconds, the busiest first."""
    return rows(
        connection,
        f"""
        SELECT tool AS name, count(*) AS calls,
            count(*) FILTER (status = 'done') AS done,
            count(*) FILTER (status = 'error') AS failed,
            count(*) FILTER (status = 'cancelled') AS cancelled,
            quantile_cont(seconds, 0.5) AS p50, quantile_cont(seconds, 0.95) AS p95,
            max(seconds) AS longest
        FROM tool_rows GROUP BY 1 ORDER BY 2 DESC, 1 LIMIT {_MOST}
        """,
    )


def completeness(connection: DuckDBPyConnection) -> dict[str, Any]:
    """How sure the records are of themselves, what was lost, and what was kept back."""
    (sums,) = rows(
        connection,
        """
        SELECT coalesce(sum(dropped_events), 0) AS dropped_events,
            coalesce(sum(handler_errors), 0) AS handler_errors,
            coalesce(sum(invalid_values), 0) AS invalid_values,
            coalesce(sum(lost_records_before), 0) AS lost_records,
            count(*) FILTER (NOT closed) AS never_closed,
            count(*) FILTER (has_transcript) AS transcripts,
            count(*) FILTER (redacted) AS redacted,
            count(*) FILTER (len(withheld) > 0) AS withheld
        FROM calls
        """,
    )
    return {
        "sums": sums,
        "statuses": rows(
            connection,
            "SELECT record_status AS name, count(*) AS calls FROM calls "
            "GROUP BY 1 ORDER BY 2 DESC, 1",
        ),
        **{
            remark: _remarks(connection, remark)
            for remark in ("missing", "truncated", "withheld", "redacted", "error")
        },
    }


def _remarks(connection: DuckDBPyConnection, remark: str) -> list[dict[str, Any]]:
    return rows(
        connection,
        "SELECT name, count(DISTINCT session_id) AS calls, sum(many)::BIGINT AS many "
        f"FROM remark_rows WHERE remark = $1 GROUP BY 1 ORDER BY 2 DESC, 1 LIMIT {_MOST}",
        [remark],
    )
