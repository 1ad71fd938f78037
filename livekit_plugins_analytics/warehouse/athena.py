"""Athena: the objects as a table, and views for whoever queries."""

from __future__ import annotations

from .columns import PARTITIONS, Column, JsonText, Text, Time, columns, quoted
from .expansion import Expansion, expansions, shown
from .hive import SERDE, SERDE_PROPERTIES, hive_type, projection
from .names import Location, identifier
from .statement import Statement


def statements(
    location: Location, *, database: str, table: str, years: tuple[int, int]
) -> tuple[Statement, ...]:
    """What makes the records queryable in Athena; each is to be run by itself, in this order.

    Args:
        location: Where the objects are.
        database: The database, made where it is not there.
        table: The view with one row for each session; other names begin with it.
        years: The first and the last year that are looked for.

    Raises:
        ValueError: A name cannot stand in a statement.
    """
    identifier(database, "--database")
    identifier(table, "--table")
    return (
        Statement(database, "The database.", f"CREATE DATABASE IF NOT EXISTS {database}"),
        _raw(location, database, table, years),
        _latest(database, table, f"{table}_raw", text=True),
        *(_expanded(database, table, one) for one in expansions()),
    )


def _raw(location: Location, database: str, table: str, years: tuple[int, int]) -> Statement:
    body = ",\n".join(f"  `{one.name}` {hive_type(one.type)}" for one in columns())
    partitions = ", ".join(f"`{name}` int" for name in PARTITIONS)
    sql = (
        f"CREATE EXTERNAL TABLE IF NOT EXISTS {database}.{table}_raw (\n{body}\n)\n"
        f"PARTITIONED BY ({partitions})\n"
        f"ROW FORMAT SERDE '{SERDE}'\n"
        f"WITH SERDEPROPERTIES ({_properties(SERDE_PROPERTIES)})\n"
        "STORED AS TEXTFILE\n"
        f"LOCATION '{location.uri()}'\n"
        f"TBLPROPERTIES ({_properties(projection(location, *years))})"
    )
    return Statement(
        f"{table}_raw",
        "The objects as they are: a row for each line. Partitions are computed, never added.",
        sql,
    )


def compacted(
    location: Location, *, database: str, table: str, years: tuple[int, int]
) -> tuple[Statement, ...]:
    """What makes compacted records queryable: partitioned Parquet, whoever has written it.

    Args:
        location: Where the Parquet is.
        database: A database that is there.
        table: As in `statements`: the Parquet becomes ``{table}_parquet``, and
            ``{table}_compacted`` has its latest revisions.
        years: The first and the last year that are looked for.

    Raises:
        ValueError: A name cannot stand in a statement.
    """
    identifier(database, "--database")
    identifier(table, "--table")
    return (
        _parquet(location, database, table, years),
        _latest(database, f"{table}_compacted", f"{table}_parquet", text=False),
    )


def _parquet(location: Location, database: str, table: str, years: tuple[int, int]) -> Statement:
    body = ",\n".join(
        f"  `{one.name}` {hive_type(one.type, time='timestamp')}" for one in columns()
    )
    partitions = ", ".join(f"`{name}` int" for name in PARTITIONS)
    sql = (
        f"CREATE EXTERNAL TABLE IF NOT EXISTS {database}.{table}_parquet (\n{body}\n)\n"
        f"PARTITIONED BY ({partitions})\n"
        "STORED AS PARQUET\n"
        f"LOCATION '{location.uri()}'\n"
        f"TBLPROPERTIES ({_properties(projection(location, *years))})"
    )
    return Statement(f"{table}_parquet", "The compacted records: every revision, once.", sql)


def _latest(database: str, view: str, source: str, *, text: bool) -> Statement:
    body = ",\n".join(f"  {_converted(one) if text else quoted(one.name)}" for one in columns())
    key = ", ".join((*PARTITIONS, "session_id"))
    sql = (
        f"CREATE OR REPLACE VIEW {database}.{view} AS\n"
        f"SELECT\n{body},\n"
        "  CAST(json_extract_scalar(cost_summary, '$.total_estimated_cost') AS double)"
        " AS estimated_cost,\n"
        "  json_extract_scalar(cost_summary, '$.currency') AS currency,\n"
        f"  {', '.join(PARTITIONS)}\n"
        "FROM (\n"
        f"  SELECT *, row_number() OVER (PARTITION BY {key} ORDER BY revision DESC) AS place\n"
        f"  FROM {database}.{source}\n"
        "  WHERE session_id IS NOT NULL\n"
        ")\n"
        "WHERE place = 1"
    )
    return Statement(
        view,
        "One row for each session: its latest revision, with times as timestamps in UTC.",
        sql,
    )


def _expanded(database: str, table: str, view: Expansion) -> Statement:
    if view.whole:
        fields = [f"  {_extracted(view.whole, one)}" for one in view.columns]
        fields.append(f"  {view.whole}")
        names = [view.whole]
    else:
        fields = [f"  {_converted(one, 'element_')}" for one in view.columns]
        # An array of rows gives a column for each field.
        names = [f'"element_{one.name}"' for one in view.columns]
    path = ".".join(("s", *view.path))
    own = ", ".join(f"s.{name}" for name in ("session_id", "start_time", *PARTITIONS))
    body = ",\n".join(fields)
    sql = (
        f"CREATE OR REPLACE VIEW {database}.{table}_{view.name} AS\n"
        f"SELECT\n  {own},\n  position,\n{body}\n"
        f"FROM {database}.{table} s\n"
        f"CROSS JOIN UNNEST({path}) WITH ORDINALITY AS u({', '.join(names)}, position)"
    )
    about = f"One row for each element of {'.'.join(view.path)}."
    return Statement(f"{table}_{view.name}", about, sql)


def _converted(one: Column, prefix: str = "") -> str:
    source = quoted(prefix + one.name)
    if isinstance(one.type, Time):
        return f"{_timestamp(source)} AS {quoted(shown(one.name))}"
    return f"{source} AS {quoted(shown(one.name))}" if prefix else source


def _extracted(text: str, one: Column) -> str:
    """A known key of JSON text."""
    path = f"'$.{one.name}'"
    value = f"json_extract_scalar({text}, {path})"
    if isinstance(one.type, JsonText):
        value = f"json_format(json_extract({text}, {path}))"
    elif isinstance(one.type, Time):
        value = _timestamp(value)
    elif not isinstance(one.type, Text):
        value = f"CAST({value} AS {hive_type(one.type)})"
    return f"{value} AS {quoted(one.name)}"


def _timestamp(text: str) -> str:
    # Without a zone: Athena's catalogue has no type for one. All times are UTC.
    return f"CAST(from_iso8601_timestamp({text}) AS timestamp(3))"


def _properties(values: dict[str, str]) -> str:
    return "\n  " + ",\n  ".join(f"'{key}' = '{value}'" for key, value in values.items()) + "\n"
