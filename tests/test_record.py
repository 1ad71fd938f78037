"""The record is the contract: its names, types and order, and bytes that every reader can take."""

from __future__ import annotations

import gzip
import json
import math
import os
import re
import time
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import date, datetime, timedelta, timezone
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from livekit_plugins_analytics.lines import compressed, event, line
from livekit_plugins_analytics.parts import (
    Error,
    Handoff,
    Participant,
    Signal,
    Sip,
    StateChange,
    ToolCall,
    Usage,
    iso,
    lean,
    seconds,
    utc,
)
from livekit_plugins_analytics.record import (
    Completeness,
    Cost,
    Distribution,
    Latency,
    MetricsSummary,
    Privacy,
    SessionRecord,
    Transcript,
    TranscriptItem,
)
from livekit_plugins_analytics.session_id import MAX_SESSION_ID, safe_session_id

# 2025-10-29T14:30:00Z, the start of the contract's example.
START = 1_761_748_200.0
LIMIT = 1_000_000
S3_URI = "s3://bucket/sessions/year=2025/month=10/day=29/RM_1-AJ_1.json.gz"

ISO = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z")

# The keys of the record in their order on the line. A tuple is an object with these keys, a list
# holds objects with these keys, None is a leaf or a map with open keys.
DISTRIBUTION = dict.fromkeys(("p50", "p90", "p95", "p99", "min", "max", "mean", "num"))
TREE: dict[str, Any] = {
    "schema_version": None,
    "session_id": None,
    "revision": None,
    "record_status": None,
    "plugin_version": None,
    "sdk_version": None,
    "environment": None,
    "simulated": None,
    "job_id": None,
    "room_name": None,
    "room_sid": None,
    "agent_name": None,
    "worker_id": None,
    "trace_id": None,
    "user_email": None,
    "user_metadata": None,
    "participants": [
        {
            "identity": None,
            "kind": None,
            "name": None,
            "joined_at": None,
            "left_at": None,
            "disconnect_reason": None,
            "attributes": None,
            "sip": {
                "call_id": None,
                "phone_number": None,
                "trunk_phone_number": None,
                "trunk_id": None,
                "rule_id": None,
            },
        }
    ],
    "start_time": None,
    "end_time": None,
    "closed_at": None,
    "duration_seconds": None,
    "close_reason": None,
    "end_cause": None,
    "shutdown_reason": None,
    "discovered_signals": None,
    "signals": [
        dict.fromkeys(
            ("name", "value", "status", "chosen", "rule", "item_id", "at", "text", "asked")
        )
    ],
    "signal_pack": None,
    "tool_calls": [
        dict.fromkeys(
            (
                "tool",
                "timestamp",
                "call_id",
                "status",
                "duration_seconds",
                "arguments",
                "result",
                "error",
                "agent",
                "customer_name",
                "customer_email",
                "meeting_booked",
            )
        )
    ],
    "metrics_summary": dict.fromkeys(
        (
            "total_llm_calls",
            "total_stt_duration",
            "total_tts_duration",
            "total_tts_characters",
            "total_input_tokens",
            "total_cached_input_tokens",
            "total_output_tokens",
            "user_turns",
            "agent_turns",
            "interruptions",
            "false_interruptions",
            "cancelled_llm_calls",
            "failed_llm_calls",
            "time_to_first_agent_speech",
            "user_speaking_seconds",
            "agent_speaking_seconds",
            "silence_seconds",
            "longest_dead_air_seconds",
            "user_words_per_minute",
            "agent_words_per_minute",
        )
    ),
    "latency": {
        "e2e": DISTRIBUTION,
        "llm_ttft": DISTRIBUTION,
        "tts_ttfb": DISTRIBUTION,
        "transcription_delay": DISTRIBUTION,
        "end_of_turn_delay": DISTRIBUTION,
        "tool": DISTRIBUTION,
    },
    "usage": [
        dict.fromkeys(("kind", "provider", "model", "quantities", "mode", "largest_request"))
    ],
    "cost_summary": None,
    "costs": [
        dict.fromkeys(
            ("kind", "provider", "model", "unit", "quantity", "unit_price", "amount", "source")
        )
    ],
    "unpriced": None,
    "conversation_notes": None,
    "conversation_state": None,
    "state_history": [dict.fromkeys(("state", "at"))],
    "consent_obtained": None,
    "consent_timestamp": None,
    "consent_method": None,
    "outcome": None,
    "outcome_reason": None,
    "tags": None,
    "evaluations": None,
    "custom": None,
    "handoffs": [dict.fromkeys(("from", "to", "at"))],
    "errors": [dict.fromkeys(("component", "type", "recoverable", "at"))],
    "transcript": {
        "source": None,
        "complete": None,
        "text": None,
        "items": [
            dict.fromkeys(
                ("id", "role", "text", "at", "interrupted", "language", "agent", "latency")
                + ("committed",)
            )
        ],
    },
    "transcript_uri": None,
    "privacy": dict.fromkeys(("redacted", "counts", "withheld")),
    "completeness": dict.fromkeys(
        (
            "close_event_seen",
            "missing",
            "truncated",
            "dropped_events",
            "handler_errors",
            "invalid_values",
            "lost_records_before",
        )
    ),
}

