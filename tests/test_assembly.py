"""The record says what the session did, and there is always one."""

from __future__ import annotations

import asyncio
import dataclasses
import gzip
import json
import time
from datetime import datetime
from typing import Any

import pytest
from livekit import agents
from livekit.agents import Agent, AgentSession, function_tool
from livekit.agents.testing import fake_job_context

import livekit_plugins_analytics as analytics
from livekit_plugins_analytics import Settings
from livekit_plugins_analytics.assembly import assemble, bare, parcel
from livekit_plugins_analytics.call import Capture, Remarks
from livekit_plugins_analytics.collectors.conversation import Talk
from livekit_plugins_analytics.collectors.transcript import Words
from livekit_plugins_analytics.ending import Evidence, Gone
from livekit_plugins_analytics.facts import Facts
from livekit_plugins_analytics.lines import line
from livekit_plugins_analytics.parts import StateChange, Usage, utc
from livekit_plugins_analytics.reading import Heard
from livekit_plugins_analytics.record import SessionRecord
from livekit_plugins_analytics.signals import Listener, RuleSet
from livekit_plugins_analytics.testing import MemoryWriter, Reply, ScriptedLLM, ToolCall
from livekit_plugins_analytics.trim import Trimmer

from .collectors.events import T, message
from .test_facts import job, job_context
from .test_record import TREE, assert_shape, parsed

OFF = Settings(transcript="off")
ON = Settings(transcript="on")

JOB = Facts(
    job_id="AJ_1",
    room_name="call-4711",
    room_sid="RM_1",
    agent_name="sales",
    worker_id="AW_1",
    simulated=False,
)


def capture(**values: Any) -> Capture:
    """A capture of a call in which nothing happened, and these values."""
    empty = Capture(
        facts=JOB,
        session_id="RM_1-AJ_1",
        status="final",
        revision=1,
        started_at=T,
        evidence=Evidence(now=T + 70, close_reason="user_initiated", closed_at=T + 60),
        remarks=Remarks(),
        participants=[],
        tools=[],
        tool_durations=[],
        said=[],
        unsaid=0,
        talk=Talk(),
        usage=[],
        llm_calls=None,
        cancelled_llm_calls=None,
        uncounted_llm_calls=0,
        hear=None,
        handoffs=[],
        errors=[],
        truncated={},
        dropped=0,
        handler_errors=0,
        invalid_values=0,
    )
    return dataclasses.replace(empty, **values)


def spoken(*texts: str) -> dict[str, Any]:
    words = Words(Trimmer())
    for number, text in enumerate(texts):
        words.on_message(message("assistant" if number % 2 else "user", text, at=number), "sales")
    return {"said": words.said}


LLM_USAGE = Usage(
    kind="llm",
    provider="api.openai.com",
    model="gpt-4o-mini",
    quantities={"input_tokens": 1000, "output_tokens": 100},
)


# -- by hand


def test_a_call_in_which_nothing_happened_has_a_record_with_every_key() -> None:
    row = parsed(line(assemble(capture(), OFF)))

    assert list(row) == list(TREE)
    assert row["schema_version"] == "1.0"
    assert row["plugin_version"] == analytics.__version__
    assert row["sdk_version"] == agents.__version__
    assert (row["job_id"], row["room_sid"], row["worker_id"]) == ("AJ_1", "RM_1", "AW_1")
    assert row["simulated"] is False
    assert row["environment"] == "production"
    assert row["completeness"]["close_event_seen"] is True


def test_a_call_lasts_until_the_caller_has_gone_not_until_the_close() -> None:
    evidence = Evidence(
        now=T + 70,
        close_reason="participant_disconnected",
        closed_at=T + 62.5,
        gone=[Gone(T + 60.1234, "CLIENT_INITIATED")],
        shutdown_reason="parent process shutdown",
    )

    session = assemble(capture(evidence=evidence), OFF)

    assert session.end_time == utc(T + 60.123)
    assert session.closed_at == utc(T + 62.5)
    assert session.duration_seconds == 60.123
    assert session.end_cause == "caller_hung_up"
    assert session.close_reason == "participant_disconnected"
    assert session.shutdown_reason == "parent process shutdown"


