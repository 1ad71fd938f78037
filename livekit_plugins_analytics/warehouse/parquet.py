"""Parquet files as rows of ``records``, whatever schema version they were written with."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

from .columns import columns, duckdb_type, quoted
from .partition import Span
from .problem import Problem

if TYPE_CHECKING:
    from duckdb import DuckDBPyConnection


def readable(
    connection: DuckDBPyConnection, files: list[tuple[str, Path]], problems: list[Problem]
) -> dict[tuple[str, ...], list[Path]]:
    """The files that hold records, by the columns they have; each other is named."""
    import duckdb

    found: dict[tuple[str, ...], list[Path]] = {}
    for name, path in files:
        try:
            described = connection.execute(
                "SELECT column_name FROM (DESCRIBE SELECT * FROM read_parquet(?))", [str(path)]
            ).fetchall()
        except duckdb.Error:
            problems.append(Problem(name, None, "no Parquet that can be read"))
            continue
        names = tuple(sorted(each for (each,) in described))
        if {"session_id", "start_time"} <= {*names}:
            found.setdefault(names, []).append(path)
        else:
            problems.append(Problem(name, None, "Parquet without session_id and start_time"))
    return found


def selects(files: dict[tuple[str, ...], list[Path]], span: Span) -> Iterator[str]:
    """A query for each kind of file, with the columns of the table ``records``."""
    days = " AND ".join(
        [
            *([f"start_time >= TIMESTAMP '{span.since}'"] if span.since else []),
            *([f"start_time < TIMESTAMP '{span.until}' + INTERVAL 1 DAY"] if span.until else []),
        ]
    )
    where = f" WHERE start_time IS NULL OR ({days})" if days else ""
    for names, paths in files.items():
        listed = ", ".join(_literal(str(path)) for path in paths)
        yield (
            f"SELECT {', '.join(_columns(names))} FROM read_parquet([{listed}], filename = true, "
            "file_row_number = true, hive_partitioning = false, union_by_name = true)" + where
        )


def _columns(names: tuple[str, ...]) -> Iterator[str]:
    for one in columns():
        name, kind = quoted(one.name), duckdb_type(one.type)
        # A struct is cast by the names in it: what an older version did not have is null.
        yield f"{f'TRY_CAST({name} AS {kind})' if one.name in names else f'NULL::{kind}'} AS {name}"
    for part in ("year", "month", "day"):
        yield f"{part}(start_time)::INTEGER AS {part}"
    yield "filename AS object"
    yield "file_row_number + 1 AS line"


def _literal(text: str) -> str:
    return "'" + text.replace("'", "''") + "'"
