"""Which calls there are."""

from __future__ import annotations

from pathlib import Path

from tests.cli.conftest import Run
from tests.warehouse.samples import name, record, store, write


def test_calls_are_listed_by_time_the_newest_first(run: Run, records: Path) -> None:
    outcome = run("ls")

    assert outcome.code == 0, outcome.err
    head, *rows = outcome.out.splitlines()
    assert head.split("  ")[0] == "start (UTC)"
    assert [row.split() for row in rows] == [
        ["2026-11-20", "10:00:00", "1:00", "c", "sales", "agent_ended", "-", "0.0002", "USD"],
        ["2026-11-19", "10:00:00", "1:30", "b", "sales", "agent_ended", "success", "0.0002", "USD"],
        ["2026-11-18", "10:00:00", "1:00", "a", "sales", "agent_ended", "-", "0.0002", "USD"],
    ]


def test_what_is_odd_about_a_call_stands_beside_it(run: Run, records: Path) -> None:
    failed = {"tool": "x", "status": "error", "call_id": "1", "timestamp": "2026-11-21T10:00:00Z"}
    error = {"component": "llm", "type": "APIError", "at": "2026-11-21T10:00:00.000Z"}
    store(
        records,
        record(
            "odd",
            "2026-11-21",
            record_status="recovered",
            tool_calls=[failed, failed],
            errors=[error],
            mood=1,
        ),
    )

    outcome = run("ls", "--limit", "1")

    assert "recovered, 1 error, 2 failed tools, not as its schema says" in outcome.out
    assert "in 1 record: mood: a field that schema 1.0 does not know" in outcome.err


def test_scripts_get_one_object(run: Run, records: Path) -> None:
    write(records, name("bad"), b"")

    found = run("ls", "--json", "--until", "2026-11-20").json

    assert [each["session_id"] for each in found["sessions"]] == ["c", "b", "a"]
    assert found["sessions"][1]["duration_seconds"] == 90.5
    assert found["sessions"][1]["start_time"] == "2026-11-19T10:00:00.000Z"
    assert found["problems"] == [
        {"name": name("bad"), "line": None, "severity": "error", "reason": "empty"}
    ]


def test_only_days_that_are_needed_are_read(run: Run, records: Path) -> None:
    """The bad file is of a day that two newer calls make unnecessary."""
    write(records, name("bad", "2026-11-01"), b"")

    assert run("ls", "--limit", "2").err == ""
    assert "empty" in run("ls", "--limit", "4").err


def test_an_empty_place_says_so(run: Run, tmp_path: Path) -> None:
    assert "No calls here." in run("ls", str(tmp_path)).out
