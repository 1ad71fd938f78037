"""Which lists of the record become tables of their own: one row for each element."""

from __future__ import annotations

from dataclasses import dataclass

from ..parts import ToolCall
from .columns import Column, ListOf, Struct, column, columns_of


@dataclass(frozen=True)
class Expansion:
    """A view with a row for each element of a list.

    Every one has ``session_id``, ``start_time``, year, month, day and ``position`` (from 1) too.
    """

    name: str
    """What the view's name ends in."""
    path: tuple[str, ...]
    """The list in the record."""
    columns: tuple[Column, ...]
    """What an element holds."""
    whole: str | None = None
    """Elements are JSON text with open keys; the view has the whole text by this name."""


def shown(name: str) -> str:
    """What a key of an element is called in a view: AT is a keyword, in most engines."""
    return {"at": "happened_at"}.get(name, name)


def expansions() -> tuple[Expansion, ...]:
    """The views of lists that analysts ask for."""
    calls = Expansion("tool_calls", ("tool_calls",), columns_of(ToolCall), whole="tool_call")
    items = Expansion("transcript_items", ("transcript", "items"), _elements("transcript", "items"))
    others = (Expansion(name, (name,), _elements(name)) for name in ("signals", "usage", "costs"))
    return (calls, items, *others)


def _elements(*path: str) -> tuple[Column, ...]:
    found = column(path[0]).type
    for name in path[1:]:
        assert isinstance(found, Struct)
        found = next(one.type for one in found.columns if one.name == name)
    assert isinstance(found, ListOf) and isinstance(found.item, Struct)
    return found.item.columns
