"""The README's queries give the same rows on every engine that it shows them for."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import duckdb
import pytest

from livekit_plugins_analytics.warehouse.duckdb import statements
from tests.warehouse import readme

from .conftest import Lake
from .interpreter import Interpreter
from .trino import Trino

Rows = list[list[Any]]


@pytest.fixture(scope="module")
def answers(athena: Trino, snowflake: Interpreter, lake: Lake) -> dict[str, Callable[[str], Rows]]:
    """How each engine is asked."""
    connection = duckdb.connect()
    for each in statements(str(lake.folder), table="sessions"):
        connection.execute(each.sql)
    return {
        "Athena": athena.rows,
        "DuckDB": lambda sql: [list(row) for row in connection.execute(sql).fetchall()],
        "Snowflake": snowflake.rows,
    }


@pytest.mark.parametrize("about", sorted({query.about for query in readme.queries()}))
def test_a_query(about: str, answers: dict[str, Callable[[str], Rows]]) -> None:
    shown = [query for query in readme.queries() if query.about == about]
    found = {name: answers[name](query.sql) for query in shown for name in query.engines}
    (first, *others) = found.values()
    assert first
    for rows in others:
        assert _plain(rows) == pytest.approx(_plain(first))


def _plain(rows: Rows) -> list[Any]:
    """Values in one list, figures as floats: fakesnow writes decimals as text."""
    return [_figure(value) for row in rows for value in row]


def _figure(value: Any) -> Any:
    try:
        return float(value)
    except (TypeError, ValueError):
        return value
