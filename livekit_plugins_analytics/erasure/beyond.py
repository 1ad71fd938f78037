"""What cannot be reached from here, and what whoever can has to run there."""

from __future__ import annotations

from collections.abc import Callable, Collection

# CloudWatch Logs Insights takes queries of 10,000 characters.
_IDS_IN_A_QUERY = 80


def insights_queries(session_ids: Collection[str]) -> list[str]:
    """CloudWatch Logs Insights queries that find the sessions' events.

    Nobody can delete a single event: it goes with its retention, or with its log stream.
    """
    ids = sorted(session_ids)
    return [
        "fields @timestamp, @logStream, session_id, revision"
        f" | filter session_id in [{_listed(ids[i : i + _IDS_IN_A_QUERY], _double)}]"
        for i in range(0, len(ids), _IDS_IN_A_QUERY)
    ]


def deletions(session_ids: Collection[str]) -> dict[str, str]:
    """Statements for copies in warehouses, by engine; ``sessions`` stands for the table's name."""
    if not session_ids:
        return {}
    ids = _listed(sorted(session_ids), _single)
    statement = f"DELETE FROM sessions WHERE session_id IN ({ids});"
    return {
        # Its files are rewritten; the old ones go with VACUUM, when their snapshots expire.
        "athena_iceberg": f"{statement} VACUUM sessions;",
        "snowflake": statement,
    }


NOT_REACHED = (
    "CloudWatch Logs: events stay until the log group's retention ends; the queries find them.",
    "Parquet and other compactions, Iceberg tables and warehouses: delete there, by session id.",
    "Batches that Firehose wrote, and what receivers of webhooks keep.",
    "Backups, replicas and copies of the bucket, and what was downloaded.",
    "LiveKit Cloud: transcripts, recordings and traces are deleted in its dashboard.",
    "Spools of other machines: run it there, or wait until they have sent and run it again.",
)
"""Sentences for people."""


def _listed(ids: Collection[str], quoted: Callable[[str], str]) -> str:
    return ", ".join(quoted(each) for each in ids)


def _single(text: str) -> str:
    return "'" + text.replace("'", "''") + "'"


def _double(text: str) -> str:
    return '"' + text.replace("\\", "\\\\").replace('"', '\\"') + '"'
