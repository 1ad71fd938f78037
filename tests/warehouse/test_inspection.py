"""A line against the schema of its version."""

from __future__ import annotations

import json
from typing import Any

import pytest

from livekit_plugins_analytics.warehouse.inspection import (
    MAX_FINDINGS,
    Finding,
    documents,
    inspect,
)
from livekit_plugins_analytics.warehouse.lines import lines

from .samples import record


def findings(changed: dict[str, Any]) -> list[Finding]:
    return inspect(json.dumps(changed).encode()).findings


def without(name: str, **changes: Any) -> dict[str, Any]:
    return {key: value for key, value in record("s", **changes).items() if key != name}


def test_a_record_of_this_version_has_nothing_wrong() -> None:
    seen = inspect(json.dumps(record("s", revision=3)).encode())

    assert seen.clean
    assert (seen.session_id, seen.schema_version, seen.revision) == ("s", "1.0", 3)


@pytest.mark.parametrize(
    ("line", "reason"),
    [
        (b'{"session_id": "s"', "not JSON (EOF while parsing"),
        (b'{"session_id": "s"} trailing', "not JSON (trailing characters"),
        (b'{"session_id": "s"}{"session_id": "t"}', "two JSON documents on one line"),
        (b'{"session_id": "s"} [1]', "two JSON documents on one line"),
        (b'{"session_id": "s", "duration_seconds": NaN}', "not JSON (expected value"),
        (b'{"session_id": "\xff\xfe"}', "not JSON (invalid unicode"),
        (b"[1, 2]", "no session record: a JSON array"),
        (b"42", "no session record: a JSON number"),
        (b"null", "no session record: a JSON null"),
        (b"{}", "no session record: it has no session_id"),
        (b'{"session_id": 5}', "no session record: it has no session_id"),
        (b"[" * 5000, "not JSON"),
    ],
)
def test_what_is_no_record_is_told_apart(line: bytes, reason: str) -> None:
    seen = inspect(line)

    assert seen.session_id is None
    assert [each.severity for each in seen.findings] == ["error"]
    assert seen.findings[0].reason.startswith(reason)


def test_a_text_that_mentions_nan_is_no_nan() -> None:
    assert inspect(json.dumps(record("s", custom={"a": "NaN, Infinity"})).encode()).clean


def test_a_wrong_type_is_named_by_its_path_and_never_by_its_value() -> None:
    found = findings(
        record(
            "s",
            duration_seconds="secret",
            metrics_summary={"total_llm_calls": 1.5},
            consent_obtained="secret",
        )
    )

    assert [each.severity for each in found] == ["error"] * 3
    assert {each.reason.split(":")[0] for each in found} == {
        "duration_seconds",
        "consent_obtained",
        "metrics_summary.total_llm_calls",
    }
    assert "secret" not in str(found)


def test_an_unknown_field_is_an_error_in_this_version_and_a_warning_in_a_newer_one() -> None:
    known = "mood: a field that schema 1.0 does not know"

    assert findings(record("s", mood="good")) == [Finding("error", known)]
    assert findings(record("s", mood="good", schema_version="1.7")) == [Finding("warning", known)]
    assert findings(record("s", mood="good", schema_version="0.9")) == [Finding("warning", known)]


def test_an_older_version_may_lack_fields_and_this_one_may_not() -> None:
    assert findings(without("end_cause")) == [Finding("error", "end_cause: missing")]
    assert findings(without("end_cause", schema_version="0.9")) == []


def test_a_newer_version_may_know_other_values() -> None:
    newer = record("s", end_cause="beamed_up", schema_version="1.1")

    assert findings(newer) == [
        Finding("warning", "end_cause: a value that schema 1.0 does not know")
    ]
    (found,) = findings({**newer, "schema_version": "1.0"})
    assert found.severity == "error"


def test_the_next_major_version_is_not_judged() -> None:
    found = findings(record("s", duration_seconds="x", schema_version="2.0"))

    assert found[0].reason.startswith("schema 2.0 is not checked, this version knows 1.0")
    assert [each.severity for each in found] == ["error", "warning"]


@pytest.mark.parametrize("version", [None, 1.0, "", "one", "1"])
def test_a_record_names_its_version(version: object) -> None:
    assert "schema_version" in findings(record("s", schema_version=version))[0].reason


def test_findings_of_one_line_are_bounded() -> None:
    found = findings(record("s", tags=[1] * 500))

    assert len(found) == MAX_FINDINGS + 1
    assert found[-1] == Finding("error", "480 more of these")


def test_a_record_that_somebody_has_indented_is_one_document() -> None:
    text = json.dumps(record("s"), indent=2).encode()

    ((number, line),) = documents(lines(text))
    assert number == 1
    assert inspect(line).clean


def test_lines_of_which_one_is_broken_stay_lines() -> None:
    text = b'{"broken\n' + json.dumps(record("s")).encode()

    assert [number for number, _ in documents(lines(text))] == [1, 2]
