"""What a query returned: as a table for people, as CSV or JSON for programs."""

from __future__ import annotations

import base64
import csv
import json
import math
import sys
from collections.abc import Iterator, Sequence
from datetime import date, datetime, time, timedelta
from decimal import Decimal
from typing import TYPE_CHECKING, Any

from .lake import console, shown

if TYPE_CHECKING:
    from duckdb import DuckDBPyConnection

Row = Sequence[Any]

_CHUNK = 2048
_NUMBERS = (int, float, Decimal)


def rows(result: DuckDBPyConnection, limit: int) -> Iterator[Row]:
    """The rows, as many as are wanted: 0 is all."""
    left = limit or sys.maxsize
    while left and (chunk := result.fetchmany(min(left, _CHUNK))):
        left -= len(chunk)
        yield from chunk


def print_table(columns: Sequence[str], found: Sequence[Row], *, more: bool) -> None:
    """A table, and how many rows it has."""
    from rich.table import Table
    from rich.text import Text

    out = console()
    table = Table(box=None, padding=(0, 2, 0, 0), pad_edge=False, header_style="bold")
    for number, name in enumerate(columns):
        values = [row[number] for row in found if row[number] is not None]
        numeric = bool(values) and all(
            isinstance(value, _NUMBERS) and not isinstance(value, bool) for value in values
        )
        table.add_column(Text(shown(name)), justify="right" if numeric else "left", overflow="fold")
    for row in found:
        table.add_row(*(_cell(value) for value in row))
    out.print(table)
    count = f"{len(found)} row{'s' * (len(found) != 1)}"
    out.print(f"{count}; there are more: --limit 0 shows all" if more else count, style="dim")


def print_csv(columns: Sequence[str], found: Iterator[Row]) -> None:
    """CSV with a header; a null is empty, lists and structs are JSON."""
    writer = csv.writer(sys.stdout, lineterminator="\n")
    writer.writerow(columns)
    for row in found:
        writer.writerow("" if value is None else _text(plain(value)) for value in row)


def print_jsonl(columns: Sequence[str], found: Iterator[Row]) -> None:
    """One JSON object a row."""
    for row in found:
        print(dumps(dict(zip(columns, row, strict=True))))


def dumps(value: Any) -> str:
    """JSON as the record has it: UTC with Z, decimals as numbers, no NaN."""
    return json.dumps(plain(value), ensure_ascii=False, allow_nan=False)


def plain(value: Any) -> Any:
    """A value of DuckDB's as JSON can say it."""
    if isinstance(value, dict):
        return {str(key): plain(each) for key, each in value.items()}
    if isinstance(value, (list, tuple)):
        return [plain(each) for each in value]
    if value is None or isinstance(value, (bool, int, str)):
        return value
    if isinstance(value, Decimal):
        value = float(value)
    if isinstance(value, float):
        return value if math.isfinite(value) else None
    if isinstance(value, datetime):
        return value.replace(tzinfo=None).isoformat(timespec="milliseconds") + "Z"
    if isinstance(value, (date, time)):
        return value.isoformat()
    if isinstance(value, timedelta):
        return value.total_seconds()
    if isinstance(value, (bytes, bytearray, memoryview)):
        return base64.b64encode(bytes(value)).decode()
    return str(value)  # a UUID, and what DuckDB may have next


def _cell(value: Any) -> Any:
    from rich.text import Text

    if value is None:
        return Text("null", "dim")
    return Text(shown(_word(value)))


def _word(value: Any) -> str:
    """A value in a cell: as a person reads it."""
    if isinstance(value, str):
        return value
    if isinstance(value, float) and math.isfinite(value):
        return f"{value:.6f}".rstrip("0").rstrip(".") if 1e-6 < abs(value) < 1e15 else str(value)
    if isinstance(value, datetime):
        moment = value.replace(tzinfo=None)
        return moment.isoformat(sep=" ", timespec="milliseconds").removesuffix(".000")
    return _text(plain(value))


def _text(value: Any) -> str:
    return value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)
