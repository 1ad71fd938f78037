"""BigQuery: a table for records that were copied to Cloud Storage, and views over it."""

from __future__ import annotations

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
from .names import Location, identifier, project
from .statement import Statement

_TYPES: dict[type, str] = {
    Text: "STRING",
    Integer: "INT64",
    Number: "FLOAT64",
    Boolean: "BOOL",
    Time: "TIMESTAMP",
    JsonText: "JSON",
}


def statements(*, dataset: str, table: str, project_id: str | None = None) -> tuple[Statement, ...]:
    """What makes the records queryable in BigQuery, once they are loaded.

    Args:
        dataset: A dataset that is there.
        table: The view with one row for each session; other names begin with it.
        project_id: The dataset's project; without one, the current one.

    Raises:
        ValueError: A name cannot stand in a statement.
    """
    identifier(dataset, "--dataset")
    identifier(table, "--table")
    where = f"{project(project_id, '--project')}.{dataset}" if project_id else dataset
    return (
        _raw(where, table),
        _latest(where, table),
        *(_expanded(where, table, one) for one in expansions()),
    )


def load_command(
    location: Location, *, dataset: str, table: str, project_id: str | None = None
) -> str:
    """What loads the objects, for a shell: bq's, since its SQL for it cannot skip unknown keys."""
    where = f"{project_id}:{dataset}" if project_id else dataset
    return (
        f"bq load --source_format=NEWLINE_DELIMITED_JSON --ignore_unknown_values "
        f"{where}.{table}_raw '{location.uri('gs')}*.json.gz'"
    )


def bigquery_type(of: Type) -> str:
    """The type in BigQuery's SQL."""
    if isinstance(of, ListOf):
        return f"ARRAY<{bigquery_type(of.item)}>"
    if isinstance(of, Struct):
        inner = ", ".join(f"`{one.name}` {bigquery_type(one.type)}" for one in of.columns)
        return f"STRUCT<{inner}>"
    return _TYPES[type(of)]


def _raw(where: str, table: str) -> Statement:
    body = ",\n".join(f"  `{one.name}` {bigquery_type(one.type)}" for one in columns())
    sql = (
        f"CREATE TABLE IF NOT EXISTS `{where}.{table}_raw` (\n{body}\n)\n"
        "PARTITION BY DATE(start_time)\n"
        "CLUSTER BY agent_name, session_id"
    )
    return Statement(f"{table}_raw", "What is loaded: a row for each line, every revision.", sql)


def _latest(where: str, table: str) -> Statement:
    dates = ",\n".join(
        f"  EXTRACT({part.upper()} FROM start_time) AS {part}" for part in PARTITIONS
    )
    sql = (
        f"CREATE OR REPLACE VIEW `{where}.{table}` AS\n"
        f"SELECT\n  *,\n{dates},\n"
        "  CAST(JSON_VALUE(cost_summary, '$.total_estimated_cost') AS FLOAT64) AS estimated_cost,\n"
        "  JSON_VALUE(cost_summary, '$.currency') AS currency\n"
        f"FROM `{where}.{table}_raw`\n"
        "WHERE session_id IS NOT NULL\n"
        "QUALIFY ROW_NUMBER() OVER (\n"
        "  PARTITION BY session_id, DATE(start_time) ORDER BY revision DESC\n"
        ") = 1"
    )
    return Statement(table, "One row for each session: its latest revision.", sql)


def _expanded(where: str, table: str, view: Expansion) -> Statement:
    own = ", ".join(f"s.{name}" for name in ("session_id", "start_time", *PARTITIONS))
    if view.whole:
        fields = [f"  {_extracted(one)}" for one in view.columns]
        fields.append(f"  element AS {view.whole}")
    else:
        fields = [f"  element.`{one.name}` AS `{shown(one.name)}`" for one in view.columns]
    path = ".".join(("s", *view.path))
    body = ",\n".join(fields)
    sql = (
        f"CREATE OR REPLACE VIEW `{where}.{table}_{view.name}` AS\n"
        f"SELECT\n  {own},\n  position + 1 AS position,\n{body}\n"
        f"FROM `{where}.{table}` AS s\n"
        f"CROSS JOIN UNNEST({path}) AS element WITH OFFSET AS position"
    )
    about = f"One row for each element of {'.'.join(view.path)}."
    return Statement(f"{table}_{view.name}", about, sql)


def _extracted(one: Column) -> str:
    path = f"element, '$.{one.name}'"
    if isinstance(one.type, JsonText):
        return f"JSON_QUERY({path}) AS `{one.name}`"
    if isinstance(one.type, Text):
        return f"JSON_VALUE({path}) AS `{one.name}`"
    return f"CAST(JSON_VALUE({path}) AS {bigquery_type(one.type)}) AS `{one.name}`"
