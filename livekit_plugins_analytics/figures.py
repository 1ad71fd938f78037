"""The figures of a call that are watched over many calls: names, units and values."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any, Literal

from .record import ONLY_TIMES, SessionRecord

Unit = Literal["Count", "Seconds", "None"]


@dataclass(frozen=True)
class Watched:
    """What is watched: a figure's name, its unit in CloudWatch's terms, and what it is."""

    name: str
    unit: Unit
    description: str


SESSIONS = Watched("Sessions", "Count", "Calls: 1 for each.")
DURATION = Watched("SessionDuration", "Seconds", "From the session's start to the call's end.")
COST = Watched("EstimatedCost", "None", "total_estimated_cost, in the currency of the rates.")
LATENCY = Watched("E2ELatencyP95", "Seconds", "95th percentile of the call's end-to-end latency.")
ERRORS = Watched("SessionErrors", "Count", "Failures that the framework reported, retried or not.")
INTERRUPTIONS = Watched("Interruptions", "Count", "How often the caller cut the agent off.")
TOOL_FAILURES = Watched("ToolFailures", "Count", "Tool calls that ended in an error.")

WATCHED = (SESSIONS, DURATION, COST, LATENCY, ERRORS, INTERRUPTIONS, TOOL_FAILURES)


def figures(record: SessionRecord) -> dict[Watched, int | float]:
    """The call's figures. One that is null in the record, or was not measured, is left out."""
    values: dict[Watched, Any] = {SESSIONS: 1, DURATION: record.duration_seconds}
    if ONLY_TIMES not in record.completeness.missing:
        values |= {
            COST: record.cost_summary.get("total_estimated_cost"),
            LATENCY: record.latency.e2e.p95,
            ERRORS: len(record.errors),
            INTERRUPTIONS: record.metrics_summary.interruptions,
            TOOL_FAILURES: sum(call.status == "error" for call in record.tool_calls),
        }
    return {
        each: value
        for each, value in values.items()
        if isinstance(value, (int, float)) and math.isfinite(value)
    }
