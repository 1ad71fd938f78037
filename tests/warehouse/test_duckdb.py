"""DuckDB's statements, run in DuckDB."""

from __future__ import annotations

from pathlib import Path

import duckdb
import pytest

from livekit_plugins_analytics.warehouse.duckdb import statements
from tests.warehouse import readme
from tests.warehouse.drawn import drawn, store
from tests.warehouse.profile import OPEN, Dialect, query, same, sessions_of, tables

DUCKDB = Dialect(
    value=lambda leaf: ".".join(f'"{name}"' for name in leaf.path),
    true=lambda value: f"CAST({value} AS INT)",
    length=lambda value: f"length({value})",
    milliseconds=lambda value: f"epoch_ms({value})",
    size=lambda value: f"len({value})",
)


def loaded(path: Path) -> duckdb.DuckDBPyConnection:
    connection = duckdb.connect()
    for each in statements(str(path), table="sessions"):
        connection.execute(each.sql)
    return connection


def test_every_column_of_every_view_holds_what_the_records_hold(tmp_path: Path) -> None:
    records = list(drawn(200))
    store(iter(records), tmp_path)
    connection = loaded(tmp_path)
    for suffix, (of, expected) in tables(sessions_of(records)).items():
        names, sql = query(f"sessions{suffix}", of, DUCKDB)
        row = connection.execute(sql).fetchone()
        assert row is not None
        assert dict(zip(names, row, strict=True)) == pytest.approx(expected), suffix


def test_open_values_arrive_whole(tmp_path: Path) -> None:
    records = list(drawn(100))
    store(iter(records), tmp_path)
    sql = f"SELECT session_id, {', '.join(OPEN)} FROM sessions"
    found = {row[0]: row[1:] for row in loaded(tmp_path).execute(sql).fetchall()}
    for session in sessions_of(records):
        for name, value in zip(OPEN, found[session["session_id"]], strict=True):
            assert same(value, session[name]), name


def test_the_readmes_queries_run(tmp_path: Path) -> None:
    store(drawn(100), tmp_path)
    connection = loaded(tmp_path)
    for shown in readme.of("DuckDB"):
        assert connection.execute(shown.sql).fetchall(), shown.about
