"""Athena's statements: the table made by Hive's own parser, all queries run by Trino."""

from __future__ import annotations

import pytest

from tests.warehouse.profile import OPEN, Dialect, query, same, sessions_of, tables

from .conftest import Lake
from .trino import Trino

ATHENA = Dialect(
    value=lambda leaf: ".".join(f'"{name}"' for name in leaf.path),
    true=lambda value: f"CAST({value} AS integer)",
    length=lambda value: f"length({value})",
    milliseconds=lambda value: f"date_diff('millisecond', timestamp '1970-01-01', {value})",
    size=lambda value: f"cardinality({value})",
)

# As everybody should: without it every day of the projected years is looked for.
MONTHS = "WHERE year = 2026 AND month IN (10, 11)"


def test_every_column_of_every_view_holds_what_the_records_hold(athena: Trino, lake: Lake) -> None:
    for suffix, (of, expected) in tables(sessions_of(lake.records)).items():
        names, sql = query(f"livekit_analytics.sessions{suffix}", of, ATHENA, MONTHS)
        (row,) = athena.rows(sql)
        assert dict(zip(names, row, strict=True)) == pytest.approx(expected), suffix


def test_open_values_arrive_whole(athena: Trino, lake: Lake) -> None:
    sql = f"SELECT session_id, {', '.join(OPEN)} FROM livekit_analytics.sessions {MONTHS}"
    found = {row[0]: row[1:] for row in athena.rows(sql)}
    for session in sessions_of(lake.records):
        for name, value in zip(OPEN, found[session["session_id"]], strict=True):
            assert same(value, session[name]), name
