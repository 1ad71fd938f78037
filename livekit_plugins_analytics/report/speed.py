"""How fast the agent was, stage by stage, and how the two sides talked."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from .period import Period
from .tables import STAGES, rows

if TYPE_CHECKING:
    from duckdb import DuckDBPyConnection

_FIGURES = {
    "typical": "quantile_cont({stage}_p50, 0.5)",
    "slow": "quantile_cont({stage}_p95, 0.5)",
    "slowest": "quantile_cont({stage}_p95, 0.95)",
}
"""A record keeps percentiles, not turns. So these are percentiles over calls: the median of the
calls' medians, the median of the calls' 95th percentiles, and the 95th percentile of these."""


def speed(connection: DuckDBPyConnection, period: Period) -> dict[str, Any]:
    """Each stage's figures in all and over time. Null: not measured."""
    figures = ", ".join(
        f"{sql.format(stage=stage)} AS {stage}_{name}"
        for stage in STAGES
        for name, sql in _FIGURES.items()
    )
    counts = ", ".join(f"count({s}_p50) AS {s}_calls, sum({s}_num) AS {s}_turns" for s in STAGES)
    (whole,) = rows(connection, f"SELECT {figures}, {counts} FROM calls")
    over_time = rows(
        connection, f"SELECT {period.bucket} AS start, {figures} FROM calls GROUP BY 1"
    )
    return {
        stage: {
            **{name: whole[f"{stage}_{name}"] for name in (*_FIGURES, "calls", "turns")},
            "over_time": {
                name: period.spread(
                    {r["start"].isoformat(): r[f"{stage}_{name}"] for r in over_time}
                )
                for name in _FIGURES
            },
        }
        for stage in STAGES
    }


def talk(connection: DuckDBPyConnection, period: Period) -> dict[str, Any]:
    """Interruptions, and who spoke how long."""
    over_time = rows(
        connection,
        f"""
        SELECT {period.bucket} AS start, avg(interruptions) AS interruptions,
            avg(false_interruptions) AS false_interruptions
        FROM calls GROUP BY 1
        """,
    )
    (shares,) = rows(
        connection,
        """
        SELECT count(*) AS calls, sum(user_seconds) AS user, sum(agent_seconds) AS agent,
            sum(silence_seconds) AS silence
        FROM calls
        WHERE user_seconds IS NOT NULL AND agent_seconds IS NOT NULL
            AND silence_seconds IS NOT NULL
        """,
    )
    return {
        "over_time": {
            name: period.spread({r["start"].isoformat(): r[name] for r in over_time})
            for name in ("interruptions", "false_interruptions")
        },
        "histogram": rows(
            connection,
            "SELECT least(interruptions, 6) AS many, count(*) AS calls FROM calls "
            "WHERE interruptions IS NOT NULL GROUP BY 1 ORDER BY 1",
        ),
        "shares": shares,
    }
