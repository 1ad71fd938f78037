"""Invented records: valid, reproducible, varied, and fast to make."""

from __future__ import annotations

import gzip
import json
from collections import Counter
from datetime import date, datetime, timezone
from decimal import Decimal
from pathlib import Path

import pytest

from livekit_plugins_analytics.lines import line
from livekit_plugins_analytics.record import SessionRecord
from livekit_plugins_analytics.synth import TEMPLATES, lines, records
from tests.cli.conftest import Run

END = date(2026, 3, 10)


@pytest.fixture(scope="module")
def many() -> list[SessionRecord]:
    """A thousand of them."""
    return list(records(1000, seed=7, days=14, end=END))


def test_a_line_is_what_the_schema_writes() -> None:
    """Times and ids are put into text, and the text is that of a real record."""
    for each in lines(300, seed=3):
        record = SessionRecord.model_validate_json(each.text)
        assert line(record) == each.text
        assert record.name == each.name


def test_the_same_seed_gives_the_same_bytes() -> None:
    """And another seed others."""
    assert list(lines(50, seed=1)) == list(lines(50, seed=1))
    assert list(lines(50, seed=1)) != list(lines(50, seed=2))


def test_fewer_records_are_the_first_of_more() -> None:
    """So that a test with a hundred speaks of the million."""
    assert list(lines(20, seed=5)) == list(lines(60, seed=5))[:20]


def test_beyond_the_templates_times_and_ids_are_new() -> None:
    """A call comes again at another time, as another one."""
    made = list(lines(TEMPLATES + 50, seed=1))
    first, again = made[7], made[TEMPLATES + 7]
    assert first.name != again.name
    assert len({each.name for each in made}) == TEMPLATES + 50
    a, b = (SessionRecord.model_validate_json(each.text) for each in (first, again))
    assert a.duration_seconds == b.duration_seconds
    assert a.end_time - a.start_time == b.end_time - b.start_time
    assert a.start_time != b.start_time


def test_all_days_are_used_and_no_other(many: list[SessionRecord]) -> None:
    """The last day is the one asked for."""
    days = {record.start_time.date() for record in many}
    assert (min(days), max(days), len(days)) == (date(2026, 2, 25), END, 14)


def test_times_are_in_order(many: list[SessionRecord]) -> None:
    """A call begins before anything happens in it."""
    for record in many:
        assert record.start_time <= record.end_time
        assert record.closed_at is None or record.closed_at >= record.end_time
        moments = [call.timestamp for call in record.tool_calls]
        moments += [signal.at for signal in record.signals if signal.at]
        moments += (
            [item.at for item in record.transcript.items if item.at] * 1
            if (record.transcript)
            else []
        )
        assert all(record.start_time <= at <= record.end_time for at in moments)


def test_costs_add_up(many: list[SessionRecord]) -> None:
    """The lines are the summary's sum; what has no price is listed."""
    for record in many:
        known = [Decimal(c.amount) for c in record.costs if c.amount is not None]
        total = record.cost_summary["total_estimated_cost"]
        assert total is None if not known else float(sum(known)) == pytest.approx(total, abs=1e-6)
        assert len(record.unpriced) == sum(c.amount is None for c in record.costs)
        assert record.cost_summary["complete"] == (not record.unpriced)


def test_they_hold_what_records_can_hold(many: list[SessionRecord]) -> None:
    """Whoever reads them meets each kind at least once."""
    assert {r.record_status for r in many} == {"final", "partial", "recovered"}
    assert {r.revision for r in many} == {1, 2}
    assert {r.agent_name for r in many} == {"sales", "support", "reception", "survey"}
    assert {p.kind for r in many for p in r.participants} == {"sip", "standard"}
    assert {t.status for r in many for t in r.tool_calls} == {"done", "error", "cancelled"}
    assert {r.outcome for r in many} == {"success", "fail", None}
    assert {r.consent_obtained for r in many} == {True, False, None}
    assert len(Counter(r.end_cause for r in many)) >= 8
    assert any(r.transcript for r in many) and any(not r.transcript for r in many)
    assert any(r.privacy.withheld for r in many)
    assert any(r.unpriced for r in many) and any(not r.unpriced for r in many)
    assert any(r.metrics_summary.user_speaking_seconds is None for r in many)
    assert any(r.latency.tts_ttfb.p50 is None for r in many)
    assert any(s.status == "negated" for r in many for s in r.signals)
    assert any(r.completeness.lost_records_before for r in many)
    assert any("meeting_booked" in (t.model_extra or {}) for r in many for t in r.tool_calls)


def test_a_value_has_a_mention(many: list[SessionRecord]) -> None:
    """No signal that nobody said, but for the computed one."""
    for record in many:
        mentioned = {signal.name for signal in record.signals if signal.chosen}
        assert record.discovered_signals.keys() - {"qualification_tier"} == mentioned


def test_superseded_revisions_come_first() -> None:
    """As in a log: the last one of a session is the one that counts."""
    plain = list(lines(400, seed=1))
    both = list(lines(400, seed=1, superseded=True))
    assert len(both) > len(plain) == 400
    assert list({each.name: each for each in both}.values()) == plain
    twice = [name for name, n in Counter(each.name for each in both).items() if n == 2]
    revisions = {
        name: [json.loads(each.text)["revision"] for each in both if each.name == name]
        for name in twice
    }
    assert twice and all(found == [1, 2] for found in revisions.values())


def test_command_writes_the_layout_of_s3(run: Run, tmp_path: Path) -> None:
    """One object per record, gzip, under its day."""
    arguments = ("synth", "--count", "30", "--days", "3", "--seed", "4", "--end", "2026-03-10")
    assert run(*arguments, "--to", "out", "--json").json == {
        "records": 30,
        "bytes": sum(path.stat().st_size for path in tmp_path.rglob("*.json.gz")),
        "to": "out",
        "seed": 4,
        "end": "2026-03-10",
    }
    expected = {each.name: each.text for each in lines(30, seed=4, days=3, end=END)}
    root = tmp_path / "out" / "sessions"
    found = {
        path.relative_to(root).as_posix(): gzip.decompress(path.read_bytes()).rstrip(b"\n")
        for path in root.rglob("*.json.gz")
    }
    assert found == expected


def test_command_writes_lines(run: Run, tmp_path: Path) -> None:
    """One file, with superseded revisions on request."""
    done = run("synth", "--count", "200", "--jsonl", "a.jsonl", "--superseded", "--json")
    text = (tmp_path / "a.jsonl").read_bytes().splitlines()
    assert done.json["records"] == len(text) > 200
    today = datetime.now(timezone.utc).date().isoformat()
    assert done.json["end"] <= today


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        ((), "--to DIRECTORY or --jsonl FILE"),
        (("--to", "a", "--jsonl", "b"), "one of them"),
        (("--to", "a", "--superseded"), "--superseded needs --jsonl"),
        (("--to", "a", "--end", "0001-01-05"), "no such date"),
    ],
)
def test_command_names_what_is_wrong(run: Run, arguments: tuple[str, ...], said: str) -> None:
    """Wrong usage is 2, with the way out."""
    done = run("synth", *arguments)
    assert done.code == 2
    assert said in done.err
