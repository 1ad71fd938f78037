"""Snowflake's statements in fakesnow: all but the integration, the stage's options and the pipe."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from livekit_plugins_analytics.record import compressed, line
from livekit_plugins_analytics.warehouse.columns import Boolean, Integer, ListOf, Number, Text, Time
from livekit_plugins_analytics.warehouse.names import Location
from livekit_plugins_analytics.warehouse.snowflake import snowflake_type, statements
from livekit_plugins_analytics.warehouse.statement import Statement
from tests.warehouse.profile import (
    Dialect,
    Leaf,
    columns_of_sessions,
    profile,
    query,
    sessions_of,
    tables,
)

from .conftest import Lake
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


def made() -> dict[str, Statement]:
    """Our statements by name."""
    role = "arn:aws:iam::123456789012:role/snowflake"
    every = statements(Location("b-1"), role=role, integration="calls", table="sessions")
    return {each.name: each for each in every}


@pytest.fixture(scope="module")
def stage(lake: Lake, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """All objects in one folder: fakesnow looks for none below it."""
    flat = tmp_path_factory.mktemp("stage")
    for path in lake.folder.rglob("*.json.gz"):
        shutil.copy(path, flat)
    return flat


@pytest.fixture(scope="module")
def snowflake(fakesnow: Interpreter, stage: Path) -> Interpreter:
    """The tables and views, with the records copied in and merged."""
    local = f"CREATE STAGE sessions_stage URL = 'file://{stage}/'"
    for name, each in made().items():
        if name not in ("calls", "sessions_pipe"):
            fakesnow.rows(local if name == "sessions_stage" else each.sql)
    return fakesnow


def test_every_column_of_every_view_holds_what_the_records_hold(snowflake: Interpreter, lake: Lake):
    for suffix, (of, expected) in tables(sessions_of(lake.records)).items():
        names, sql = query(f"sessions{suffix}", of, SNOWFLAKE)
        (row,) = snowflake.rows(sql)
        assert dict(zip(names, map(float, row), strict=True)) == pytest.approx(expected), suffix


def test_the_merged_table_holds_the_same(snowflake: Interpreter, lake: Lake):
    sessions = sessions_of(lake.records)
    of = [one for one in columns_of_sessions() if one.name not in ("estimated_cost", "currency")]
    expected = profile(sessions, of)
    names, sql = query("sessions_merged", of, SNOWFLAKE)
    (row,) = snowflake.rows(sql)
    assert dict(zip(names, map(float, row), strict=True)) == pytest.approx(expected)


def test_a_late_revision_replaces_what_was_merged_and_merging_again_changes_nothing(
    snowflake: Interpreter, stage: Path, lake: Lake
):
    first = next(record for record in lake.records if record.revision == 1)
    late = first.model_copy(update={"revision": 7, "outcome": "late"})
    (stage / "late.json.gz").write_bytes(compressed(line(late)))
    snowflake.rows(made()["copy"].sql)
    figures = f"SELECT count(*), count_if(session_id = '{first.session_id}') FROM sessions_merged"
    before = snowflake.rows(figures)
    outcome = (
        f"SELECT revision, outcome FROM sessions_merged WHERE session_id = '{first.session_id}'"
    )
    for _ in range(2):
        snowflake.rows(made()["merge"].sql)
        assert snowflake.rows(outcome) == [[7, "late"]]
        assert snowflake.rows(figures) == before
