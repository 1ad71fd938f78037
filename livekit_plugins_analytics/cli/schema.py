"""``livekit-analytics schema``: what a record is."""

from __future__ import annotations

import json

import typer
from rich.console import Console
from rich.table import Table

from ..record import SCHEMA_VERSION
from ..warehouse.columns import Column, JsonText, ListOf, Struct, Type, columns
from ..warehouse.json_schema import json_schema
from .options import AsJson


def schema(as_json: AsJson = False) -> None:
    """Show the record's columns; with --json its JSON Schema (draft 2020-12)."""
    if as_json:
        typer.echo(json.dumps(json_schema()))
        return
    table = Table(title=f"A session record, schema {SCHEMA_VERSION}", title_justify="left")
    table.add_column("column", no_wrap=True)
    table.add_column("type")
    for name, kind in _rows(columns()):
        table.add_row(name, kind)
    Console().print(table)


def _rows(of: tuple[Column, ...], path: str = "") -> list[tuple[str, str]]:
    rows = []
    for one in of:
        name = path + one.name
        rows.append((name, _kind(one.type) + (" or null" if one.nullable else "")))
        inner = one.type.item if isinstance(one.type, ListOf) else one.type
        if isinstance(inner, Struct):
            rows += _rows(
                inner.columns, f"{name}[]." if isinstance(one.type, ListOf) else f"{name}."
            )
    return rows


def _kind(of: Type) -> str:
    if isinstance(of, ListOf):
        return f"list of {_kind(of.item)}s"
    if isinstance(of, JsonText):
        return "JSON value"
    return {"Struct": "object"}.get(type(of).__name__, type(of).__name__.lower())