def test_a_call_never_ends_before_its_start() -> None:
    evidence = Evidence(now=T, close_reason="user_initiated", closed_at=T - 5)

    session = assemble(capture(evidence=evidence), OFF)

    assert (session.end_time, session.duration_seconds) == (utc(T), 0.0)


def test_what_the_agent_said_of_the_call_is_in_its_places() -> None:
    remarks = Remarks(
        notes=["a note"],
        state="CLOSING",
        state_history=[StateChange(state="CLOSING", at=utc(T + 1))],
        consent=True,
        consent_at=T + 15,
        consent_method="verbal",
        user_email="jo@acme.com",
        user_metadata={"plan": "pro"},
        signals={"team_size": 25},
        tags=["vip"],
        evaluations=[{"name": "accuracy"}],
        custom={"a": 1},
        outcome="success",
        outcome_reason="booked",
    )

    row = parsed(line(assemble(capture(remarks=remarks), OFF)))

    assert row["conversation_notes"] == ["a note"]
    assert row["conversation_state"] == "CLOSING"
    assert row["state_history"] == [{"state": "CLOSING", "at": "2027-01-15T08:00:01.000Z"}]
    assert row["consent_obtained"] is True
    assert row["consent_timestamp"] == "2027-01-15T08:00:15.000Z"
    assert row["consent_method"] == "verbal"
    assert row["user_email"] == "jo@acme.com"
    assert row["user_metadata"] == {"plan": "pro"}
    assert row["discovered_signals"] == {"team_size": 25}
    assert row["tags"] == ["vip"]
    assert row["evaluations"] == [{"name": "accuracy"}]
    assert row["custom"] == {"a": 1}
    assert (row["outcome"], row["outcome_reason"]) == ("success", "booked")


def test_usage_is_priced_and_summed() -> None:
    row = parsed(line(assemble(capture(usage=[LLM_USAGE], llm_calls=3), OFF)))

    assert row["metrics_summary"]["total_llm_calls"] == 3
    assert row["metrics_summary"]["total_input_tokens"] == 1000
    # gpt-4o-mini: 0.15 and 0.60 USD per million tokens.
    assert row["cost_summary"]["openai_cost"] == pytest.approx(0.00021)
    assert row["cost_summary"]["total_estimated_cost"] == pytest.approx(0.00021)
    assert row["cost_summary"]["complete"] is True
    assert {(c["unit"], c["unit_price"]) for c in row["costs"]} >= {
        ("input_token", "0.00000015"),
        ("output_token", "0.0000006"),
    }
    assert row["unpriced"] == []


def test_an_unknown_price_is_null_and_named() -> None:
    unknown = Usage(kind="llm", provider="acme", model="acme-1", quantities={"input_tokens": 10})

    row = parsed(line(assemble(capture(usage=[unknown]), OFF)))

    assert [(c["unit_price"], c["amount"]) for c in row["costs"]] == [(None, None)]
    assert row["cost_summary"]["complete"] is False
    assert row["unpriced"][0]["model"] == "acme-1"
    assert "cost_summary" in row["completeness"]["missing"]


def test_what_was_lost_on_the_way_is_counted() -> None:
    state = capture(
        truncated={"custom": 2},
        dropped=3,
        handler_errors=4,
        invalid_values=5,
        tool_durations=[-1.0],
        **spoken("x" * 20_000),
    )

    completeness = assemble(state, ON, lost_before=6).completeness

    assert completeness.truncated == {"custom": 2, "transcript": 1, "latency": 1}
    assert completeness.dropped_events == 3
    assert completeness.handler_errors == 4
    assert completeness.invalid_values == 5
    assert completeness.lost_records_before == 6


def test_the_same_capture_gives_the_same_record_twice() -> None:
    state = capture(usage=[LLM_USAGE], **spoken("x" * 20_000, "Hi."))

    assert line(assemble(state, ON)) == line(assemble(state, ON))


# -- what is missing


