"""Snowflake's statements in fakesnow: all but the integration, the stage's options and the pipe."""

from __future__ import annotations

from pathlib import Path

import pytest

from livekit_plugins_analytics.lines import compressed, line
from livekit_plugins_analytics.warehouse.columns import Boolean, Integer, ListOf, Number, Text, Time
from livekit_plugins_analytics.warehouse.snowflake import snowflake_type
from tests.warehouse.drawn import drawn
from tests.warehouse.profile import (
    Dialect,
    Leaf,
    columns_of_sessions,
    profile,
    query,
    sessions_of,
    tables,
)

from .conftest import Lake, snowflake_loaded
from .interpreter import Interpreter

SCALARS = (Boolean, Integer, ListOf, Number, Text, Time)


def _value(leaf: Leaf) -> str:
    if len(leaf.path) == 1:
        return f'"{leaf.path[0].upper()}"'
    path = f"{leaf.path[0]}:{'.'.join(leaf.path[1:])}"
    return f"{path}::{snowflake_type(leaf.type)}" if isinstance(leaf.type, SCALARS) else path


SNOWFLAKE = Dialect(
    value=_value,
    true=lambda value: f"CAST({value} AS INTEGER)",
    length=lambda value: f"LENGTH({value})",
    milliseconds=lambda value: f"DATE_PART(epoch_millisecond, {value})",
    size=lambda value: f"ARRAY_SIZE({value})",
)


def test_every_column_of_every_view_holds_what_the_records_hold(
    snowflake: Interpreter, lake: Lake
) -> None:
    for suffix, (of, expected) in tables(sessions_of(lake.records)).items():
        names, sql = query(f"sessions{suffix}", of, SNOWFLAKE)
        (row,) = snowflake.rows(sql)
        assert dict(zip(names, map(float, row), strict=True)) == pytest.approx(expected), suffix


def test_the_merged_table_holds_the_same(snowflake: Interpreter, lake: Lake) -> None:
    sessions = sessions_of(lake.records)
    of = [one for one in columns_of_sessions() if one.name not in ("estimated_cost", "currency")]
    expected = profile(sessions, of)
    names, sql = query("sessions_merged", of, SNOWFLAKE)
    (row,) = snowflake.rows(sql)
    assert dict(zip(names, map(float, row), strict=True)) == pytest.approx(expected)


def test_a_late_revision_replaces_what_was_merged_and_merging_again_changes_nothing(
    fakesnow: Interpreter, tmp_path: Path
) -> None:
    records = [each for each in drawn(5) if each.revision == 1]
    made = snowflake_loaded(fakesnow, "late", tmp_path, records)
    late = records[0].model_copy(update={"revision": 7, "outcome": "late"})
    (tmp_path / "late.json.gz").write_bytes(compressed(line(late)))
    fakesnow.rows(made["copy"].sql)
    for _ in range(2):
        fakesnow.rows(made["merge"].sql)
        assert fakesnow.rows("SELECT session_id, outcome FROM late_merged WHERE revision = 7") == [
            [late.session_id, "late"]
        ]
        assert fakesnow.rows("SELECT count(*) FROM late_merged") == [[5]]
