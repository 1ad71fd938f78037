"""Snowflake: from the bucket into a table, one row for each session, and views over it."""

from __future__ import annotations

from ..session_id import MAX_SESSION_ID
from .columns import (
    PARTITIONS,
    Boolean,
    Column,
    Integer,
    JsonText,
    ListOf,
    Number,
    Struct,
    Text,
    Time,
    Type,
    columns,
)
from .expansion import Expansion, expansions, shown
from .names import Location, identifier, role_arn
from .statement import Statement

_TYPES: dict[type, str] = {
    Text: "VARCHAR",
    Integer: "NUMBER(38, 0)",
    Number: "FLOAT",
    Boolean: "BOOLEAN",
    Time: "TIMESTAMP_TZ",
    JsonText: "VARIANT",
    Struct: "VARIANT",
    ListOf: "ARRAY",
}

# Of docs.snowflake.com/en/sql-reference/reserved-keywords those that the record has as names: in
# capitals and quotes they are what they are without.
_KEYWORDS = frozenset({"from", "to"})


def statements(
    location: Location, *, role: str, integration: str, table: str
) -> tuple[Statement, ...]:
    """What brings the records into Snowflake and keeps bringing them.

    Args:
        location: Where the objects are.
        role: The ARN of the role in AWS that may read them.
        integration: The storage integration's name.
        table: The view with one row for each session; other names begin with it.

    Raises:
        ValueError: A name cannot stand in a statement.
    """
    identifier(table, "--table")
    identifier(integration, "--integration")
    role_arn(role, "--role-arn")
    return (
        _integration(location, role, integration),
        Statement(
            f"{table}_json",
            "How the objects are written: one JSON line each, gzip.",
            f"CREATE FILE FORMAT IF NOT EXISTS {table}_json TYPE = JSON COMPRESSION = AUTO",
        ),
        Statement(
            f"{table}_stage",
            "Where they are.",
            f"CREATE STAGE IF NOT EXISTS {table}_stage\n"
            f"URL = '{location.uri()}'\n"
            f"STORAGE_INTEGRATION = {integration}",
        ),
        Statement(
            f"{table}_raw",
            "What is loaded: a row for each line, every revision.",
            f"CREATE TABLE IF NOT EXISTS {table}_raw (record VARIANT)",
        ),
        Statement(
            f"{table}_pipe",
            "Loads what arrives. DESC PIPE shows the queue that the bucket is to notify.",
            f"CREATE PIPE IF NOT EXISTS {table}_pipe AUTO_INGEST = TRUE AS\n{_copy(table)}",
        ),
        Statement(
            "copy",
            "Loads what is there already. With FORCE = TRUE also what was loaded once: a revision "
            "that came later has the same name, which Snowpipe never loads again.",
            _copy(table),
        ),
        _latest(table),
        *(_expanded(table, one) for one in expansions()),
        _table(table),
        _merge(table),
    )


def _integration(location: Location, role: str, integration: str) -> Statement:
    return Statement(
        integration,
        "Lets Snowflake take on the role. DESC INTEGRATION shows whom the role has to trust.",
        f"CREATE STORAGE INTEGRATION IF NOT EXISTS {integration}\n"
        "TYPE = EXTERNAL_STAGE\n"
        "STORAGE_PROVIDER = 'S3'\n"
        "ENABLED = TRUE\n"
        f"STORAGE_AWS_ROLE_ARN = '{role}'\n"
        f"STORAGE_ALLOWED_LOCATIONS = ('{location.uri()}')",
    )


def _copy(table: str) -> str:
    file_format = f"FILE_FORMAT = (FORMAT_NAME = '{table}_json')"
    return f"COPY INTO {table}_raw FROM @{table}_stage {file_format}"


def _latest(table: str) -> Statement:
    body = ",\n".join(f"  {_cast('record', one)} AS {_name(one.name)}" for one in columns())
    dates = ",\n".join(
        f"  {part.upper()}(record:start_time::TIMESTAMP_TZ) AS {part}" for part in PARTITIONS
    )
    sql = (
        f"CREATE OR REPLACE VIEW {table} AS\n"
        f"SELECT\n{body},\n{dates},\n"
        "  record:cost_summary:total_estimated_cost::FLOAT AS estimated_cost,\n"
        "  record:cost_summary:currency::VARCHAR AS currency\n"
        f"FROM {table}_raw\n"
        "WHERE record:session_id IS NOT NULL\n"
        "QUALIFY ROW_NUMBER() OVER (\n"
        "  PARTITION BY record:session_id::VARCHAR ORDER BY record:revision::NUMBER DESC\n"
        ") = 1"
    )
    return Statement(table, "One row for each session: the latest revision that was loaded.", sql)


def _table(table: str) -> Statement:
    body = ",\n".join(f"  {_name(one.name)} {_type(one)}" for one in columns())
    dates = ",\n".join(f"  {part} NUMBER(38, 0)" for part in PARTITIONS)
    return Statement(
        f"{table}_merged",
        "The same as a table, for what needs one; the statement after it fills and refreshes it.",
        f"CREATE TABLE IF NOT EXISTS {table}_merged (\n{body},\n{dates}\n)",
    )


def _merge(table: str) -> Statement:
    names = [*(_name(one.name) for one in columns()), *PARTITIONS]
    sets = ",\n".join(f"  {name} = s.{name}" for name in names if name != "session_id")
    sql = (
        f"MERGE INTO {table}_merged t\n"
        f"USING {table} s\n"
        "ON t.session_id = s.session_id\n"
        "WHEN MATCHED AND s.revision > t.revision THEN UPDATE SET\n"
        f"{sets}\n"
        f"WHEN NOT MATCHED THEN INSERT ({', '.join(names)})\n"
        f"VALUES ({', '.join(f's.{name}' for name in names)})"
    )
    return Statement(
        "merge", "Adds new sessions, puts later revisions in place; fit to be scheduled.", sql
    )


def _expanded(table: str, view: Expansion) -> Statement:
    own = ", ".join(f"s.{name}" for name in ("session_id", "start_time", *PARTITIONS))
    fields = [f"  {_cast('e.value', one)} AS {_name(shown(one.name))}" for one in view.columns]
    if view.whole:
        fields.append(f"  e.value AS {view.whole}")
    path = "s." + ":".join(view.path)
    body = ",\n".join(fields)
    sql = (
        f"CREATE OR REPLACE VIEW {table}_{view.name} AS\n"
        f"SELECT\n  {own},\n  e.index + 1 AS position,\n{body}\n"
        f"FROM {table} s,\n"
        f"LATERAL FLATTEN(INPUT => {path}) e"
    )
    about = f"One row for each element of {'.'.join(view.path)}."
    return Statement(f"{table}_{view.name}", about, sql)


def _cast(source: str, one: Column) -> str:
    """A key of a VARIANT in its column's type."""
    key = f'"{one.name}"' if one.name in _KEYWORDS else one.name
    value = f"{source}:{key}"
    if isinstance(one.type, (Struct, JsonText)):
        # A null in JSON is not SQL's null as long as it is a VARIANT.
        return f"NULLIF({value}, PARSE_JSON('null'))" if one.nullable else value
    return f"{value}::{_type(one)}"


def _type(one: Column) -> str:
    if one.name == "session_id":
        return f"VARCHAR({MAX_SESSION_ID})"
    return snowflake_type(one.type)


def snowflake_type(of: Type) -> str:
    """The type in Snowflake's SQL: what has parts is VARIANT or ARRAY."""
    return _TYPES[type(of)]


def _name(name: str) -> str:
    return f'"{name.upper()}"' if name in _KEYWORDS else name