NOT_MEASURED = [
    "metrics_summary.total_llm_calls",
    "metrics_summary.total_stt_duration",
    "metrics_summary.total_tts_duration",
    "metrics_summary.total_tts_characters",
    "metrics_summary.total_input_tokens",
    "metrics_summary.total_cached_input_tokens",
    "metrics_summary.total_output_tokens",
    "metrics_summary.cancelled_llm_calls",
    "metrics_summary.failed_llm_calls",
    "metrics_summary.time_to_first_agent_speech",
    "metrics_summary.user_speaking_seconds",
    "metrics_summary.agent_speaking_seconds",
    "metrics_summary.silence_seconds",
    "metrics_summary.longest_dead_air_seconds",
    "metrics_summary.user_words_per_minute",
    "metrics_summary.agent_words_per_minute",
]


def test_every_number_that_was_not_measured_is_null_and_named() -> None:
    session = assemble(capture(), OFF)

    assert session.completeness.missing == NOT_MEASURED
    summary = session.metrics_summary.model_dump()
    for name in NOT_MEASURED:
        assert summary[name.removeprefix("metrics_summary.")] is None


def test_what_was_measured_is_not_missing() -> None:
    missing = assemble(capture(llm_calls=0, usage=[LLM_USAGE]), OFF).completeness.missing

    assert set(NOT_MEASURED) - set(missing) == {
        "metrics_summary.total_llm_calls",
        "metrics_summary.total_input_tokens",
        "metrics_summary.total_cached_input_tokens",
        "metrics_summary.total_output_tokens",
    }


@pytest.mark.parametrize(
    ("values", "name"),
    [
        ({"facts": Facts()}, "participants"),
        ({"evidence": Evidence(now=T + 70)}, "closed_at"),
        ({"uncounted_llm_calls": 1}, "usage.cancelled_llm_calls"),
        ({"undercounts": ("usage.shared_models",)}, "usage.shared_models"),
    ],
)
def test_what_is_missing_has_a_name(values: dict[str, Any], name: str) -> None:
    assert assemble(capture(**values), OFF).completeness.missing == [*NOT_MEASURED, name]


# -- the transcript


def test_without_being_asked_for_there_is_no_transcript() -> None:
    session = assemble(capture(**spoken("Hi.", "Hello.")), OFF)

    assert session.transcript is None
    assert session.privacy.withheld == []


def test_when_switched_on_there_is_one() -> None:
    session = assemble(capture(**spoken("Hi.", "Hello.")), ON)

    assert session.transcript is not None
    assert session.transcript.text == "User: Hi.\nAgent: Hello."
    assert session.privacy.withheld == []


def test_of_a_project_that_has_its_data_redacted_the_transcript_is_withheld() -> None:
    facts = dataclasses.replace(JOB, redaction=True)

    session = assemble(capture(facts=facts, **spoken("My card is 4111.")), ON)

    assert session.transcript is None
    assert session.privacy.withheld == ["room_name", "transcript"]
    assert b"4111" not in line(session)


def test_what_nobody_asked_for_is_not_withheld() -> None:
    facts = dataclasses.replace(JOB, redaction=True)

    assert assemble(capture(facts=facts), OFF).privacy.withheld == ["room_name"]


# -- the bare record


BARE = {
    "closed": capture(),
    "never closed": capture(evidence=Evidence(now=T + 70), status="partial"),
    "without a job": capture(facts=Facts()),
    "with redaction": capture(facts=dataclasses.replace(JOB, redaction=True)),
    "second revision": capture(revision=2),
    "strange texts": capture(facts=dataclasses.replace(JOB, room_name="\ud800" * 10)),
    "ended early": capture(evidence=Evidence(now=T, closed_at=T - 5)),
}


@pytest.mark.parametrize("state", BARE.values(), ids=BARE)
@pytest.mark.parametrize("settings", [ON, OFF], ids=["on", "off"])
def test_a_bare_record_is_a_valid_line(state: Capture, settings: Settings) -> None:
    session = bare(state, settings, handler_errors=3)

    row = parsed(line(session))

    assert list(row) == list(TREE)
    assert_shape(row["metrics_summary"], TREE["metrics_summary"])
    assert_shape(row["latency"], TREE["latency"])
    assert_shape(row["privacy"], TREE["privacy"])
    assert_shape(row["completeness"], TREE["completeness"])
    SessionRecord.model_validate(session.model_dump())
    assert row["record_status"] == "partial"
    assert row["completeness"]["handler_errors"] == 3
    assert row["completeness"]["missing"] == ["everything but the times"]


