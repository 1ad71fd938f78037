"""The column tree: what the schema's types become, and what breaks the data team."""

from __future__ import annotations

from livekit_plugins_analytics.record import SessionRecord
from livekit_plugins_analytics.warehouse.columns import (
    Boolean,
    Column,
    Integer,
    JsonText,
    ListOf,
    Number,
    Struct,
    Text,
    Time,
    column,
    columns,
    duckdb_type,
)


def test_every_field_of_the_record_is_a_column_in_its_order() -> None:
    assert [one.name for one in columns()] == list(SessionRecord.model_fields)


def test_types_follow_the_schema() -> None:
    assert column("session_id") == Column("session_id", Text(), nullable=False)
    assert column("revision").type == Integer()
    assert column("duration_seconds").type == Number()
    assert column("consent_obtained") == Column("consent_obtained", Boolean(), nullable=True)
    assert column("closed_at") == Column("closed_at", Time(), nullable=True)
    assert column("end_cause").type == Text()  # a Literal
    assert column("discovered_signals").type == JsonText()  # a map
    assert column("tags").type == ListOf(Text())


def test_open_objects_are_json_text() -> None:
    for name in ("tool_calls", "evaluations", "unpriced"):
        assert column(name).type == ListOf(JsonText()), name


def test_a_key_has_the_name_that_is_in_the_json() -> None:
    handoffs = column("handoffs").type
    assert isinstance(handoffs, ListOf) and isinstance(handoffs.item, Struct)
    assert [one.name for one in handoffs.item.columns] == ["from", "to", "at"]


def test_nested_types_in_duckdb() -> None:
    assert duckdb_type(column("errors").type) == (
        'STRUCT("component" VARCHAR, "type" VARCHAR, "recoverable" BOOLEAN, "at" TIMESTAMP)[]'
    )
