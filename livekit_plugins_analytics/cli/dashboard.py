"""What CloudWatch is to show of the calls: a dashboard's body, and queries of Logs Insights."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from .. import figures
from ..settings import DIMENSIONS_WITHOUT_NULL

# Each figure's title, statistics and whether its lines are stacked.
_GRAPHS: tuple[tuple[figures.Watched, str, tuple[str, ...], bool], ...] = (
    (figures.SESSIONS, "Calls", ("Sum",), True),
    (figures.DURATION, "Duration of a call (s)", ("Average", "p95"), False),
    (figures.COST, "Estimated cost", ("Sum",), True),
    (figures.LATENCY, "End-to-end latency of a call, p95 (s)", ("Average", "Maximum"), False),
    (figures.ERRORS, "Errors", ("Sum",), True),
    (figures.INTERRUPTIONS, "Interruptions", ("Sum",), True),
    (figures.TOOL_FAILURES, "Failed tool calls", ("Sum",), True),
)
_WIDTH, _HEIGHT, _COLUMNS = 8, 6, 3
_PERIOD_SECONDS = 3600

# The same call may be there twice: each is counted once by its id. Fields are taken from the parsed
# message, because Logs Insights finds only the first 200 of an event by itself.
QUERIES = {
    "Cost per day": """\
fields jsonParse(@message) as call, datefloor(@timestamp, 1d) as day
| filter ispresent(schema_version)
| stats max(call.cost_summary.total_estimated_cost) as cost by session_id, day
| stats sum(cost) as estimated_cost, count(*) as calls by day
| sort day desc""",
    "Slowest calls": """\
fields jsonParse(@message) as call
| filter ispresent(schema_version)
| stats max(call.latency.e2e.p95) as e2e_p95, max(call.latency.e2e.num) as turns,
    max(duration_seconds) as seconds by session_id, agent_name
| sort e2e_p95 desc
| limit 20""",
    "Failing tools": """\
fields jsonParse(@message) as call
| filter ispresent(schema_version)
| unnest call.tool_calls into tool
| filter tool.status = "error"
| stats count_distinct(tool.call_id) as failures, count_distinct(session_id) as calls by tool.tool
| sort failures desc""",
}


def query(name: str, log_group: str) -> str:
    """One of the `QUERIES` with the log group that it reads, as dashboards and the CLI take it."""
    return f"SOURCE '{log_group}' | {QUERIES[name]}"


def dashboard(
    namespace: str, dimensions: Sequence[str], region: str, log_group: str
) -> dict[str, Any]:
    """The body of a dashboard, for ``aws cloudwatch put-dashboard --dashboard-body``.

    Args:
        namespace: The metrics' namespace.
        dimensions: The fields that tell the metrics apart.
        region: The region of the metrics and the log group.
        log_group: Where the events are.
    """
    widgets = []
    for at, (watched, title, statistics, stacked) in enumerate(_GRAPHS):
        searches = [
            f"SEARCH('{schema} MetricName=\"{watched.name}\"', '{statistic}')"
            for statistic in statistics
            for schema in _schemas(namespace, dimensions)
        ]
        properties = {
            "title": title,
            "region": region,
            "view": "timeSeries",
            "stacked": stacked,
            "period": _PERIOD_SECONDS,
            "metrics": [
                [{"expression": search, "id": f"e{n}"}] for n, search in enumerate(searches, 1)
            ],
        }
        place = {"x": at % _COLUMNS * _WIDTH, "y": at // _COLUMNS * _HEIGHT}
        size = {"width": _WIDTH, "height": _HEIGHT}
        widgets.append({"type": "metric", **place, **size, "properties": properties})
    below = -(-len(_GRAPHS) // _COLUMNS) * _HEIGHT
    for at, name in enumerate(QUERIES):
        widgets.append(
            {
                "type": "log",
                "x": at * _WIDTH,
                "y": below,
                "width": _WIDTH,
                "height": _HEIGHT,
                "properties": {
                    "title": name,
                    "region": region,
                    "view": "table",
                    "query": query(name, log_group),
                },
            }
        )
    return {"widgets": widgets}


def _schemas(namespace: str, dimensions: Sequence[str]) -> list[str]:
    """The sets of dimensions that metrics have: one that is null in a call is left out."""
    nullable = [name for name in dimensions if name not in DIMENSIONS_WITHOUT_NULL]
    left_out = [set[str](), *({name} for name in nullable), set(nullable)]
    kept = [[name for name in dimensions if name not in out] for out in left_out]
    schemas = ["{" + ",".join(f'"{part}"' for part in [namespace, *names]) + "}" for names in kept]
    return list(dict.fromkeys(schemas))
