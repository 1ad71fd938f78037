"""The record's columns: one tree of types, read from the schema, that every engine is told of.

What has a fixed set of keys is a struct. What has open keys (a map, a tool call with what the tool
annotated, an arbitrary value) is JSON text: no engine can name its keys beforehand.
"""

from __future__ import annotations

import json
import types
from dataclasses import dataclass
from datetime import datetime
from functools import cache
from typing import Any, Literal, Union, get_args, get_origin

from pydantic import BaseModel

from ..record import SessionRecord


@dataclass(frozen=True)
class Text:
    """A string."""


@dataclass(frozen=True)
class Integer:
    """A whole number of 64 bits."""


@dataclass(frozen=True)
class Number:
    """A float of 64 bits."""


@dataclass(frozen=True)
class Boolean:
    """True or false."""


@dataclass(frozen=True)
class Time:
    """A moment: in the record ``2025-10-29T14:30:00.000Z``, always UTC, to the millisecond."""


@dataclass(frozen=True)
class JsonText:
    """A value whose keys or type are open, as its JSON text; a string stands without quotes."""


@dataclass(frozen=True)
class ListOf:
    """An array, never null in the record."""

    item: Type


@dataclass(frozen=True)
class Struct:
    """An object with a fixed set of keys."""

    columns: tuple[Column, ...]


Type = Text | Integer | Number | Boolean | Time | JsonText | ListOf | Struct


@dataclass(frozen=True)
class Column:
    """A key of the record, or of a struct in it."""

    name: str
    """As it is in the JSON: ``from``, not ``from_agent``."""
    type: Type
    nullable: bool
    """Whether the record of this schema version may hold a null there."""


PARTITIONS = ("year", "month", "day")
"""The partition columns, whole numbers: the date of ``start_time`` in UTC."""


@cache
def columns() -> tuple[Column, ...]:
    """The record's columns in the order of the line, without the partition columns."""
    return columns_of(SessionRecord)


def column(name: str) -> Column:
    """A column of the record by its name.

    Raises:
        KeyError: There is none.
    """
    for one in columns():
        if one.name == name:
            return one
    raise KeyError(name)


def duckdb_type(of: Type) -> str:
    """The type in DuckDB's SQL. Times are TIMESTAMP in UTC, open values VARCHAR.

    TIMESTAMP, not TIMESTAMPTZ: the record is in UTC throughout, a laptop's time zone must not move
    a call into another day, and Python would need pytz to fetch it.
    """
    if isinstance(of, ListOf):
        return f"{duckdb_type(of.item)}[]"
    if isinstance(of, Struct):
        inner = ", ".join(f"{quoted(one.name)} {duckdb_type(one.type)}" for one in of.columns)
        return f"STRUCT({inner})"
    return _DUCKDB[type(of)]


def duckdb_structure(*names: str) -> str:
    """The record as ``json_transform`` is told of it: JSON, for all columns or for these only."""
    chosen = [column(name) for name in names] or columns()
    return json.dumps({one.name: _structure(one.type) for one in chosen})


def quoted(name: str) -> str:
    """An identifier in double quotes, as standard SQL has it."""
    return '"' + name.replace('"', '""') + '"'


_DUCKDB: dict[type, str] = {
    Text: "VARCHAR",
    Integer: "BIGINT",
    Number: "DOUBLE",
    Boolean: "BOOLEAN",
    Time: "TIMESTAMP",
    JsonText: "VARCHAR",
}


def _structure(of: Type) -> Any:
    if isinstance(of, ListOf):
        return [_structure(of.item)]
    if isinstance(of, Struct):
        return {one.name: _structure(one.type) for one in of.columns}
    return duckdb_type(of)


def columns_of(model: type[BaseModel]) -> tuple[Column, ...]:
    """The columns of a part of the record, its fixed keys."""
    return tuple(
        Column(field.alias or name, *_typed(field.annotation, f"{model.__name__}.{name}"))
        for name, field in model.model_fields.items()
    )


_SCALARS: dict[Any, Type] = {
    str: Text(),
    int: Integer(),
    float: Number(),
    bool: Boolean(),
    datetime: Time(),
    Any: JsonText(),
}


def _typed(annotation: Any, where: str) -> tuple[Type, bool]:
    """The type of an annotation and whether it takes a null.

    Raises:
        TypeError: There is no column for it: the schema has something new.
    """
    if annotation in _SCALARS:
        return _SCALARS[annotation], annotation is Any
    origin, arguments = get_origin(annotation), get_args(annotation)
    if hasattr(annotation, "__metadata__"):
        return _typed(annotation.__origin__, where)
    if origin in (Union, types.UnionType):
        return _union(set(arguments), where)
    if origin is Literal and all(isinstance(one, str) for one in arguments):
        return Text(), False
    if origin is list:
        return ListOf(_typed(arguments[0], where)[0]), False
    if origin is dict:
        return JsonText(), False
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        fixed = annotation.model_config.get("extra") == "forbid"
        return (Struct(columns_of(annotation)) if fixed else JsonText()), False
    raise TypeError(f"{where} is a {annotation}, which has no column type yet.")


def _union(arguments: set[Any], where: str) -> tuple[Type, bool]:
    some = arguments - {type(None)}
    if some == {int, float}:
        return Number(), type(None) in arguments
    if len(some) != 1:
        raise TypeError(f"{where} may be {sorted(map(str, some))}: which column type is that?")
    return _typed(some.pop(), where)[0], type(None) in arguments
