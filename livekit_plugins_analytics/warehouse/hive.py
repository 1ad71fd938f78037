"""The table of JSON objects as Hive's catalogue describes it, which Athena and Glue share."""

from __future__ import annotations

from datetime import date

from .columns import (
    PARTITIONS,
    Boolean,
    Integer,
    JsonText,
    ListOf,
    Number,
    Struct,
    Text,
    Time,
    Type,
)
from .names import Location

SERDE = "org.openx.data.jsonserde.JsonSerDe"
"""Of Athena's two, the one that gives an object with open keys as its text. Hive's own makes nulls
of every column that follows one."""

SERDE_PROPERTIES = {
    # A line that is cut off is a row of nulls, which the views leave out, not a failed query.
    "ignore.malformed.json": "true",
}
INPUT_FORMAT = "org.apache.hadoop.mapred.TextInputFormat"
OUTPUT_FORMAT = "org.apache.hadoop.hive.ql.io.HiveIgnoreKeyTextOutputFormat"

YEARS_AHEAD = 10
"""Projected years that are still to come cost nothing until a query asks for all years."""

_TYPES: dict[type, str] = {
    Text: "string",
    Integer: "bigint",
    Number: "double",
    Boolean: "boolean",
    JsonText: "string",
}


def hive_type(of: Type, quote: str = "`", time: str = "string") -> str:
    """The type as Hive writes it.

    Args:
        of: The column's type.
        quote: Around the names in structs: statements need it (``from`` is a keyword), Glue's API
            must not have it.
        time: The type of times: ``timestamp`` in Parquet. In JSON the SerDe fails with that in
            Spark; the views convert the text.
    """
    if isinstance(of, ListOf):
        return f"array<{hive_type(of.item, quote, time)}>"
    if isinstance(of, Struct):
        inner = (
            f"{quote}{one.name}{quote}:{hive_type(one.type, quote, time)}" for one in of.columns
        )
        return f"struct<{','.join(inner)}>"
    return time if isinstance(of, Time) else _TYPES[type(of)]


def projection(location: Location, first_year: int, last_year: int) -> dict[str, str]:
    """The table's properties for partition projection: Athena computes partitions, none is added.

    Raises:
        ValueError: The years are in the wrong order, or are none.
    """
    if not 2000 <= first_year <= last_year <= 2999:
        raise ValueError(f"--years {first_year}-{last_year}: the first year, then the last one.")
    path = "/".join(f"{name}=${{{name}}}" for name in PARTITIONS)
    return {
        "projection.enabled": "true",
        "projection.year.type": "integer",
        "projection.year.range": f"{first_year},{last_year}",
        "projection.month.type": "integer",
        "projection.month.range": "1,12",
        "projection.month.digits": "2",
        "projection.day.type": "integer",
        "projection.day.range": "1,31",
        "projection.day.digits": "2",
        "storage.location.template": f"{location.uri()}{path}/",
    }


def years(text: str | None) -> tuple[int, int]:
    """The range ``2025-2035``; without one, from last year on.

    Raises:
        ValueError: It is no range.
    """
    if text is None:
        this = date.today().year
        return this - 1, this + YEARS_AHEAD
    first, _, last = text.partition("-")
    if not (first.isdecimal() and last.isdecimal()):
        raise ValueError(f"--years {text!r} is no range such as 2025-2035.")
    return int(first), int(last)
