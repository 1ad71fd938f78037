"""What the report counts, against the same counted from the records one by one."""

from __future__ import annotations

import statistics
from collections import Counter, defaultdict
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from livekit_plugins_analytics.costs import vendor
from livekit_plugins_analytics.record import SessionRecord
from livekit_plugins_analytics.report import ReportData
from livekit_plugins_analytics.synth import records
from tests.report.pages import as_json, data_of, given, invented, plain

COUNT = 600


@pytest.fixture(scope="module")
def truth() -> list[SessionRecord]:
    """The records, the last revision of each call."""
    return list(records(COUNT, seed=11))


@pytest.fixture(scope="module")
def data(tmp_path_factory: pytest.TempPathFactory) -> ReportData:
    """The report of the same, with superseded revisions among them."""
    return data_of(invented(tmp_path_factory.mktemp("figures"), COUNT), most=200)


def named(items: list[dict[str, Any]], value: str = "calls") -> dict[str, Any]:
    """A list of names and values as a map."""
    return {item["name"]: item[value] for item in items}


def test_calls_count_once(data: ReportData, truth: list[SessionRecord]) -> None:
    """Superseded revisions are told, and not counted."""
    totals = data.summary["totals"]
    assert totals["calls"] == COUNT < data.summary["meta"]["records"]
    assert totals["seconds"] == pytest.approx(sum(r.duration_seconds for r in truth))
    assert totals["outcomes"] == sum(r.outcome is not None for r in truth)
    assert totals["successes"] == sum(r.outcome == "success" for r in truth)
    assert totals["tools"] == sum(len(r.tool_calls) for r in truth)
    assert totals["final"] == sum(r.record_status == "final" for r in truth)
    assert totals["interruptions"] == sum(r.metrics_summary.interruptions for r in truth)


def test_calls_by_day_and_agent(data: ReportData, truth: list[SessionRecord]) -> None:
    """A bar for each day of the period, days without calls included."""
    starts = data.summary["meta"]["starts"]
    expected: dict[str, list[int]] = defaultdict(lambda: [0] * len(starts))
    for record in truth:
        day = f"{record.start_time:%Y-%m-%d}T00:00:00"
        expected[record.agent_name or ""][starts.index(day)] += 1
    found = named(data.summary["activity"]["agents"], "values")
    assert found == dict(expected)


def test_ends_callers_and_hours(data: ReportData, truth: list[SessionRecord]) -> None:
    """Counted by name, day of the week and hour."""
    activity = data.summary["activity"]
    assert named(activity["ends"]) == dict(Counter(r.end_cause for r in truth))
    phones = sum(r.participants[0].kind == "sip" for r in truth)
    assert named(activity["callers"]) == {"phone": phones, "web": COUNT - phones}
    for record in truth[:50]:
        assert activity["hours"][record.start_time.weekday()][record.start_time.hour] > 0
    assert sum(map(sum, activity["hours"])) == COUNT
    assert sum(activity["durations"]["calls"]) == COUNT
    assert activity["durations"]["calls"][0] == sum(r.duration_seconds < 10 for r in truth)


def test_costs(data: ReportData, truth: list[SessionRecord]) -> None:
    """Sums of the priced lines, by vendor and by model, in one currency."""
    (money,) = data.summary["money"]
    by_vendor: dict[str, Decimal] = defaultdict(Decimal)
    by_model: dict[str, Decimal] = defaultdict(Decimal)
    for record in truth:
        for cost in record.costs:
            if cost.amount is not None:
                by_vendor[vendor(cost.provider, cost.model)] += Decimal(cost.amount)
                by_model[cost.model] += Decimal(cost.amount)
    assert money["currency"] == "USD"
    assert money["total"] == pytest.approx(float(sum(by_vendor.values())), abs=1e-3)
    found = {v["name"]: sum(n or 0 for n in v["values"]) for v in money["vendors"]}
    assert found == pytest.approx({name: float(value) for name, value in by_vendor.items()})
    models = {model["model"]: model["amount"] for model in money["models"]}
    assert models == pytest.approx({name: float(value) for name, value in by_model.items()})
    assert money["incomplete"] == sum(not r.cost_summary["complete"] for r in truth)


def test_latency(data: ReportData, truth: list[SessionRecord]) -> None:
    """Percentiles over the calls' own; a call without a measure is left out."""
    speed = data.summary["speed"]
    for stage in ("e2e", "llm_ttft", "tts_ttfb", "tool"):
        each = [getattr(r.latency, stage) for r in truth]
        measured = [d for d in each if d.p50 is not None]
        assert speed[stage]["calls"] == len(measured) < COUNT or stage == "llm_ttft"
        assert speed[stage]["typical"] == pytest.approx(statistics.median(d.p50 for d in measured))
        assert speed[stage]["slow"] == pytest.approx(statistics.median(d.p95 for d in measured))
        assert speed[stage]["turns"] == sum(d.num for d in measured)


def test_signals(data: ReportData, truth: list[SessionRecord]) -> None:
    """The funnel's steps are nested; values count calls."""
    found = data.summary["discoveries"]
    tiers = [r.discovered_signals.get("qualification_tier") for r in truth]
    assert found["funnel"] == {
        "listened": COUNT,
        "heard": sum(bool(r.discovered_signals) for r in truth),
        "tiered": sum(tier is not None for tier in tiers),
        "qualified": tiers.count("qualified"),
        "succeeded": sum(
            t == "qualified" and r.outcome == "success" for t, r in zip(tiers, truth, strict=True)
        ),
    }
    heard = Counter(name for r in truth for name in r.discovered_signals)
    assert named(found["signals"]) == dict(heard)
    values = {signal["name"]: named(signal["values"]) for signal in found["signals"]}
    needs = Counter(n for r in truth for n in r.discovered_signals.get("integration_needs", []))
    assert values["integration_needs"] == dict(needs)
    sizes = [
        r.discovered_signals["team_size"] for r in truth if "team_size" in r.discovered_signals
    ]
    assert values["team_size"]["20-49"] == sum(20 <= size < 50 for size in sizes)
    assert sum(values["team_size"].values()) == len(sizes)