SMALLEST: dict[str, Any] = {
    "session_id": "RM_1-AJ_1",
    "record_status": "final",
    "plugin_version": "0.1.0",
    "sdk_version": "1.8.9",
    "environment": "production",
    "simulated": False,
    "job_id": None,
    "room_name": None,
    "room_sid": None,
    "agent_name": None,
    "worker_id": None,
    "user_email": None,
    "start_time": utc(START),
    "end_time": utc(START + 900),
    "closed_at": None,
    "duration_seconds": 900.0,
    "close_reason": None,
    "end_cause": "unknown",
    "shutdown_reason": None,
    "metrics_summary": MetricsSummary(),
    "latency": Latency(),
    "conversation_state": None,
    "consent_obtained": None,
    "consent_timestamp": None,
    "consent_method": None,
    "outcome": None,
    "outcome_reason": None,
}


def record(**values: Any) -> SessionRecord:
    """A record of nothing but what a record must have, and these values."""
    return SessionRecord(**{**SMALLEST, **values})


def full() -> SessionRecord:
    """The contract's example: every list has an entry."""
    at = utc(START + 300)
    return record(
        user_email="user@company.com",
        user_metadata={"plan": "pro"},
        participants=[Participant(identity="caller", kind="sip", joined_at=at, sip=Sip())],
        closed_at=utc(START + 902.512),
        discovered_signals={"team_size": 25, "industry": "software"},
        signals=[Signal(name="team_size", value=25, status="affirmed", chosen=True, at=at)],
        tool_calls=[
            ToolCall.model_validate(
                {
                    "tool": "book_sales_meeting",
                    "timestamp": at,
                    "call_id": "call_1",
                    "status": "done",
                    "duration_seconds": 0.412,
                    "customer_name": "John Doe",
                    "customer_email": "john@acme.com",
                    "meeting_booked": True,
                }
            )
        ],
        metrics_summary=MetricsSummary(total_llm_calls=25, total_stt_duration=450.5),
        latency=Latency(e2e=Distribution(p50=0.81, num=24)),
        usage=[Usage(kind="llm", provider="openai", model="gpt-4o-mini")],
        cost_summary={"openai_tokens": 15000, "openai_cost": 0.0027, "currency": "USD"},
        costs=[Cost(kind="tts", provider="x", model="y", unit="character", quantity=2500)],
        unpriced=[{"reason": "no list price"}],
        conversation_notes=["User expressed frustration with manual contract process"],
        conversation_state="NEXT_STEPS",
        state_history=[StateChange(state="NEXT_STEPS", at=at)],
        consent_obtained=True,
        consent_timestamp=at,
        consent_method="verbal",
        handoffs=[Handoff(from_agent="greeter", to="sales", at=at)],
        errors=[Error(component="tts", type="APIConnectionError", at=at)],
        transcript=Transcript(
            source="session",
            complete=True,
            text="User: Hi",
            items=[TranscriptItem(id="item_1", role="user", text="Hi", at=at)],
        ),
        privacy=Privacy(),
        completeness=Completeness(),
    )


