"""Views over the table ``records``, for DuckDB: one row per call, and per thing in a call."""

from __future__ import annotations

from collections.abc import Iterator

from .columns import ListOf, Struct, columns, duckdb_type, quoted

SESSIONS = "sessions"
"""The latest revision of each call."""

CALL = ("session_id", "start_time", "year", "month", "day", "agent_name")
"""What every other view says of the call: the times are the call's."""

SHARED = ("tool_calls", "signals", "transcript_items", "usage", "costs")
"""Views that the statements for other engines make too, as ``sessions_tool_calls`` and so on: here
they have both names."""

# In the record each is JSON text, since its keys are open: what is known of them.
_OPEN = {
    "tool_calls": {
        "tool": "VARCHAR",
        "timestamp": "TIMESTAMP",
        "call_id": "VARCHAR",
        "status": "VARCHAR",
        "duration_seconds": "DOUBLE",
        "arguments": "VARCHAR",
        "result": "VARCHAR",
        "error": "VARCHAR",
        "agent": "VARCHAR",
    },
    "unpriced": {
        "kind": "VARCHAR",
        "provider": "VARCHAR",
        "model": "VARCHAR",
        "unit": "VARCHAR",
        "quantity": "DOUBLE",
        "reason": "VARCHAR",
    },
}
# Words of SQL, which DuckDB takes for columns in quotes only.
_RENAMED = {"at": "happened_at", "from": "from_agent", "to": "to_agent"}
# Money is decimal text in the record, exact; a sum in a query wants numbers.
_MONEY = {"costs": ("unit_price", "amount")}


def statements(superseded: bool) -> Iterator[str]:
    """Every view's ``CREATE VIEW``.

    Args:
        superseded: Whether there is a table of that name with the rows (object, line) that a later
            revision has followed; without, each record is the only one of its call.
    """
    later = (
        "\nWHERE NOT EXISTS (FROM superseded s WHERE s.object = r.object AND s.line = r.line)"
        if superseded
        else ""
    )
    yield _view(
        SESSIONS,
        "SELECT r.*,\n"
        "    TRY_CAST(r.cost_summary ->> '$.total_estimated_cost' AS DOUBLE) AS estimated_cost,\n"
        "    r.cost_summary ->> '$.currency' AS currency\n"
        f"FROM records r{later}",
    )
    for each in columns():
        if isinstance(each.type, ListOf):
            yield _view(each.name, _list(each.name, each.name, each.type))
    transcript = _struct("transcript")
    items = next(one for one in transcript.columns if one.name == "items")
    assert isinstance(items.type, ListOf)
    yield _view("transcript_items", _list("transcript_items", "transcript.items", items.type))
    yield _view("metrics", _flat("metrics_summary"))
    yield _view("latencies", _latencies())
    yield _view("discovered", _discovered())
    for name in SHARED:
        yield _view(f"{SESSIONS}_{name}", f"SELECT * FROM {quoted(name)}")


def names() -> list[str]:
    """The views' names."""
    return [each.split('"')[1] for each in statements(superseded=False)]


def _view(name: str, query: str) -> str:
    return f"CREATE VIEW {quoted(name)} AS\n{query}"


def _list(name: str, path: str, of: ListOf) -> str:
    """A row for each entry of a list, numbered from 1."""
    call = ", ".join(CALL)
    inner = (
        f"SELECT {call}, unnest({path}) AS entry, generate_subscripts({path}, 1) AS position\n"
        f"    FROM {SESSIONS}"
    )
    fields = ",\n    ".join(_fields(name, of))
    return f"SELECT {call}, position,\n    {fields}\nFROM ({inner})"


def _fields(name: str, of: ListOf) -> Iterator[str]:
    if isinstance(of.item, Struct):
        yield from _columns(name, "entry", "", of.item)
    elif name in _OPEN:
        for key, sql in _OPEN[name].items():
            text = f"entry ->> '$.{key}'"
            yield f"{_cast(text, sql)} AS {quoted(key)}"
        if name == "tool_calls":
            # A merge with nulls takes the fixed keys away.
            fixed = ", ".join(f'"{key}": null' for key in _OPEN[name])
            yield f"json_merge_patch(entry, '{{{fixed}}}')::VARCHAR AS annotations"
            yield "entry AS tool_call"
    else:
        yield "entry AS value"


def _columns(name: str, path: str, prefix: str, of: Struct) -> Iterator[str]:
    for one in of.columns:
        inner = f"{path}.{quoted(one.name)}"
        shown = quoted(prefix + _RENAMED.get(one.name, one.name))
        if isinstance(one.type, Struct):
            yield from _columns(name, inner, f"{prefix}{one.name}_", one.type)
        elif one.name in _MONEY.get(name, ()):
            yield f"TRY_CAST({inner} AS DOUBLE) AS {shown}"
        else:
            yield f"{inner} AS {shown}"


def _cast(text: str, sql: str) -> str:
    return text if sql == "VARCHAR" else f"TRY_CAST({text} AS {sql})"


def _flat(name: str) -> str:
    fields = ",\n    ".join(
        f"{name}.{quoted(one.name)} AS {quoted(one.name)}" for one in _struct(name).columns
    )
    return f"SELECT {', '.join(CALL)},\n    {fields}\nFROM {SESSIONS}"


def _latencies() -> str:
    """A row for each stage of each call."""
    stages = [one.name for one in _struct("latency").columns]
    return "\nUNION ALL\n".join(
        f"SELECT {', '.join(CALL)}, '{stage}' AS stage, unnest(latency.{quoted(stage)})\n"
        f"FROM {SESSIONS}"
        for stage in stages
    )


def _discovered() -> str:
    """A row for each final value of a signal."""
    call = ", ".join(CALL)
    value = "json_extract_string(discovered_signals, '$.\"' || name || '\"')"
    return (
        f"SELECT {call}, name, {value} AS value\n"
        f"FROM (SELECT {call}, discovered_signals, unnest(json_keys(discovered_signals)) AS name\n"
        f"    FROM {SESSIONS})"
    )


def _struct(name: str) -> Struct:
    of = next(one.type for one in columns() if one.name == name)
    assert isinstance(of, Struct)
    return of


def table(name: str = "records") -> str:
    """A table's ``CREATE TABLE``: the record's columns, the date, and where each was read."""
    return f"CREATE TABLE {name} ({', '.join(_definitions())})"


def union(table: str, queries: Iterator[str]) -> str:
    """The view ``records`` where there is more than one source of them."""
    return f"CREATE VIEW records AS FROM {table}" + "".join(
        f"\nUNION ALL BY NAME\n{query}" for query in queries
    )


def _definitions() -> Iterator[str]:
    for one in columns():
        yield f"{quoted(one.name)} {duckdb_type(one.type)}"
    yield from ("year INTEGER", "month INTEGER", "day INTEGER")
    yield from ("object VARCHAR", "line BIGINT")
