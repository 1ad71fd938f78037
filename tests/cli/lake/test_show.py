"""One call, section by section."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from tests.cli.conftest import Run
from tests.warehouse.samples import body, name, record, store, text, write
from tests.warehouse.test_compacted import compact

FULL: dict[str, Any] = {
    "outcome": "success",
    "outcome_reason": "booked",
    "user_email": "jo@acme.com",
    "participants": [
        {"identity": "sip_1", "kind": "sip", "sip": {"phone_number": "+4930123"}},
        {"identity": "jo", "kind": "standard"},
    ],
    "conversation_notes": ["Prefers mornings"],
    "conversation_state": "CLOSING",
    "consent_obtained": True,
    "consent_method": "verbal",
    "custom": {"crm": 4711},
    "errors": [{"component": "llm", "type": "APIError", "at": "2026-11-20T10:00:00.000Z"}],
    "latency": {"e2e": {"p50": 0.8, "p90": 1.1, "p95": 1.2, "max": 1.3, "num": 9}},
    "transcript": {
        "source": "session",
        "complete": True,
        "text": "",
        "items": [
            {"id": "1", "role": "agent", "text": "Hello", "at": "2026-11-20T10:00:01.000Z"},
            {
                "id": "2",
                "role": "user",
                "text": "Hi \x1b[31m there",
                "at": "2026-11-20T10:00:02.500Z",
                "interrupted": True,
            },
        ],
    },
}


def test_every_section_is_there(run: Run, records: Path) -> None:
    store(records, record("full", **FULL))

    shown = run("show", "full").out

    lines = [" ".join(line.split()) for line in shown.splitlines()]
    for expected in (
        "full",
        "when 2026-11-20 10:00:00.000 UTC, 1:00",
        "ended by agent_ended (user_initiated)",
        "outcome success (booked)",
        "participant 1 sip_1 (sip) +4930123",
        "participant 2 jo (standard)",
        "team_size 25",
        "integration_needs api, slack",
        'book 10:00:30.000 done 1.5 arguments={"email": "jo@acme.com"}, result=booked, '
        "meeting_booked=yes",
        "e2e 0.8 1.1 1.2 1.3 9",
        "api.openai.com gpt-4o-mini input_token 1000 0.00015000",
        "total 0.0002 USD",
        "state CLOSING",
        "consent yes (verbal)",
        "Prefers mornings",
        "crm 4711",
        "llm (APIError)",
        "10:00:01 agent Hello",
        "10:00:02 user Hi \N{REPLACEMENT CHARACTER}[31m there (interrupted)",
    ):
        assert expected in lines, expected
    assert "\x1b" not in shown


def test_scripts_get_the_record(run: Run, records: Path) -> None:
    call = record("full", **FULL)
    store(records, call)

    assert run("show", "full", str(records), "--json").json == call


def test_the_last_revision_is_shown(run: Run, records: Path) -> None:
    two = record("r", revision=2, outcome="success")
    write(records, "all.jsonl.gz", body(record("r"), two, record("s")))

    assert run("show", "r", "--json").json == two


def test_the_beginning_of_an_id_is_enough_where_it_is_the_only_one(run: Run, records: Path) -> None:
    store(records, record("RM_abc-AJ_1"), record("RM_abd-AJ_2"))

    assert run("show", "RM_abc", "--json").json["session_id"] == "RM_abc-AJ_1"
    several = run("show", "RM_ab")
    assert (several.code, several.out) == (2, "")
    assert "RM_ab begins the ids of 2 sessions: RM_abc-AJ_1, RM_abd-AJ_2" in several.err


def test_a_session_among_many_in_one_object_is_found(run: Run, records: Path) -> None:
    write(records, "stream-1.gz", body(record("x"), record("y"), record("yz")))

    assert run("show", "y", "--json").json["session_id"] == "y"


def test_a_call_that_is_left_in_parquet_only_is_shown(run: Run, records: Path) -> None:
    """The same record, since every field of its version is a column."""
    compact(records, records.parent / "parquet" / "year=2026/month=11/day=20")
    before = run("show", "b", "--json").json
    for each in records.rglob("*.gz"):
        each.unlink()

    assert run("show", "b", "--json").json == before
    assert "no record of nobody" in run("show", "nobody").err


def test_a_session_that_is_not_there_is_said(run: Run, records: Path) -> None:
    outcome = run("show", "nobody")

    assert outcome.code == 2
    assert "no record of nobody among 3 objects" in outcome.err


@pytest.mark.parametrize(
    "changes",
    [
        {"tool_calls": "none", "participants": {}, "transcript": [], "latency": None},
        {"tool_calls": [1], "costs": [None], "cost_summary": {"total_estimated_cost": "x"}},
        {"start_time": 5, "duration_seconds": "long", "completeness": [], "metrics_summary": 1},
        {"errors": [{}], "tags": {"a": 1}, "custom": [], "discovered_signals": "x"},
    ],
)
def test_a_record_of_wrong_types_is_shown_as_far_as_it_goes(
    run: Run, records: Path, changes: dict[str, Any]
) -> None:
    write(records, name("odd"), text(record("odd", **changes)))

    outcome = run("show", "odd")

    assert outcome.code == 0, outcome.err
    assert outcome.out.startswith("odd\n")