def parsed(text: bytes) -> Any:
    """What a strict JSON reader finds: no NaN, no Infinity, no key twice."""

    def no_constant(name: str) -> None:
        raise AssertionError(f"{name} is not JSON")

    def unique(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
        assert len({k for k, _ in pairs}) == len(pairs)
        return dict(pairs)

    return json.loads(text.decode("utf-8"), parse_constant=no_constant, object_pairs_hook=unique)


def assert_shape(value: Any, tree: Any, path: str = "record") -> None:
    """Every object has the tree's keys, in the tree's order."""
    if isinstance(tree, dict):
        assert list(value) == list(tree), path
        for name, below in tree.items():
            assert_shape(value[name], below, f"{path}.{name}")
    elif isinstance(tree, list):
        assert value, f"{path} is empty: nothing was checked"
        for item in value:
            assert_shape(item, tree[0], f"{path}[]")


@contextmanager
def local_zone(name: str) -> Iterator[None]:
    """The process in another time zone."""
    before = os.environ.get("TZ")
    os.environ["TZ"] = name
    time.tzset()
    try:
        yield
    finally:
        if before is None:
            del os.environ["TZ"]
        else:
            os.environ["TZ"] = before
        time.tzset()


# -- names, types, order


def test_the_line_has_exactly_the_keys_of_the_contract_in_its_order() -> None:
    assert_shape(parsed(line(full())), TREE)


def test_the_names_agreed_with_the_data_team_have_their_types() -> None:
    row = parsed(line(full()))

    assert isinstance(row["session_id"], str) and len(row["session_id"]) <= 100
    assert isinstance(row["user_email"], str)
    assert isinstance(row["user_metadata"], dict)
    for name in ("start_time", "end_time", "consent_timestamp"):
        assert ISO.fullmatch(row[name]), name
    assert isinstance(row["duration_seconds"], float)
    assert isinstance(row["discovered_signals"], dict)
    assert isinstance(row["tool_calls"], list)
    assert isinstance(row["metrics_summary"], dict)
    assert isinstance(row["cost_summary"], dict)
    assert isinstance(row["conversation_notes"], list)
    assert isinstance(row["conversation_state"], str)
    assert row["consent_obtained"] is True


def test_the_schema_version_is_written() -> None:
    assert parsed(line(record()))["schema_version"] == "1.0"


def test_a_null_is_written_never_dropped() -> None:
    row = parsed(line(record()))

    assert list(row) == list(TREE)
    assert row["user_email"] is None
    assert row["consent_obtained"] is None
    assert row["transcript"] is None
    assert row["metrics_summary"]["total_llm_calls"] is None
    assert row["latency"]["e2e"]["p50"] is None


def test_an_annotation_stands_beside_the_fixed_keys_of_its_tool_call() -> None:
    (call,) = parsed(line(full()))["tool_calls"]

    assert call["meeting_booked"] is True
    assert call["error"] is None


@pytest.mark.parametrize("count", [1, 200, 201, 1_000])
def test_lists_of_any_length_stand_in_the_line_as_pydantic_has_them(count: int) -> None:
    at = utc(START)
    calls = [
        ToolCall(tool="t", timestamp=at, call_id=str(n), status="done", noted=n)
        for n in range(count)
    ]
    signals = [
        Signal(name="team_size", value=n, status="affirmed", chosen=n == 0, at=at)
        for n in range(count)
    ]
    handoffs = [Handoff(from_agent=f"a{n}", to="b", at=at) for n in range(count)]
    items = [
        TranscriptItem(id=str(n), role="user", text=f"word \u2028 {n}", at=at, latency={"x": 0.1})
        for n in range(count)
    ]
    words = Transcript(source="session", complete=True, text="words", items=items)
    session = record(tool_calls=calls, signals=signals, handoffs=handoffs, transcript=words)

    row = parsed(line(session))

    assert row == json.loads(session.model_dump_json(by_alias=True))
    assert list(row) == list(TREE)
    told = parsed(event(session, limit=10_000_000, s3_uri=None, members={"_aws": {"x": 1}}))
    assert told == {"_aws": {"x": 1}} | {
        name: value for name, value in row.items() if name not in ("signals", "transcript")
    }


def test_parts_that_share_their_fields_names_are_like_any_other() -> None:
    values: dict[str, Any] = {
        "name": "team_size", "value": 25, "status": "affirmed", "chosen": True, "rule": "r",
        "item_id": None, "at": utc(START), "text": "a team of 25", "asked": None,
    }  # fmt: skip
    one, other = lean(Signal)(**values), Signal(**values)

    assert one == other
    assert one.model_dump_json() == other.model_dump_json()
    assert one.model_copy(update={"chosen": False}).model_fields_set == other.model_fields_set
    with pytest.raises(ValidationError):
        lean(Signal)(**values, more=1)


@pytest.mark.parametrize(
    "name", ["model_config", "model_fields", "self", "copy", "json", "__class__", "_x", "", "ü"]
)
def test_an_annotation_may_have_any_name(name: str) -> None:
    fields = {"tool": "t", "timestamp": utc(START), "call_id": "c", "status": "done", name: 1}

    row = parsed(line(record(tool_calls=[ToolCall(**fields)])))

    assert row["tool_calls"][0][name] == 1


def test_only_a_tool_call_takes_keys_of_its_own() -> None:
    with pytest.raises(ValidationError):
        Participant(identity="a", kind="sip", surprise=1)  # type: ignore[call-arg]  # wrong on purpose


def test_a_session_id_fits_its_column() -> None:
    with pytest.raises(ValidationError):
        record(session_id="x" * 101)


# -- times


def test_a_time_has_milliseconds_and_a_z() -> None:
    assert iso(utc(START)) == "2025-10-29T14:30:00.000Z"
    assert iso(utc(START + 0.0126)) == "2025-10-29T14:30:00.013Z"


def test_a_time_of_another_zone_is_written_in_utc() -> None:
    there = datetime(2025, 10, 29, 20, 0, tzinfo=timezone(timedelta(hours=5, minutes=30)))

    assert iso(there) == "2025-10-29T14:30:00.000Z"


@given(st.floats(0, 4e9))
def test_every_moment_is_written_to_the_nearest_millisecond(moment: float) -> None:
    text = iso(utc(moment))

    assert ISO.fullmatch(text)
    back = datetime.fromisoformat(text.removesuffix("Z") + "+00:00").timestamp()
    assert abs(back - moment) <= 0.000_502


@given(st.floats() | st.integers(-(2**53), 2**53) | st.none())
def test_a_duration_has_at_most_three_decimals_or_is_null(value: float | None) -> None:
    kept = seconds(value)

    if value is None or not math.isfinite(value):
        assert kept is None
    else:
        assert kept == round(float(value), 3)


# -- the partition


def test_the_partition_is_the_utc_date_of_the_start() -> None:
    assert record().name == "year=2025/month=10/day=29/RM_1-AJ_1.json.gz"


def test_an_early_month_and_day_have_two_digits() -> None:
    start = datetime(2026, 3, 4, tzinfo=timezone.utc)

    assert record(start_time=start).name.startswith("year=2026/month=03/day=04/")


@pytest.mark.parametrize("zone", ["Pacific/Kiritimati", "Pacific/Pago_Pago", "Asia/Kolkata"])
def test_the_partition_does_not_depend_on_the_local_zone(zone: str) -> None:
    with local_zone(zone):
        assert record(start_time=utc(START)).name.startswith("year=2025/month=10/day=29/")


def test_a_start_given_in_another_zone_belongs_to_its_utc_date() -> None:
    start = datetime(2026, 1, 1, 0, 30, tzinfo=timezone(timedelta(hours=2)))

    assert record(start_time=start).name.startswith("year=2025/month=12/day=31/")


@given(
    st.dates(date(1971, 1, 1), date(2099, 1, 1)),
    st.floats(-2, 2) | st.sampled_from([-0.0005, -0.0004, -0.0006, 0.0]),
)
def test_around_midnight_the_partition_and_the_written_start_agree(
    day: date, offset: float
) -> None:
    midnight = datetime(day.year, day.month, day.day, tzinfo=timezone.utc).timestamp()
    session = record(start_time=utc(midnight + offset))

    year, month, day_ = re.findall(r"\d+", session.name)[:3]

    assert parsed(line(session))["start_time"].startswith(f"{year}-{month}-{day_}T")


def test_a_start_that_rounds_up_to_midnight_belongs_to_the_next_day() -> None:
    midnight = datetime(2026, 1, 1, tzinfo=timezone.utc).timestamp()

    assert record(start_time=utc(midnight - 0.0004)).name.startswith("year=2026/month=01/day=01/")


# -- bytes


def test_the_same_record_is_the_same_bytes() -> None:
    assert compressed(line(full())) == compressed(line(full()))


def test_the_object_is_one_line_of_gzip_without_a_time_of_its_own() -> None:
    session = full()
    session.conversation_notes = ["two\nlines\u2028and a separator"]

    body = compressed(line(session))

    assert body[:2] == b"\x1f\x8b"
    assert body[4:8] == b"\0\0\0\0"
    text = gzip.decompress(body)
    assert text.endswith(b"}\n")
    assert text.count(b"\n") == 1
    assert parsed(text)["conversation_notes"] == ["two\nlines\u2028and a separator"]


def test_other_alphabets_are_written_as_they_are() -> None:
    assert "Grüße 你好 😀".encode() in line(record(conversation_notes=["Grüße 你好 😀"]))


@pytest.mark.parametrize("bad", ["\ud800", "a\udfffb", "\ud83d"])
def test_a_lone_surrogate_costs_one_character_and_nothing_else(bad: str) -> None:
    session = record(
        conversation_notes=[bad, *map(str, range(5000))],
        custom={"deep": _nested(12, bad), bad: "key"},
        transcript=Transcript(source="session", complete=True, text="x" * 100_000, items=[]),
        shutdown_reason=bad,
    )

    row = parsed(line(session))

    assert list(row) == list(TREE)
    assert len(row["conversation_notes"]) == 5001
    assert "\ufffd" in row["conversation_notes"][0]
    assert len(row["transcript"]["text"]) == 100_000
    assert row["completeness"]["dropped_events"] == 0
    assert "\ufffd" in json.dumps(row["custom"]["deep"], ensure_ascii=False)


def _nested(levels: int, leaf: Any) -> Any:
    for _ in range(levels):
        leaf = {"level": leaf}
    return leaf


@pytest.mark.parametrize("number", [float("nan"), float("inf"), float("-inf")])
def test_a_number_that_json_lacks_is_null(number: float) -> None:
    session = record(
        custom={"x": number, "y": [number]},
        latency=Latency(e2e=Distribution(p50=number)),
        usage=[Usage(kind="llm", provider="p", model="m", quantities={"input_tokens": number})],
        duration_seconds=number,
    )

    row = parsed(line(session))

    assert row["custom"] == {"x": None, "y": [None]}
    assert row["latency"]["e2e"]["p50"] is None
    assert row["usage"][0]["quantities"] == {"input_tokens": None}
    assert row["duration_seconds"] is None


def test_numbers_that_json_lacks_and_texts_that_utf_8_lacks_may_come_together() -> None:
    row = parsed(line(record(custom={"x": float("nan"), "y": "\ud800"})))

    assert row["custom"] == {"x": None, "y": "\ufffd"}


WILD_TEXT = st.text(st.characters(codec=None), max_size=30)
WILD = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | WILD_TEXT,
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(WILD_TEXT, inner, max_size=4),
    max_leaves=20,
)


