"""No column changes its type or goes away without another schema version and a word about it."""

from __future__ import annotations

import pytest

from livekit_plugins_analytics.record import SCHEMA_VERSION
from tests.warehouse.snapshot import CHANGELOG, COMMAND, broken, current, kept, untold, updated


def test_the_columns_are_those_that_were_promised() -> None:
    promised = kept()
    assert SCHEMA_VERSION in promised, f"a new schema version: run {COMMAND}"
    before = promised[SCHEMA_VERSION]["columns"]
    assert broken(before, current()) == [], "raise SCHEMA_VERSION, and say so in CHANGELOG.md"
    assert current() == before, f"a new column: run {COMMAND}, and name it in CHANGELOG.md"


def test_the_changelog_names_every_version_and_every_added_column() -> None:
    assert untold(kept(), CHANGELOG.read_text()) == []


BEFORE = {"1.0": {"columns": {"a": "Text", "b[].c": "Integer"}, "added": []}}


def test_an_added_column_is_taken_and_has_to_be_told() -> None:
    versions = updated(BEFORE, "1.0", {"a": "Text", "b[].c": "Integer", "b[].new": "Text"})
    assert versions["1.0"]["added"] == ["b[].new"]
    assert untold(versions, "schema 1.0") == ["`new`"]
    assert untold(versions, "schema 1.0 has `new`") == []


@pytest.mark.parametrize(
    ("columns", "fault"),
    [
        ({"a": "Text"}, r"b\[\].c \(Integer\) is gone"),
        ({"a": "Number", "b[].c": "Integer"}, "a was Text and is Number"),
    ],
    ids=["gone", "changed"],
)
def test_a_broken_column_needs_another_version(columns: dict[str, str], fault: str) -> None:
    with pytest.raises(ValueError, match=fault):
        updated(BEFORE, "1.0", columns)
    versions = updated(BEFORE, "2.0", columns)
    assert versions["1.0"] == BEFORE["1.0"]
    assert untold(versions, "schema 1.0") == ["schema 2.0"]
