"""What the calls cost: over time, by vendor and by model, in each currency by itself."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from ..costs import vendor
from .activity import by_series
from .period import Period
from .tables import rows

if TYPE_CHECKING:
    from duckdb import DuckDBPyConnection

_MOST_MODELS = 12


def money(connection: DuckDBPyConnection, period: Period) -> list[dict[str, Any]]:
    """The costs by currency, the one of most calls first. Nothing is converted."""
    _name_vendors(connection)
    found = rows(
        connection,
        """
        SELECT currency, count(*) AS calls, count(cost) AS known, sum(cost) AS total,
            count(*) FILTER (NOT priced) AS incomplete,
            quantile_cont(cost, 0.5) AS median,
            sum(cost) FILTER (priced) / nullif(sum(duration_seconds) FILTER (priced), 0) * 60
                AS per_minute
        FROM calls WHERE currency IS NOT NULL GROUP BY 1 ORDER BY 2 DESC, 1
        """,
    )
    for each in found:
        # A currency comes from a record: it is a parameter of the tables, never of the SQL text.
        connection.execute("DROP TABLE IF EXISTS spent")
        connection.execute(
            "CREATE TEMP TABLE spent AS SELECT * FROM priced_rows WHERE currency = $1",
            [each["currency"]],
        )
        each["vendors"] = by_series(
            connection, period, "vendor", "sum(amount)", table="spent", where="amount IS NOT NULL"
        )
        each["models"] = rows(
            connection,
            f"""
            SELECT vendor, model, kind, sum(amount) AS amount,
                count(DISTINCT session_id) AS calls
            FROM spent WHERE amount IS NOT NULL
            GROUP BY ALL ORDER BY amount DESC, vendor, model LIMIT {_MOST_MODELS}
            """,
        )
    return found


def unpriced(connection: DuckDBPyConnection) -> list[dict[str, Any]]:
    """What has no known price, by model, unit and reason."""
    return rows(
        connection,
        "SELECT name, count(DISTINCT session_id) AS calls FROM remark_rows "
        "WHERE remark = 'unpriced' GROUP BY 1 ORDER BY 2 DESC, 1 LIMIT 12",
    )


def _name_vendors(connection: DuckDBPyConnection) -> None:
    """Add who bills to the cost lines, by the rules by which they were priced."""
    pairs = connection.execute("SELECT DISTINCT provider, model FROM cost_rows").fetchall()
    connection.execute(
        "CREATE OR REPLACE TEMP TABLE vendors (provider TEXT, model TEXT, vendor TEXT)"
    )
    if pairs:
        connection.executemany(
            "INSERT INTO vendors VALUES ($1, $2, $3)",
            [(p, m, vendor(p or "", m or "") or "unknown") for p, m in pairs],
        )
    connection.execute(
        "CREATE OR REPLACE TEMP VIEW priced_rows AS SELECT c.*, v.vendor FROM cost_rows c "
        "JOIN vendors v ON v.provider IS NOT DISTINCT FROM c.provider "
        "AND v.model IS NOT DISTINCT FROM c.model"
    )
