"""What LiveKit Cloud calls a thing, and what the record calls it."""

from __future__ import annotations

from datetime import datetime, timedelta, timezone
from typing import Any

import pytest

from livekit_plugins_analytics.record import Transcript
from livekit_plugins_analytics.transcripts.period import Period
from livekit_plugins_analytics.transcripts.translation import transcript
from livekit_plugins_analytics.transcripts.wire import read_items

from .cloud_server import said

AT = "2026-10-29T14:30:00.123456Z"


def translated(*raw: Any, whole: bool = True) -> Transcript:
    items, unread = read_items(list(raw))
    assert unread == 0
    return transcript(items, whole=whole)


def one(**kind: Any) -> tuple[str, str]:
    """Role and text of an item of this kind."""
    (item,) = translated({"id": "x", "timestamp": AT, **kind}).items
    return item.role, item.text


@pytest.mark.parametrize(
    ("kind", "role", "text"),
    [
        ({"message": {"role": "ROLE_USER", "text": "Hi"}}, "user", "Hi"),
        ({"message": {"role": "ROLE_AGENT", "text": "Hi"}}, "agent", "Hi"),
        ({"message": {"role": "ROLE_USER"}}, "user", ""),
        (
            {"message": {"role": "ROLE_SYSTEM", "text": "Secret"}},
            "system",
            "message of ROLE_SYSTEM",
        ),
        ({"message": {"text": "Secret"}}, "system", "message of nobody"),
        ({"toolCall": {"name": "book", "callId": "c"}}, "tool", "book: called"),
        (
            {"toolCall": {"name": "book", "callId": "c", "arguments": '{"n": 2}'}},
            "tool",
            'book: called: {"n": 2}',
        ),
        ({"toolResult": {"name": "book", "output": "yes"}}, "tool", "book: done: yes"),
        ({"toolResult": {"name": "book"}}, "tool", "book: done"),
        (
            {"toolResult": {"name": "book", "output": "full", "isError": True}},
            "tool",
            "book: error: full",
        ),
        ({"agentHandoff": {"toAgentId": "billing"}}, "system", "handoff to billing"),
        ({"agentHandoff": {}}, "system", "handoff to another agent"),
        (
            {"configUpdate": {"toolsAdded": ["a", "b"], "toolsRemoved": ["c"]}},
            "system",
            "configuration: toolsAdded a, b; toolsRemoved c",
        ),
        ({"configUpdate": {"instructions": "Secret"}}, "system", "configuration: instructions"),
        ({"configUpdate": {"models": ["Secret"]}}, "system", "configuration: models"),
        ({"configUpdate": {}}, "system", "configuration: changed"),
        ({"sentiment": {"text": "Secret"}}, "system", "sentiment"),
        ({}, "system", "nothing"),
    ],
)
def test_each_kind(kind: dict[str, Any], role: str, text: str) -> None:
    assert one(**kind) == (role, text)


def test_a_message_keeps_its_time_and_its_latencies_in_seconds() -> None:
    (item,) = translated(
        {
            "id": "m",
            "timestamp": AT,
            "message": {
                "role": "ROLE_AGENT",
                "text": "Hello",
                "interrupted": True,
                "transcriptConfidence": 0.9,
                "endOfTurnDelayMs": 250,
                "e2eLatencyMs": "812.5",
            },
        }
    ).items

    assert item.id == "m"
    assert item.at == datetime(2026, 10, 29, 14, 30, 0, 123_000, timezone.utc)
    assert item.interrupted
    assert item.latency == {"end_of_turn_delay": 0.25, "e2e_latency": 0.812}


def test_what_protobuf_leaves_out_or_nulls_is_nothing() -> None:
    (item,) = translated(
        {"message": {"role": "ROLE_USER", "text": None, "interrupted": None}, "toolCall": None}
    ).items

    assert (item.id, item.text, item.at, item.latency) == ("item-1", "", None, {})


def test_after_a_handoff_the_agent_is_known() -> None:
    made = translated(
        said(1, "ROLE_AGENT", "Hi"),
        {"id": "2", "agentHandoff": {"toAgentId": "billing"}},
        said(3, "ROLE_USER", "Hello"),
        said(4, "ROLE_AGENT", "Billing here"),
        {"id": "5", "toolCall": {"name": "look"}},
    )

    assert [item.agent for item in made.items] == [None, "billing", None, "billing", "billing"]


def test_items_are_in_time_order_and_those_without_time_stay_where_they_were() -> None:
    made = translated(
        said(1, "ROLE_USER", "second", second=5),
        {"id": "x", "message": {"role": "ROLE_USER", "text": "third"}},
        said(3, "ROLE_USER", "first", second=1),
    )

    assert [item.text for item in made.items] == ["first", "second", "third"]
    assert made.text == "User: first\nUser: second\nUser: third"


def test_a_text_that_is_cut_makes_the_transcript_incomplete() -> None:
    short, long = "a" * 16_384, "a" * 16_385

    assert translated(said(1, "ROLE_USER", short)).complete
    assert not translated(said(1, "ROLE_USER", long)).complete
    assert not translated(said(1, "ROLE_USER", short), whole=False).complete


def test_half_a_character_becomes_a_replacement() -> None:
    (item,) = translated(said(1, "ROLE_USER", "a\ud800b")).items

    assert item.text == "a\ufffdb"


# -- periods


def test_a_date_is_its_midnight_in_utc_and_the_end_does_not_count() -> None:
    october = Period.parse("2026-10-01", "2026-11-01")
    first, second = timedelta(hours=0), timedelta(microseconds=1)
    begin = datetime(2026, 10, 1, tzinfo=timezone.utc)
    end = datetime(2026, 11, 1, tzinfo=timezone.utc)

    assert october.holds(begin + first) and not october.holds(begin - second)
    assert october.holds(end - second) and not october.holds(end)
    assert Period.parse("2026-10-01T02:00:00+02:00", None).holds(begin)
    assert Period.parse(None, "2026-10-01T00:00:01").holds(begin)


@pytest.mark.parametrize(
    ("name", "held"),
    [
        ("sessions/year=2026/month=09/day=30/a.json.gz", False),
        ("sessions/year=2026/month=10/day=01/a.json.gz", True),
        ("year=2026/month=10/day=31/a.json.gz", True),
        ("C:\\records\\year=2026\\month=11\\day=01\\a.json.gz", False),
        ("year=2026/month=11/day=01/a.json.gz", False),
        ("year=2026/month=99/day=99/a.json.gz", True),
        ("elsewhere/a.json", True),
    ],
)
def test_a_names_date_tells_whether_it_is_worth_reading(name: str, held: bool) -> None:
    assert Period.parse("2026-10-01", "2026-11-01").may_hold(name) is held


def test_the_days_around_are_taken_in_where_that_is_asked_for() -> None:
    period = Period.parse("2026-10-02", "2026-10-03")
    days = [f"year=2026/month=10/day={day:02d}/a.json" for day in range(1, 6)]

    assert [period.may_hold(day) for day in days] == [False, True, False, False, False]
    assert [period.may_hold(day, days_around=1) for day in days] == [True] * 3 + [False] * 2
