"""From a row of Parquet back to the record: for calls of which nothing else is left."""

from __future__ import annotations

import json
from datetime import datetime
from typing import Any

from .columns import JsonText, ListOf, Struct, Time, Type, columns
from .lake import Lake
from .objects import LakeError


def restored(lake: Lake, session: str) -> dict[str, Any]:
    """The last revision of a call as its columns tell it.

    Args:
        lake: It is loaded.
        session: The session's id, or the beginning of it.

    Raises:
        LakeError: There is none, or the beginning fits several.
    """
    found = lake.connection.execute(
        "SELECT session_id FROM sessions WHERE starts_with(session_id, ?) "
        "ORDER BY session_id = ? DESC, session_id LIMIT 2",
        [session, session],
    ).fetchall()
    if not found:
        raise LakeError(f"no record of {session}")
    if len(found) > 1 and found[0][0] != session:
        raise LakeError(f"{session} begins the ids of several sessions: {found[0][0]}, ...")
    names = [one.name for one in columns()]
    quoted = ", ".join(f'"{name}"' for name in names)
    row = lake.connection.execute(
        f"SELECT {quoted} FROM sessions WHERE session_id = ?", [found[0][0]]
    ).fetchone()
    assert row
    values = zip(columns(), row, strict=True)
    return {one.name: _value(value, one.type) for one, value in values}


def _value(value: Any, of: Type) -> Any:
    if value is None:
        return None
    if isinstance(of, ListOf):
        return [_value(each, of.item) for each in value]
    if isinstance(of, Struct):
        return {one.name: _value(value.get(one.name), one.type) for one in of.columns}
    if isinstance(of, Time) and isinstance(value, datetime):
        return value.isoformat(timespec="milliseconds") + "Z"
    if isinstance(of, JsonText):
        try:
            return json.loads(value)
        except ValueError:  # a string stands there without quotes
            return value
    return value