@given(custom=st.dictionaries(WILD_TEXT, WILD), text=WILD_TEXT, number=st.floats())
def test_whatever_a_session_holds_becomes_a_line_and_an_event(
    custom: dict[str, Any], text: str, number: float
) -> None:
    session = record(
        custom=custom,
        user_metadata=custom,
        evaluations=[custom],
        conversation_notes=[text],
        tags=[text],
        user_email=text,
        agent_name=text,
        cost_summary={text: number},
        participants=[Participant(identity=text, kind="sip", attributes={text: text})],
    )

    assert list(parsed(line(session))) == list(TREE)
    parsed(event(session, limit=LIMIT, s3_uri=text))


# -- the log event


def test_an_event_is_the_record_without_words_and_evidence() -> None:
    row = parsed(event(full(), limit=LIMIT, s3_uri=S3_URI))

    assert list(row) == [name for name in TREE if name not in ("transcript", "signals")]
    assert row["discovered_signals"] == {"team_size": 25, "industry": "software"}
    assert row["tool_calls"][0]["meeting_booked"] is True


def test_an_event_that_just_fits_is_whole() -> None:
    session = full()
    size = len(event(session, limit=LIMIT, s3_uri=S3_URI))

    assert len(event(session, limit=size, s3_uri=S3_URI)) == size
    assert "truncated" in parsed(event(session, limit=size - 1, s3_uri=S3_URI))


