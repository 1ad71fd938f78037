"""The queries that the README shows."""

from __future__ import annotations

import re
from pathlib import Path
from typing import NamedTuple

README = Path(__file__).parents[2] / "README.md"

_FENCE = re.compile(r"```sql\n(.*?)```", re.DOTALL)
_FIRST = re.compile(r"-- ((?:Athena|DuckDB|Snowflake)(?:, (?:Athena|DuckDB|Snowflake))*): (.+)\n")


class Query(NamedTuple):
    """A query, and the engines that it is for."""

    about: str
    engines: tuple[str, ...]
    sql: str


def queries() -> list[Query]:
    """All of them.

    Raises:
        ValueError: One does not say in its first line which engines it is for.
    """
    found = []
    for sql in _FENCE.findall(README.read_text()):
        first = _FIRST.match(sql)
        if first is None:
            raise ValueError(f"Begin it with '-- Athena, DuckDB, Snowflake: what it is':\n{sql}")
        found.append(Query(first[2], tuple(first[1].split(", ")), sql))
    return found


def of(engine: str) -> list[Query]:
    """Those for this engine, which are some."""
    return [query for query in queries() if engine in query.engines]