@pytest.mark.parametrize("state", BARE.values(), ids=BARE)
def test_a_bare_record_agrees_with_the_whole_one_on_names_and_times(state: Capture) -> None:
    some, whole = bare(state, ON, 0), assemble(state, ON)

    for name in (
        "session_id",
        "revision",
        "plugin_version",
        "sdk_version",
        "environment",
        "simulated",
        "job_id",
        "room_name",
        "room_sid",
        "agent_name",
        "worker_id",
        "start_time",
        "end_time",
        "closed_at",
        "duration_seconds",
        "close_reason",
        "end_cause",
        "privacy",
    ):
        assert getattr(some, name) == getattr(whole, name), name
    assert some.name == whole.name


# -- the parcel


def test_a_parcel_is_the_record_as_bytes_with_its_name() -> None:
    session = assemble(capture(**spoken("Hi.")), ON)

    packed = parcel(session, ON)

    assert gzip.decompress(packed.body) == line(session) + b"\n"
    assert packed.name == "year=2027/month=01/day=15/RM_1-AJ_1.json.gz"
    assert (packed.session_id, packed.revision) == ("RM_1-AJ_1", 1)
    assert packed.happened_at == T + 60
    assert packed.stream == "sales"
    assert "transcript" not in json.loads(packed.event)
    assert not packed.probe


def test_without_an_agents_name_the_stream_has_none() -> None:
    assert parcel(assemble(capture(facts=Facts()), OFF), OFF).stream == ""


@pytest.mark.parametrize(
    ("settings", "uri"),
    [
        (
            Settings(s3_bucket="bucket", s3_prefix="calls"),
            "s3://bucket/calls/year=2027/month=01/day=15/RM_1-AJ_1.json.gz",
        ),
        (Settings(log_group="calls"), None),
    ],
)
def test_the_event_of_a_long_record_says_where_the_whole_is(
    settings: Settings, uri: str | None
) -> None:
    remarks = Remarks(notes=["x" * 16_000] * 100)

    packed = parcel(assemble(capture(remarks=remarks), settings), settings)

    assert json.loads(packed.event)["s3_uri"] == uri


# -- from a real session


class Desk(Agent):
    """Books meetings."""

    def __init__(self) -> None:
        super().__init__(instructions="Sell.", id="desk")

    @function_tool
    async def book(self, day: str) -> str:
        """Book."""
        recorder = analytics.current()
        recorder.annotate_tool(meeting_booked=True)
        recorder.note("Wants " + day)
        return f"booked {day}"


def script() -> ScriptedLLM:
    return ScriptedLLM(
        Reply("Hello.", prompt_tokens=100, completion_tokens=5),
        Reply(
            tool_calls=[ToolCall("book", {"day": "Monday"}, call_id="call_7")],
            then=Reply("Booked.", prompt_tokens=300, completion_tokens=10),
            prompt_tokens=200,
            completion_tokens=20,
        ),
    )


async def record_of(settings: Settings, ctx: Any = None) -> dict[str, Any]:
    """The record of a session in which a meeting is booked."""
    memory = MemoryWriter()
    session = AgentSession[None](llm=script(), vad=None)
    recorder = analytics.attach(session, ctx, settings=settings, writers=[memory])
    await session.start(Desk())
    recorder.set_state("DISCOVERY")
    recorder.record_consent(True, method="verbal")
    await session.run(user_input="Hi.")
    await session.run(user_input="Monday, please.")
    await session.aclose()
    assert await recorder.delivered()
    (row,) = memory.records
    return row