def test_a_long_record_becomes_a_summary_that_says_where_the_whole_is() -> None:
    session = full()
    session.conversation_notes = ["x" * 16_000] * 100

    text = event(session, limit=LIMIT, s3_uri=S3_URI)
    row = parsed(text)

    assert len(text) < 20_000
    assert (row["truncated"], row["s3_uri"]) == (True, S3_URI)
    assert row["session_id"] == "RM_1-AJ_1"
    assert row["metrics_summary"]["total_llm_calls"] == 25
    assert row["cost_summary"]["openai_cost"] == 0.0027
    assert row["usage"][0]["model"] == "gpt-4o-mini"
    assert "conversation_notes" not in row


def test_a_summary_without_s3_says_null() -> None:
    row = parsed(event(record(tags=["x" * 2_000_000]), limit=LIMIT, s3_uri=None))

    assert (row["truncated"], row["s3_uri"]) == (True, None)


TEXT = "\x01\ud800😀" * 200_000

HUGE: dict[str, dict[str, Any]] = {
    "usage": {
        "usage": [
            Usage(kind="llm", provider="p" * 500, model=f"model {n}", quantities={"tokens": n})
            for n in range(5_000)
        ]
    },
    "quantities": {
        "usage": [
            Usage(
                kind="llm",
                provider="p",
                model="m",
                quantities={f"quantity {n}": n for n in range(100_000)},
            )
        ]
    },
    "costs": {
        "costs": [
            Cost(kind="llm", provider="p", model=f"m{n}", unit="u", quantity=n)
            for n in range(20_000)
        ]
    },
    "cost_summary": {"cost_summary": {f"vendor_{n}_cost": 0.1 for n in range(50_000)}},
    "unpriced": {"unpriced": [{"reason": "no list price"}] * 100_000},
    "completeness": {
        "completeness": Completeness(
            missing=["x" * 100] * 20_000, truncated={f"field {n}": n for n in range(50_000)}
        )
    },
    "privacy": {"privacy": Privacy(withheld=["x" * 100] * 20_000)},
    "texts": {
        name: TEXT
        for name, value in SMALLEST.items()
        if value is None and name not in ("closed_at", "consent_obtained", "consent_timestamp")
    },
    "environment": {"environment": TEXT, "plugin_version": TEXT, "sdk_version": TEXT},
}
HUGE["everything"] = {name: value for kind in HUGE.values() for name, value in kind.items()}


