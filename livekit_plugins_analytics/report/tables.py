"""What a report counts in: one narrow row per call, tool call, cost line and signal.

The sessions are wide, and a view. They are read once, into tables of what is counted; everything
else is asked of these.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from ..record import ONLY_TIMES, Latency

if TYPE_CHECKING:
    from duckdb import DuckDBPyConnection

STAGES = tuple(Latency.model_fields)

# A record of which only the times are known has zeros where nothing was counted.
_COUNTED = "NOT coalesce(list_contains(completeness.missing, $only_times), false)"

_STAGES = ",\n    ".join(
    f"latency.{stage}.{figure} AS {stage}_{figure}"
    for stage in STAGES
    for figure in ("p50", "p95", "num")
)


def _object(column: str) -> str:
    """SQL: a map's JSON text, null where it is no object: any line may be in a lake."""
    return f"CASE WHEN TRY(json_type({column})) = 'OBJECT' THEN {column} END"


def _objects(column: str) -> str:
    """SQL: the same of a list of them."""
    return f"list_filter({column}, lambda t: coalesce(TRY(json_type(t)) = 'OBJECT', false))"


_SESSIONS = f"""
CREATE OR REPLACE TEMP VIEW dated_sessions AS SELECT * REPLACE (
    {_object("discovered_signals")} AS discovered_signals,
    {_object("cost_summary")} AS cost_summary,
    {_objects("tool_calls")} AS tool_calls,
    {_objects("unpriced")} AS unpriced
)
FROM sessions WHERE start_time IS NOT NULL
"""

_CALLS = f"""
CREATE TEMP TABLE calls AS SELECT
    session_id,
    record_status,
    agent_name,
    start_time,
    duration_seconds,
    end_cause,
    outcome,
    signal_pack,
    CASE
        WHEN len(list_filter(participants, lambda p: p.kind = 'sip')) > 0 THEN 'phone'
        WHEN len(participants) > 0 THEN 'web'
    END AS caller,
    {_COUNTED} AS counted,
    CASE WHEN {_COUNTED} THEN metrics_summary.user_turns END AS user_turns,
    CASE WHEN {_COUNTED} THEN metrics_summary.agent_turns END AS agent_turns,
    CASE WHEN {_COUNTED} THEN metrics_summary.interruptions END AS interruptions,
    CASE WHEN {_COUNTED} THEN metrics_summary.false_interruptions END AS false_interruptions,
    metrics_summary.user_speaking_seconds AS user_seconds,
    metrics_summary.agent_speaking_seconds AS agent_seconds,
    metrics_summary.silence_seconds AS silence_seconds,
    {_STAGES},
    TRY_CAST(json_extract_string(cost_summary, '$.total_estimated_cost') AS DOUBLE) AS cost,
    json_extract_string(cost_summary, '$.currency') AS currency,
    coalesce(json_extract_string(cost_summary, '$.complete') = 'true', false) AS priced,
    json_extract_string(discovered_signals, '$.qualification_tier') AS tier,
    coalesce(len(json_keys(discovered_signals)), 0) AS signals,
    CASE WHEN {_COUNTED} THEN coalesce(len(tool_calls), 0) END AS tools,
    CASE WHEN {_COUNTED} THEN len(list_filter(
        tool_calls, lambda t: json_extract_string(t, '$.status') = 'error'
    )) END AS failed_tools,
    CASE WHEN {_COUNTED} THEN coalesce(len(errors), 0) END AS errors,
    transcript IS NOT NULL AS has_transcript,
    completeness.close_event_seen AS closed,
    completeness.dropped_events AS dropped_events,
    completeness.handler_errors AS handler_errors,
    completeness.invalid_values AS invalid_values,
    completeness.lost_records_before AS lost_records_before,
    privacy.redacted AS redacted,
    privacy.withheld AS withheld
FROM dated_sessions
"""

