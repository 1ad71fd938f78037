"""Compaction by Athena itself: a day's objects into its Parquet, with no machine of one's own."""

from __future__ import annotations

import time
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date
from typing import TYPE_CHECKING, Any

from .columns import (
    Boolean,
    Integer,
    JsonText,
    ListOf,
    Number,
    Struct,
    Text,
    Time,
    Type,
    columns,
    quoted,
)
from .names import Location, identifier

if TYPE_CHECKING:
    from mypy_boto3_athena import AthenaClient

# Seconds between two looks at a query; the shortest one takes about a second.
POLL_INTERVAL = 1.0

_TYPES: dict[type, str] = {
    Text: "varchar",
    Integer: "bigint",
    Number: "double",
    Boolean: "boolean",
    Time: "timestamp(3)",
    JsonText: "varchar",
}


class CompactionFailed(Exception):
    """Athena did not do it; the text says for which day, and what Athena said."""


@dataclass(frozen=True)
class Day:
    """A day that is in the Parquet."""

    day: date
    rows: int
    written: bool
    """False where all of it was there already."""


def write(location: Location, *, database: str, table: str, day: date) -> tuple[str, str]:
    """The statements that write a day's records, each revision once, into its folder.

    Not an INSERT: what one had written, partition projection did not find (Trino 476 counted no
    row in the Parquet afterwards). The first makes a table over the folder, which Athena refuses
    where that has anything in it; the second drops the table, and leaves what it wrote.

    Args:
        location: Where the Parquet is.
        database: Where the tables of ``ddl athena`` are.
        table: Their name, without ``_raw`` and ``_parquet``.
        day: The partition.

    Raises:
        ValueError: A name cannot stand in a statement.
    """
    body = ",\n".join(
        f"  {_plain(quoted(one.name), one.type)} AS {quoted(one.name)}" for one in columns()
    )
    name = f"{_name(database, table)}_{day:%Y%m%d}"
    folder = f"{location.uri()}year={day:%Y}/month={day:%m}/day={day:%d}"
    create = (
        f"CREATE TABLE {name}\n"
        f"WITH (format = 'PARQUET', external_location = '{folder}')\n"
        f"AS SELECT\n{body}\n"
        "FROM (\n"
        "  SELECT *, row_number() OVER (PARTITION BY session_id, revision) AS place\n"
        f"  FROM {_name(database, table)}_raw\n"
        f"  WHERE {_of(day)} AND session_id IS NOT NULL\n"
        ")\n"
        "WHERE place = 1"
    )
    return create, f"DROP TABLE {name}"


def counts(*, database: str, table: str, day: date) -> str:
    """The statement that counts a day's records: in the objects, and in the Parquet.

    Raises:
        ValueError: A name cannot stand in a statement.
    """
    raw, parquet = (f"{_name(database, table)}_{end}" for end in ("raw", "parquet"))
    return (
        "SELECT\n"
        f"  (SELECT count(DISTINCT ROW(session_id, revision)) FROM {raw}\n"
        f"    WHERE {_of(day)} AND session_id IS NOT NULL) AS in_objects,\n"
        f"  (SELECT count(*) FROM {parquet} WHERE {_of(day)}) AS in_parquet"
    )


def compact(
    client: AthenaClient,
    location: Location,
    days: list[date],
    *,
    database: str,
    table: str,
    workgroup: str = "primary",
    output: str | None = None,
) -> Iterator[Day]:
    """Bring each day into the Parquet, and count it before and afterwards.

    A day of which something is there already is not added to: that would double it. Where all of
    it is there, it is left; else its Parquet has to be deleted first.

    Args:
        client: Athena.
        location: Where the Parquet is, as ``ddl athena --parquet`` was told.
        days: What to compact; days that still get records belong to a later run.
        database: Where the tables of ``ddl athena`` are.
        table: Their name, without ``_raw`` and ``_parquet``.
        workgroup: Athena's.
        output: Where Athena puts results, ``s3://...``; None: what the workgroup says.

    Raises:
        CompactionFailed: A query failed, or the counts differ; the days before are done.
        ValueError: A name cannot stand in a statement.
    """
    names = {"database": database, "table": table}
    for day in days:
        found, there = _counted(client, counts(**names, day=day), day, workgroup, output)
        if there == 0 < found:
            for sql in write(location, **names, day=day):
                _run(client, sql, day, workgroup, output)
            found, after = _counted(client, counts(**names, day=day), day, workgroup, output)
            if after != found:
                raise CompactionFailed(f"{day}: {after} of {found} records are in the Parquet.")
            yield Day(day, found, written=True)
        elif there == found:
            yield Day(day, found, written=False)
        else:
            raise CompactionFailed(
                f"{day}: {there} of {found} records are in the Parquet already. Delete the "
                "Parquet of that day, and run this again."
            )


def _counted(
    client: AthenaClient, sql: str, day: date, workgroup: str, output: str | None
) -> tuple[int, int]:
    query = _run(client, sql, day, workgroup, output)
    (_, row) = client.get_query_results(QueryExecutionId=query)["ResultSet"]["Rows"]
    found, there = (int(value["VarCharValue"]) for value in row["Data"])
    return found, there


def _run(client: AthenaClient, sql: str, day: date, workgroup: str, output: str | None) -> str:
    """Run a statement to its end and return its id."""
    where: dict[str, Any] = {"ResultConfiguration": {"OutputLocation": output}} if output else {}
    started = client.start_query_execution(QueryString=sql, WorkGroup=workgroup, **where)
    query: str = started["QueryExecutionId"]
    while True:
        status = client.get_query_execution(QueryExecutionId=query)["QueryExecution"]["Status"]
        if status["State"] == "SUCCEEDED":
            return query
        if status["State"] in ("FAILED", "CANCELLED"):
            reason = status.get("StateChangeReason", "")
            raise CompactionFailed(f"{day}: query {query} {status['State'].lower()}. {reason}")
        time.sleep(POLL_INTERVAL)


def _name(database: str, table: str) -> str:
    return f"{identifier(database, '--database')}.{identifier(table, '--table')}"


def _of(day: date) -> str:
    return f"year = {day.year} AND month = {day.month} AND day = {day.day}"


def _plain(value: str, of: Type, depth: int = 0) -> str:
    """The value with each time in it as a timestamp in UTC."""
    if not _has_time(of):
        return value
    if isinstance(of, ListOf):
        item = f"e{depth}"
        return f"transform({value}, {item} -> {_plain(item, of.item, depth + 1)})"
    if isinstance(of, Struct):
        fields = (_plain(f"{value}.{quoted(one.name)}", one.type, depth + 1) for one in of.columns)
        return f"IF({value} IS NULL, NULL, CAST(ROW({', '.join(fields)}) AS {trino_type(of)}))"
    return f"CAST(from_iso8601_timestamp({value}) AS timestamp(3))"


def _has_time(of: Type) -> bool:
    if isinstance(of, ListOf):
        return _has_time(of.item)
    if isinstance(of, Struct):
        return any(_has_time(one.type) for one in of.columns)
    return isinstance(of, Time)


def trino_type(of: Type) -> str:
    """The type in the SQL of Athena's queries, which is Trino's."""
    if isinstance(of, ListOf):
        return f"array({trino_type(of.item)})"
    if isinstance(of, Struct):
        inner = ", ".join(f"{quoted(one.name)} {trino_type(one.type)}" for one in of.columns)
        return f"row({inner})"
    return _TYPES[type(of)]
