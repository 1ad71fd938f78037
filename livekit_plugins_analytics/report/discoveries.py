"""What the callers said of themselves: the funnel, and each signal's values."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from .tables import rows

if TYPE_CHECKING:
    from duckdb import DuckDBPyConnection

_MOST_SIGNALS = 12
_MOST_VALUES = 12
_MOST_CHARACTERS = 60

_FUNNEL = """
SELECT count(*) AS listened,
    count(*) FILTER (signals > 0) AS heard,
    count(tier) AS tiered,
    count(*) FILTER (tier = 'qualified') AS qualified,
    count(*) FILTER (tier = 'qualified' AND outcome = 'success') AS succeeded
FROM calls WHERE signal_pack IS NOT NULL OR signals > 0
"""


def discoveries(connection: DuckDBPyConnection) -> dict[str, Any]:
    """The funnel of calls, and the most frequent signals with their values."""
    (funnel,) = rows(connection, _FUNNEL)
    names = rows(
        connection,
        f"""
        SELECT name, count(DISTINCT session_id) AS calls,
            bool_and(json_type(value) IN ('UBIGINT', 'BIGINT', 'DOUBLE')) AS numeric
        FROM signal_rows GROUP BY 1 ORDER BY 2 DESC, 1 LIMIT {_MOST_SIGNALS}
        """,
    )
    for each in names:
        each["values"] = (_numbers if each["numeric"] else _values)(connection, each["name"])
    return {"funnel": funnel, "signals": names}


def _values(connection: DuckDBPyConnection, name: str) -> list[dict[str, Any]]:
    """The most frequent values, and the others as one."""
    found = rows(
        connection,
        "SELECT value::VARCHAR AS value, count(DISTINCT session_id) AS calls FROM signal_rows "
        "WHERE name = $1 GROUP BY 1 ORDER BY 2 DESC, 1",
        [name],
    )
    shown = [{"name": _label(r["value"]), "calls": r["calls"]} for r in found[:_MOST_VALUES]]
    rest = found[_MOST_VALUES:]
    if rest:
        shown.append({"name": f"{len(rest)} others", "calls": sum(r["calls"] for r in rest)})
    return shown


def _numbers(connection: DuckDBPyConnection, name: str) -> list[dict[str, Any]]:
    """Bars from 1, 2, 5, 10, 20, ... on: sizes differ by powers of ten."""
    found = rows(
        connection,
        """
        WITH numbers AS (
            SELECT session_id, CAST(value AS DOUBLE) AS number FROM signal_rows WHERE name = $1
        ), scaled AS (
            SELECT *, CASE WHEN number >= 1 THEN power(10, floor(log10(number))) END AS ten
            FROM numbers
        )
        SELECT CASE
                WHEN ten IS NULL THEN 0
                WHEN number >= 5 * ten THEN 5 * ten
                WHEN number >= 2 * ten THEN 2 * ten
                ELSE ten
            END AS low,
            count(DISTINCT session_id) AS calls
        FROM scaled GROUP BY 1 ORDER BY 1
        """,
        [name],
    )
    return [{"name": _range(row["low"]), "calls": row["calls"]} for row in found]


def _range(low: float) -> str:
    if low < 1:
        return "under 1"
    lead = int(str(int(low))[0])
    high = low * {1: 2, 2: 2.5, 5: 2}.get(lead, 2) - 1
    return f"{low:,.0f}" if high <= low else f"{low:,.0f}-{high:,.0f}"


def _label(value: str | None) -> str:
    """A JSON value as a short text: a string without its quotes."""
    parsed = None if value is None else json.loads(value)
    text = parsed if isinstance(parsed, str) else json.dumps(parsed, ensure_ascii=False)
    return text if len(text) <= _MOST_CHARACTERS else text[: _MOST_CHARACTERS - 1] + "…"