@pytest.mark.parametrize("values", HUGE.values(), ids=HUGE)
def test_a_summary_stays_under_the_limit_whatever_the_record_holds(values: dict[str, Any]) -> None:
    session = record(**values)

    text = event(session, limit=LIMIT, s3_uri="s3://" + TEXT)
    row = parsed(text)

    assert len(text) <= LIMIT
    assert row["truncated"] is True
    assert row["session_id"] == "RM_1-AJ_1"
    assert row["duration_seconds"] == 900.0
    assert row["metrics_summary"]["user_turns"] == 0


# -- session ids


@pytest.mark.parametrize(
    ("given_id", "safe"),
    [
        ("RM_1-AJ_1", "RM_1-AJ_1"),
        ("call 4711/ü", "call-4711"),
        ("../../etc/passwd", "etc-passwd"),
        ("a\nb", "a-b"),
        # Athena, Spark and Trino do not read files whose names begin so.
        ("_hidden", "hidden"),
        (".hidden", "hidden"),
        ("x" * 300, "x" * 100),
        ("x" * 99 + "/y", "x" * 99),
        ("///", ""),
        ("", ""),
    ],
)
def test_a_session_id_is_made_safe(given_id: str, safe: str) -> None:
    assert safe_session_id(given_id) == safe


@given(st.text())
def test_every_safe_session_id_is_a_file_name_and_stays_as_it_is(text: str) -> None:
    safe = safe_session_id(text)

    assert re.fullmatch(r"([A-Za-z0-9][A-Za-z0-9._-]*)?", safe)
    assert len(safe) <= MAX_SESSION_ID
    assert safe_session_id(safe) == safe
