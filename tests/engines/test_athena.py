"""Athena's statements: the table made by Hive's own parser, all queries run by Trino."""

from __future__ import annotations

import pytest

from livekit_plugins_analytics.warehouse.athena import compacted
from livekit_plugins_analytics.warehouse.athena_compaction import counts, write
from livekit_plugins_analytics.warehouse.names import Location
from tests.warehouse.profile import OPEN, Dialect, query, same, sessions_of, tables

from .conftest import BUCKET, HALF, LOCATION, Lake
from .interpreter import Interpreter
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


def test_a_line_that_is_cut_off_is_a_row_of_nulls_that_can_be_found(athena: Trino) -> None:
    sql = f'SELECT "$path" FROM livekit_analytics.sessions_raw {MONTHS} AND session_id IS NULL'
    assert athena.rows(sql) == [[f"{LOCATION.uri()}{HALF}"]]


def test_compacted_by_athena_a_day_at_a_time_they_hold_the_same(
    athena: Trino, spark: Interpreter, lake: Lake
) -> None:
    names = {"database": "livekit_analytics", "table": "sessions"}
    parquet = Location(BUCKET, "calls/parquet")
    (table, view) = compacted(parquet, **names, years=(2026, 2026))
    spark.rows(table.sql)
    athena.rows(view.sql)
    days = sorted({record.start_time.date() for record in lake.records})
    for day in days:
        for sql in write(parquet, **names, day=day):
            athena.rows(sql)
        ((found, written),) = athena.rows(counts(**names, day=day))
        assert found == written > 0
    sessions = sessions_of(lake.records)
    of, expected = tables(sessions)[""]
    figures, sql = query("livekit_analytics.sessions_compacted", of, ATHENA, MONTHS)
    (row,) = athena.rows(sql)
    assert dict(zip(figures, row, strict=True)) == pytest.approx(expected)
    # Times within lists of objects, in an order that tells one column from another.
    nested = athena.rows(
        "SELECT session_id, transform(handoffs, h -> h.\"from\" || '>' || h.\"to\" || '>' || "
        "to_iso8601(h.at)) FROM livekit_analytics.sessions_compacted " + MONTHS
    )
    stored = {
        session["session_id"]: [
            f"{one['from']}>{one['to']}>{one['at'].removesuffix('Z')}"
            for one in session["handoffs"]
        ]
        for session in sessions
    }
    assert dict(nested) == stored
