"""What a table holds, in figures: of every column its values that are not null, and their total.

The same figures are computed in Python, from the records' lines, and by each engine in its SQL.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any

from livekit_plugins_analytics.lines import line
from livekit_plugins_analytics.record import SessionRecord
from livekit_plugins_analytics.warehouse.columns import (
    PARTITIONS,
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
from livekit_plugins_analytics.warehouse.expansion import Expansion, expansions, shown

Profile = dict[str, float]
Path = tuple[str, ...]


@dataclass(frozen=True)
class Leaf:
    """A column, or what is in a struct, down to what has no keys."""

    path: Path
    type: Type


@dataclass(frozen=True)
class Dialect:
    """How an engine says what a profile is made of."""

    value: Callable[[Leaf], str]
    """The leaf's value."""
    true: Callable[[str], str]
    """1 for true, 0 for false, null for null."""
    length: Callable[[str], str]
    """Of a text in characters."""
    milliseconds: Callable[[str], str]
    """Of a time since 1970."""
    size: Callable[[str], str]
    """Of a list."""
    json: Callable[[str], str] = str
    """Of an open value: its text, or any type that can be counted."""


def leaves(of: Iterable[Column], path: Path = ()) -> Iterator[Leaf]:
    """All leaves of the columns."""
    for one in of:
        if isinstance(one.type, Struct):
            yield from leaves(one.type.columns, (*path, one.name))
        else:
            yield Leaf((*path, one.name), one.type)


def query(
    table: str, of: Iterable[Column], dialect: Dialect, where: str = ""
) -> tuple[list[str], str]:
    """The names of the figures, and the statement that has them in one row."""
    figures = {"rows": "count(*)"}
    for leaf in leaves(of):
        name, value = ".".join(leaf.path), dialect.value(leaf)
        if isinstance(leaf.type, JsonText):
            figures[name] = f"count({dialect.json(value)})"
            continue
        figures[name] = f"count({value})"
        figures[f"{name} total"] = f"sum({_total(value, leaf.type, dialect)})"
    body = ", ".join(f"{value} AS f{number}" for number, value in enumerate(figures.values()))
    return list(figures), f"SELECT {body} FROM {table} {where}"


def _total(value: str, of: Type, dialect: Dialect) -> str:
    if isinstance(of, (Integer, Number)):
        return value
    how = {
        Boolean: dialect.true,
        Text: dialect.length,
        Time: dialect.milliseconds,
        ListOf: dialect.size,
    }
    return how[type(of)](value)


def sessions_of(records: Iterable[SessionRecord]) -> list[dict[str, Any]]:
    """What the view of sessions is to hold, as JSON: the latest revision, with its date."""
    latest: dict[str, dict[str, Any]] = {}
    for record in records:
        data = json.loads(line(record))
        if data["session_id"] not in latest or data["revision"] > 1:
            latest[data["session_id"]] = data
    for data in latest.values():
        start = datetime.fromisoformat(data["start_time"].replace("Z", "+00:00"))
        data |= {part: getattr(start, part) for part in PARTITIONS}
        data["estimated_cost"] = data["cost_summary"]["total_estimated_cost"]
        data["currency"] = data["cost_summary"]["currency"]
    return list(latest.values())


def columns_of_sessions() -> tuple[Column, ...]:
    """The columns of the view of sessions."""
    dates = tuple(Column(part, Integer(), nullable=False) for part in PARTITIONS)
    cost = Column("estimated_cost", Number(), nullable=True)
    return (*columns(), *dates, cost, Column("currency", Text(), nullable=True))


def columns_of_view(view: Expansion) -> tuple[Column, ...]:
    """The columns of a view of elements."""
    return (
        Column("session_id", Text(), nullable=False),
        Column("start_time", Time(), nullable=False),
        *(Column(name, Integer(), nullable=False) for name in (*PARTITIONS, "position")),
        *(replace(one, name=shown(one.name)) for one in view.columns),
    )


def tables(sessions: Iterable[Mapping[str, Any]]) -> dict[str, tuple[tuple[Column, ...], Profile]]:
    """Each view's columns and its figures; the view of sessions is called ""."""
    all_sessions = list(sessions)
    found = {"": (columns_of_sessions(), profile(all_sessions, columns_of_sessions()))}
    for view in expansions():
        rows = [row for one in all_sessions for row in _rows(one, view)]
        found[f"_{view.name}"] = (columns_of_view(view), profile(rows, columns_of_view(view)))
    return found


def _rows(session: Mapping[str, Any], view: Expansion) -> Iterator[dict[str, Any]]:
    own = {name: session[name] for name in ("session_id", "start_time", *PARTITIONS)}
    for position, element in enumerate(_at(session, view.path) or (), start=1):
        values = {shown(name): value for name, value in element.items()}
        yield {**values, **own, "position": position}


def profile(rows: Iterable[Mapping[str, Any]], of: Iterable[Column]) -> Profile:
    """The figures, computed in Python."""
    every = list(rows)
    figures: Profile = {"rows": len(every)}
    for leaf in leaves(of):
        name = ".".join(leaf.path)
        values = [value for row in every if (value := _at(row, leaf.path)) is not None]
        figures[name] = len(values)
        if not isinstance(leaf.type, JsonText):
            figures[f"{name} total"] = sum(_measure(value) for value in values)
    return figures


def _at(row: Mapping[str, Any], path: Path) -> Any:
    value: Any = row
    for name in path:
        value = None if value is None else value[name]
    return value


def _measure(value: Any) -> float:
    if isinstance(value, (bool, int, float)):
        return value
    if isinstance(value, str) and len(value) == 24 and value.endswith("Z"):
        moment = datetime.fromisoformat(value.replace("Z", "+00:00"))
        return round(moment.timestamp() * 1000)
    return len(value)


OPEN = tuple(one.name for one in columns() if one.type in (JsonText(), ListOf(JsonText())))
"""The columns with open keys, whose JSON has to arrive whole."""


def same(found: Any, stored: Any) -> bool:
    """Whether an engine's text is the value that was stored; a bare string is a string."""
    if isinstance(stored, str) or stored is None or found is None:
        return bool(found == stored)
    if isinstance(found, list):
        return len(found) == len(stored) and all(map(same, found, stored))
    return bool(json.loads(found) == stored)