def test_tools(data: ReportData, truth: list[SessionRecord]) -> None:
    """Calls, failures and seconds of each."""
    found = {tool["name"]: tool for tool in data.summary["tools"]}
    calls = [call for r in truth for call in r.tool_calls]
    assert named(data.summary["tools"]) == dict(Counter(call.tool for call in calls))
    for name, tool in found.items():
        own = [call for call in calls if call.tool == name]
        assert tool["failed"] == sum(call.status == "error" for call in own)
        assert tool["longest"] == max(call.duration_seconds or 0 for call in own)
        seconds = [call.duration_seconds for call in own if call.duration_seconds is not None]
        assert tool["p50"] == pytest.approx(statistics.median(seconds))


def test_completeness(data: ReportData, truth: list[SessionRecord]) -> None:
    """What the records say of themselves, added up."""
    found = data.summary["completeness"]
    assert found["sums"]["dropped_events"] == sum(r.completeness.dropped_events for r in truth)
    assert found["sums"]["never_closed"] == sum(not r.completeness.close_event_seen for r in truth)
    assert found["sums"]["transcripts"] == sum(r.transcript is not None for r in truth)
    assert named(found["statuses"]) == dict(Counter(r.record_status for r in truth))
    missing = Counter(name for r in truth for name in r.completeness.missing)
    assert named(found["missing"]) == dict(missing.most_common(15))
    errors = Counter(f"{e.component}: {e.type}" for r in truth for e in r.errors)
    assert named(found["error"], "many") == dict(errors)


def test_table_has_the_newest_and_the_telling(data: ReportData, truth: list[SessionRecord]) -> None:
    """Of many calls the newest, and of the others the slowest, dearest and those with failures."""
    table = data.summary["calls"]
    assert table["of"] == COUNT
    rows = [dict(zip(table["columns"], row, strict=True)) for row in table["rows"]]
    assert len(rows) == len(data.details) == 200
    assert [row["session_id"] for row in rows] == [d["session_id"] for d in data.details]
    newest = sorted(truth, key=lambda r: r.start_time, reverse=True)[:140]
    assert {r.session_id for r in newest} == {row["session_id"] for row in rows if not row["why"]}
    why = Counter(row["why"] for row in rows)
    assert {why[name] for name in ("slowest", "most expensive", "failures")} == {20}
    dearest = max(truth, key=lambda r: r.cost_summary["total_estimated_cost"] or 0)
    assert dearest.session_id in {row["session_id"] for row in rows}


def test_words_are_capped(tmp_path: Path) -> None:
    """A page does not grow with what was said: what is left out is counted and said."""
    values = [value for value in plain(60) if value["transcript"]][:3]
    for value in values:
        value["transcript"]["items"][0]["text"] = "so " * 300_000
    found = data_of(given(tmp_path, values))
    assert found.summary["calls"]["without_words"] == 1
    assert sorted(detail["words"] for detail in found.details) == ["left out", "shown", "shown"]
    said = [event for detail in found.details for event in detail["timeline"]]
    assert max(len(event.get("text") or "") for event in said) == 2000


def test_currencies_stay_apart(tmp_path: Path) -> None:
    """Nothing is converted, nothing is added up across them."""
    values = plain(20)
    for value in values[:5]:
        value["cost_summary"]["currency"] = "EUR' OR 1=1 --"
    found = data_of(given(tmp_path, values)).summary["money"]
    assert [(each["currency"], each["calls"]) for each in found] == [
        ("USD", 15),
        ("EUR' OR 1=1 --", 5),
    ]
    for each, some in zip(found, (values[5:], values[:5]), strict=True):
        total = sum(value["cost_summary"]["total_estimated_cost"] for value in some)
        assert each["total"] == pytest.approx(total)


@pytest.mark.parametrize(
    ("days", "step"), [(1, "hour"), (30, "day"), (400, "week"), (3000, "month")]
)
def test_time_axis_has_few_steps(tmp_path: Path, days: int, step: str) -> None:
    """Hours, days, weeks or months, without gaps, whatever the period."""
    values = [as_json(record) for record in records(80, seed=2, days=days)]
    meta = data_of(given(tmp_path, values)).summary["meta"]
    assert meta["step"] == step
    assert len(meta["starts"]) <= 135
    assert list(meta["starts"]) == sorted(set(meta["starts"]))


def test_odd_records_are_counted_as_far_as_they_go(tmp_path: Path) -> None:
    """An older schema, wrong types, maps that are none, times that are none: no error."""
    old = {key: plain(1)[0][key] for key in ("session_id", "start_time", "duration_seconds")}
    (odd,) = plain(1, seed=5)
    odd |= {
        "discovered_signals": ["no", "map"],
        "cost_summary": "free",
        "tool_calls": ["text", {"tool": "t", "timestamp": "yesterday", "duration_seconds": "x"}],
        "unpriced": [7],
    }
    odd["completeness"]["truncated"] = "none"
    (undated,) = plain(1, seed=6)
    undated["start_time"] = None
    found = data_of(given(tmp_path, [old, odd, undated]))
    assert found.summary["totals"]["calls"] == 2
    assert found.summary["meta"]["undated"] == 1
    assert len(found.details) == 2
