"""Compaction on Spark: one script that runs where this package is not."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

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

_TYPES: dict[type, str] = {
    Text: "string",
    Integer: "long",
    Number: "double",
    Boolean: "boolean",
    Time: "timestamp",
    # Spark keeps the text of an object under a string. (Its VARIANT is Spark 4's.)
    JsonText: "string",
}

_PLACE = "SCHEMA: dict[str, Any] = {}"


def struct_type() -> dict[str, Any]:
    """The record as Spark's StructType, in Spark's own JSON."""
    return _struct(columns())


def script() -> str:
    """The script for ``spark-submit``, with the record's schema in it."""
    text = Path(__file__).with_name("spark_compact.py").read_text(encoding="utf-8")
    schema = f"SCHEMA: dict[str, Any] = json.loads(\n    r'''{json.dumps(struct_type())}'''\n)"
    before, place, after = text.partition(_PLACE)
    assert place
    return before + schema + after


def _struct(of: tuple[Column, ...]) -> dict[str, Any]:
    fields = [
        {"name": one.name, "type": _type(one.type), "nullable": True, "metadata": {}} for one in of
    ]
    return {"type": "struct", "fields": fields}


def _type(of: Type) -> Any:
    if isinstance(of, ListOf):
        return {"type": "array", "elementType": _type(of.item), "containsNull": True}
    if isinstance(of, Struct):
        return _struct(of.columns)
    return _TYPES[type(of)]
