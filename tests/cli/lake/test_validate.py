"""Every record against the schema of its version."""

from __future__ import annotations

from pathlib import Path

from tests.cli.conftest import Account, Run
from tests.warehouse.samples import body, name, record, store, text, upload, write


def test_records_that_are_right_are_counted(run: Run, records: Path) -> None:
    outcome = run("validate")

    assert outcome.code == 0
    assert outcome.out.splitlines() == [
        "3 objects, 3 records, 3 valid; 0 errors, 0 warnings",
        "schema versions: 3 of 1.0",
    ]


def test_what_is_wrong_is_named_by_file_and_line_and_the_rest_goes_on(
    run: Run, records: Path
) -> None:
    """Truncated gzip, two documents a line, an older, a newer and the next schema, an unknown
    field, a wrong type, an empty file, fifty megabytes."""
    older = {k: v for k, v in record("older", schema_version="0.9").items() if k != "trace_id"}
    store(
        records,
        older,
        record("newer", schema_version="1.1", mood="good"),
        record("next", schema_version="2.0"),
        record("unknown", mood="good"),
        record("large", custom={"padding": "x" * (50 << 20)}),
    )
    write(records, name("cut"), body(record("cut"))[:-20])
    write(records, name("empty"), b"")
    write(
        records,
        "many.jsonl",
        text(record("m1"), record("m2", duration_seconds="long"))
        + text(record("m3"))[:-1]
        + text(record("m4")),
    )

    found = run("validate", "--json")

    assert found.code == 1
    assert {k: v for k, v in found.json.items() if k != "problems"} == {
        "ok": False,
        "objects": 11,
        "records": 10,
        "valid": 7,
        "versions": {"0.9": 1, "1.0": 7, "1.1": 1, "2.0": 1},
        "errors": 6,
        "warnings": 1,
    }
    problems = {
        (each["name"], each["line"], each["severity"]): each["reason"]
        for each in found.json["problems"]
    }
    assert {key: reason.partition(" (")[0] for key, reason in problems.items()} == {
        (name("cut"), 1, "error"): "truncated gzip",
        (name("empty"), None, "error"): "empty",
        (name("newer"), 1, "warning"): "mood: a field that schema 1.0 does not know",
        (name("next"), 1, "error"): "schema 2.0 is not checked, this version knows 1.0: upgrade "
        "livekit-plugins-analytics",
        (name("unknown"), 1, "error"): "mood: a field that schema 1.0 does not know",
        ("many.jsonl", 2, "error"): "duration_seconds: should be a valid number",
        ("many.jsonl", 3, "error"): "two JSON documents on one line",
    }


def test_each_is_a_line_for_people(run: Run, records: Path) -> None:
    write(records, name("bad"), b"[]")

    outcome = run("validate")

    assert outcome.code == 1
    assert outcome.out.splitlines() == [
        f"error {name('bad')}:1: no session record: a JSON array",
        "4 objects, 3 records, 3 valid; 1 error, 0 warnings",
        "schema versions: 3 of 1.0",
    ]


def test_a_record_in_a_wrong_place_is_a_warning(run: Run, records: Path) -> None:
    write(records, name("other", "2026-11-01"), body(record("late")))

    outcome = run("validate")

    assert outcome.code == 0
    assert "named after another session than its own" in outcome.out
    assert "began on 2026-11-20, which is another day than its folder's" in outcome.out


def test_a_bucket_is_checked_as_well(run: Run, account: Account) -> None:
    upload(account.server, account.bucket, record("a"), record("b", mood=1))

    outcome = run("validate", "--no-cache", "--json", **account.variables)

    assert (outcome.code, outcome.json["records"], outcome.json["valid"]) == (1, 2, 1)