async def test_a_record_says_what_the_session_did() -> None:
    before = time.time()
    row = await record_of(ON)
    after = time.time()

    assert list(row) == list(TREE)
    assert (row["record_status"], row["close_reason"]) == ("final", "user_initiated")
    assert row["end_cause"] == "agent_ended"
    assert utc(before).timestamp() - 0.001 <= _unix(row["start_time"])
    assert _unix(row["start_time"]) <= _unix(row["end_time"]) <= after + 0.001
    assert row["duration_seconds"] == pytest.approx(
        _unix(row["end_time"]) - _unix(row["start_time"]), abs=0.0011
    )
    assert row["end_time"] == row["closed_at"]

    (call,) = row["tool_calls"]
    assert (call["tool"], call["call_id"], call["status"]) == ("book", "call_7", "done")
    assert (call["arguments"], call["result"]) == ({"day": "Monday"}, "booked Monday")
    assert (call["meeting_booked"], call["agent"]) == (True, "desk")

    metrics = row["metrics_summary"]
    assert (metrics["user_turns"], metrics["agent_turns"]) == (2, 2)
    assert (metrics["total_llm_calls"], metrics["cancelled_llm_calls"]) == (3, 0)
    assert (metrics["total_input_tokens"], metrics["total_output_tokens"]) == (600, 35)
    assert (metrics["interruptions"], metrics["false_interruptions"]) == (0, 0)
    assert metrics["total_stt_duration"] is None
    assert row["latency"]["llm_ttft"]["num"] == 2
    assert row["latency"]["tool"]["num"] == 1
    assert row["cost_summary"]["openai_tokens"] == 635

    assert row["conversation_notes"] == ["Wants Monday"]
    assert row["conversation_state"] == "DISCOVERY"
    assert (row["consent_obtained"], row["consent_method"]) == (True, "verbal")
    assert row["handoffs"] == row["errors"] == row["unpriced"] == []

    assert [(i["role"], i["text"]) for i in row["transcript"]["items"]] == [
        ("user", "Hi."),
        ("agent", "Hello."),
        ("user", "Monday, please."),
        ("tool", "book: done: booked Monday"),
        ("agent", "Booked."),
    ]
    completeness = row["completeness"]
    assert completeness["close_event_seen"] is True
    assert completeness["handler_errors"] == completeness["dropped_events"] == 0
    assert completeness["truncated"] == {}


def _unix(text: str) -> float:
    return datetime.fromisoformat(text.replace("Z", "+00:00")).timestamp()


async def test_in_a_job_with_redaction_the_transcript_is_withheld() -> None:
    with job_context(job(enable_redaction=True), fake=True) as ctx:
        row = await record_of(ON, ctx)

    assert row["room_name"] is None
    assert row["transcript"] is None
    assert row["privacy"]["withheld"] == [
        "conversation_notes",
        "room_name",
        "signals.text",
        "tool_calls",
        "transcript",
    ]


async def test_a_tool_that_hangs_at_the_end_is_cancelled_in_the_record() -> None:
    began = asyncio.Event()

    class Slow(Agent):
        @function_tool
        async def hang(self) -> None:
            """Never end."""
            began.set()
            await asyncio.Event().wait()

    memory = MemoryWriter()
    model = ScriptedLLM(Reply(tool_calls=[ToolCall("hang")], then="Done."))
    session = AgentSession[None](llm=model, vad=None)
    with fake_job_context() as ctx:
        recorder = analytics.attach(session, settings=OFF, writers=[memory])
        await session.start(Slow(instructions="x"), record=False)
        session.generate_reply(user_input="go")
        await asyncio.wait_for(began.wait(), 10)
        await analytics.on_session_end(ctx)  # no close has come

    assert await recorder.delivered()
    (call,) = memory.records[0]["tool_calls"]
    assert (call["status"], call["duration_seconds"]) == ("cancelled", None)
    assert memory.records[0]["record_status"] == "partial"
    for task in asyncio.all_tasks():
        if task.get_name() == "tool_exec_hang":
            task.cancel()
    await session.aclose()


def test_with_redaction_the_evidence_has_none_of_the_callers_words() -> None:
    rules = RuleSet.load("sales")
    listener = Listener(rules)
    listener.user_said("item_1", "we are a team of 25", T)
    heard = capture(hear=lambda _: Heard(rules, listener.mentions()))
    redacted = dataclasses.replace(heard, facts=dataclasses.replace(JOB, redaction=True))

    plain, withheld = assemble(heard, OFF), assemble(redacted, OFF)

    assert [s.text for s in plain.signals] == ["team of 25"]
    assert plain.privacy.withheld == []
    assert [s.text for s in withheld.signals] == [None]
    assert withheld.discovered_signals == plain.discovered_signals
    assert withheld.privacy.withheld == ["room_name", "signals.text"]
