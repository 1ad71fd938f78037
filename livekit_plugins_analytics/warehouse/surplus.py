"""What a record has that the columns do not: kept as text, so that nothing is thrown away."""

from __future__ import annotations

import json
from datetime import datetime
from typing import Any

from pydantic import TypeAdapter, ValidationError

from .columns import (
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

_INT64 = 1 << 63
# As the record's own times are read.
_TIME = TypeAdapter(datetime)


def separated(record: dict[str, Any]) -> tuple[dict[str, Any], dict[str, Any]]:
    """Split a record into what fits the columns and the rest.

    Returns:
        The record without the rest (a value of another type than its column is null there), and
        the rest by path, such as ``metrics_summary.new_figure`` or ``usage[2].kind``.
    """
    rest: dict[str, Any] = {}
    kept = _object(record, columns(), "", rest)
    return kept, rest


def text_of(rest: dict[str, Any]) -> str | None:
    """The rest as the column ``extra``; null where there is none."""
    return json.dumps(rest, separators=(",", ":"), default=str) if rest else None


def _object(
    value: dict[str, Any], known: tuple[Column, ...], path: str, rest: dict[str, Any]
) -> dict[str, Any]:
    types = {one.name: one.type for one in known}
    kept = {}
    for name, each in value.items():
        where = f"{path}.{name}" if path else name
        if name in types:
            kept[name] = _fitting(each, types[name], where, rest)
        else:
            rest[where] = each
    return kept


def _fitting(value: Any, of: Type, path: str, rest: dict[str, Any]) -> Any:
    if value is None or isinstance(of, JsonText):
        return value
    if isinstance(of, ListOf) and isinstance(value, list):
        return [
            _fitting(each, of.item, f"{path}[{number}]", rest) for number, each in enumerate(value)
        ]
    if isinstance(of, Struct) and isinstance(value, dict):
        return _object(value, of.columns, path, rest)
    if _fits(value, of):
        return value
    rest[path] = value
    return None


def _fits(value: Any, of: Type) -> bool:
    if isinstance(value, bool) or isinstance(of, Boolean):
        return isinstance(value, bool) and isinstance(of, Boolean)
    if isinstance(of, Text):
        return isinstance(value, str)
    if isinstance(of, Integer):
        return isinstance(value, int) and -_INT64 <= value < _INT64
    if isinstance(of, Number):
        return isinstance(value, (int, float))
    return isinstance(of, Time) and isinstance(value, str) and _is_time(value)


def _is_time(text: str) -> bool:
    try:
        _TIME.validate_json(json.dumps(text), strict=True)
    except ValidationError:
        return False
    return True
