"""Lines on their way into a table, many at a time.

DuckDB reads one file with many lines in a hundredth of the time that it takes for many files with
one, and finds out only line by line which value does not fit: so lines that are known to be right
go in strictly, and those with wrong types leniently, after each was named.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING

from .columns import columns, duckdb_structure, quoted
from .partition import Span
from .problem import Problem

if TYPE_CHECKING:
    from duckdb import DuckDBPyConnection

# Where a line is from, on the line itself: no record has such keys.
_OBJECT, _LINE = "_lake_object", "_lake_line"
_STRUCTURE = json.dumps({_OBJECT: "VARCHAR", _LINE: "BIGINT"})

_DATE = "year(start_time), month(start_time), day(start_time)"


class Batch:
    """Lines that wait.

    Args:
        connection: Has the table.
        table: Of `views.table`.
        path: The file through which they go; nobody else's.
        span: Calls that began on other days are left out.
        problems: Takes what DuckDB cannot read.
        strict: Whether every value is believed to have its column's type.
    """

    def __init__(
        self,
        connection: DuckDBPyConnection,
        table: str,
        path: Path,
        span: Span,
        problems: list[Problem],
        *,
        strict: bool,
    ) -> None:
        self._connection = connection
        self._table = table
        self._path = path
        self._span = span
        self._problems = problems
        self._strict = strict
        self._lines: list[bytes] = []
        self._places: list[tuple[str, int]] = []
        self.bytes = 0

    def add(self, name: str, number: int, line: bytes) -> None:
        """Take a line: a JSON object that is not empty."""
        place = json.dumps({_OBJECT: name, _LINE: number})
        marked = place[:-1].encode() + b", " + line.strip()[1:] + b"\n"
        self._lines.append(marked)
        self._places.append((name, number))
        self.bytes += len(marked)

    def load(self) -> None:
        """Put what waits into the table."""
        if not self._lines:
            return
        with open(self._path, "wb") as file:
            file.writelines(self._lines)
        longest = max(map(len, self._lines))
        self._connection.execute(
            "CREATE TEMP TABLE batch AS SELECT json AS text FROM read_json_objects("
            "?, format = 'newline_delimited', ignore_errors = true, maximum_object_size = ?)",
            [str(self._path), max(longest + 1024, 16 << 20)],
        )
        self._name_unreadable()
        if not (self._strict and self._inserted("json_transform_strict")):
            if self._strict:
                self._name_misfits()
            self._inserted("json_transform")
        self._connection.execute("DROP TABLE batch")
        self._path.unlink()
        self._lines, self._places, self.bytes = [], [], 0

    def _inserted(self, function: str) -> bool:
        """Whether all lines went in; strictly, none does where one cannot."""
        import duckdb

        names = ", ".join(quoted(one.name) for one in columns())
        try:
            self._connection.execute(
                f"INSERT INTO {self._table} SELECT {names}, {_DATE}, "
                f"place.{_OBJECT}, place.{_LINE} FROM ("
                f"SELECT unnest({function}(text, ?)), json_transform(text, ?) AS place "
                "FROM batch WHERE text IS NOT NULL) "
                "WHERE start_time IS NULL "
                "OR start_time::DATE BETWEEN coalesce(?, DATE '0001-01-01') "
                "AND coalesce(?, DATE '9999-12-31')",
                [duckdb_structure(), _STRUCTURE, self._span.since, self._span.until],
            )
        except duckdb.Error:
            if function == "json_transform":
                raise
            return False
        return True

    def _name_misfits(self) -> None:
        """Name the lines of which a value does not fit, although the record's schema takes it."""
        misfits = self._connection.execute(
            "SELECT place.* FROM (SELECT json_transform(text, ?) AS place FROM batch "
            "WHERE text IS NOT NULL AND TRY(json_transform_strict(text, ?)) IS NULL)",
            [_STRUCTURE, duckdb_structure()],
        ).fetchall()
        for name, number in misfits:
            reason = "a value does not fit its column and is null (a number beyond 64 bits?)"
            self._problems.append(Problem(name, number, reason, "warning"))

    def _name_unreadable(self) -> None:
        """Name the lines that are JSON for us and not for DuckDB."""
        row = self._connection.execute("SELECT count(text) FROM batch").fetchone()
        if row and row[0] == len(self._places):
            return
        read = self._connection.execute(
            "SELECT place.* FROM (SELECT json_transform(text, ?) AS place FROM batch "
            "WHERE text IS NOT NULL)",
            [_STRUCTURE],
        ).fetchall()
        for name, number in sorted({*self._places} - {*read}):
            self._problems.append(Problem(name, number, "not JSON for DuckDB"))