_TOOLS = """
CREATE TEMP TABLE tool_rows AS
WITH each AS (SELECT session_id, unnest(tool_calls) AS call FROM dated_sessions)
SELECT
    session_id,
    json_extract_string(call, '$.tool') AS tool,
    json_extract_string(call, '$.status') AS status,
    TRY_CAST(json_extract_string(call, '$.duration_seconds') AS DOUBLE) AS seconds
FROM each
"""

_COSTS = """
CREATE TEMP TABLE cost_rows AS
WITH each AS (
    SELECT session_id, start_time, json_extract_string(cost_summary, '$.currency') AS currency,
        unnest(costs) AS cost
    FROM dated_sessions
)
SELECT session_id, start_time, currency, cost.kind AS kind, cost.provider AS provider,
    cost.model AS model, cost.unit AS unit, cost.quantity AS quantity,
    TRY_CAST(cost.amount AS DOUBLE) AS amount
FROM each
"""

_SIGNALS = """
CREATE TEMP TABLE signal_rows AS
WITH each AS (
    SELECT session_id, unnest(map_entries(
        CAST(discovered_signals::JSON AS MAP(VARCHAR, JSON))
    )) AS entry
    FROM dated_sessions
), named AS (
    SELECT session_id, entry.key AS name, entry.value AS value FROM each
)
SELECT session_id, name, unnest(
    CASE WHEN json_type(value) = 'ARRAY' THEN CAST(value AS JSON[]) ELSE [value] END
) AS value
FROM named
"""

_REMARKS = """
CREATE TEMP TABLE remark_rows AS
SELECT session_id, 'missing' AS remark, unnest(completeness.missing) AS name, 1 AS many
FROM dated_sessions
UNION ALL
SELECT session_id, 'withheld', unnest(privacy.withheld), 1 FROM dated_sessions
UNION ALL
SELECT session_id, 'truncated', entry.key, entry.value FROM (
    SELECT session_id, unnest(map_entries(
        TRY_CAST(TRY_CAST(completeness.truncated AS JSON) AS MAP(VARCHAR, BIGINT))
    )) AS entry
    FROM dated_sessions
)
UNION ALL
SELECT session_id, 'redacted', entry.key, entry.value FROM (
    SELECT session_id, unnest(map_entries(
        TRY_CAST(TRY_CAST(privacy.counts AS JSON) AS MAP(VARCHAR, BIGINT))
    )) AS entry
    FROM dated_sessions
)
UNION ALL
SELECT session_id, 'error', error.component || ': ' || error.type, 1 FROM (
    SELECT session_id, unnest(errors) AS error FROM dated_sessions
)
UNION ALL
SELECT session_id, 'unpriced', concat_ws(
    ' · ',
    json_extract_string(line, '$.provider'), json_extract_string(line, '$.model'),
    replace(json_extract_string(line, '$.unit'), '_', ' '), json_extract_string(line, '$.reason')
), 1 FROM (SELECT session_id, unnest(unpriced) AS line FROM dated_sessions)
"""

TABLES = ("calls", "tool_rows", "cost_rows", "signal_rows", "remark_rows")


def make_tables(connection: DuckDBPyConnection) -> None:
    """Read the view ``sessions`` into the tables of a report."""
    for name in TABLES:
        connection.execute(f"DROP TABLE IF EXISTS {name}")
    connection.execute(_SESSIONS)
    connection.execute(_CALLS, {"only_times": ONLY_TIMES})
    for statement in (_TOOLS, _COSTS, _SIGNALS, _REMARKS):
        connection.execute(statement)


def rows(
    connection: DuckDBPyConnection, query: str, parameters: object = None
) -> list[dict[str, Any]]:
    """A query's rows, by the names of its columns."""
    found = connection.execute(query, parameters)
    names = [column[0] for column in found.description or []]
    return [dict(zip(names, row, strict=True)) for row in found.fetchall()]
