"""Each kind of call leaves exactly one record per session, and its fields are what happened."""

from __future__ import annotations

from datetime import datetime, timezone
from typing import Any

import pytest
from livekit import api

from tests.calls import agents
from tests.calls.office import Office


def moment(text: str) -> datetime:
    """A timestamp of the record; fails unless it is UTC with milliseconds."""
    return datetime.strptime(text, "%Y-%m-%dT%H:%M:%S.%fZ").replace(tzinfo=timezone.utc)


def the_one(office: Office, room: str) -> dict[str, Any]:
    """The room's record, after checking that S3 and CloudWatch have it once."""
    records, events = office.records(room), office.events(room)
    assert len(records) == 1
    assert [e["revision"] for e in events] == [1]
    record = records[0]
    start = moment(record["start_time"])
    assert record["_key"] == (
        f"sessions/year={start:%Y}/month={start:%m}/day={start:%d}/{record['session_id']}.json.gz"
    )
    assert events[0] == {
        k: v for k, v in record.items() if k not in ("_key", "transcript", "signals")
    }
    return record


async def test_call_books_a_meeting_and_ends_by_hang_up(office: Office) -> None:
    """The main job, field by field."""
    room = await office.dispatch("plain")
    caller = await office.caller(room)
    await caller.hears(agents.GREETING)
    await caller.type("Please book a meeting")
    await caller.hears(agents.BOOKED)
    before = datetime.now(timezone.utc)
    await caller.hang_up()
    await office.exported(room)

    record = the_one(office, room)
    assert record["session_id"] == f"{record['room_sid']}-{record['job_id']}"
    assert record["record_status"] == "final"
    assert record["environment"] == "test"
    assert record["simulated"] is False
    assert record["agent_name"] == office.agent_name
    assert record["worker_id"].startswith("AW_")
    assert record["user_email"] == "user@company.com"
    assert record["user_metadata"] == {"plan": "trial"}
    (participant,) = record["participants"]
    assert participant["identity"] == "caller"
    assert participant["kind"] == "standard"
    assert participant["disconnect_reason"] == "CLIENT_INITIATED"
    assert participant["sip"] is None
    assert moment(participant["joined_at"]) < moment(participant["left_at"])
    assert record["close_reason"] == "participant_disconnected"
    assert record["end_cause"] == "caller_hung_up"
    assert record["end_time"] == participant["left_at"]
    assert abs((moment(record["end_time"]) - before).total_seconds()) < 5
    length = moment(record["end_time"]) - moment(record["start_time"])
    assert record["duration_seconds"] == pytest.approx(length.total_seconds(), abs=0.002)
    (tool,) = record["tool_calls"]
    assert tool["tool"] == "book_sales_meeting"
    assert tool["status"] == "done"
    assert tool["arguments"] == {"day": "Monday"}
    assert tool["result"] == "booked for Monday"
    assert tool["agent"] == "sales_agent"
    assert tool["customer_email"] == "john@acme.com"
    assert tool["meeting_booked"] is True
    assert tool["duration_seconds"] >= 0
    metrics = record["metrics_summary"]
    assert metrics["total_llm_calls"] == 2
    assert metrics["user_turns"] == 1
    assert metrics["agent_turns"] == 2
    assert metrics["interruptions"] == 0
    assert metrics["total_input_tokens"] > 0
    assert metrics["total_stt_duration"] is None
    assert "metrics_summary.total_stt_duration" in record["completeness"]["missing"]
    (usage,) = record["usage"]
    assert (usage["kind"], usage["model"]) == ("llm", "gpt-4o-mini")
    assert usage["quantities"]["input_tokens"] == metrics["total_input_tokens"]
    assert record["cost_summary"]["complete"] is True
    assert record["cost_summary"]["openai_tokens"] == sum(usage["quantities"].values())
    assert record["discovered_signals"] == {"team_size": 25, "qualification_tier": "qualified"}
    assert record["conversation_notes"] == ["Wants a meeting on Monday"]
    assert record["conversation_state"] == "NEXT_STEPS"
    assert [s["state"] for s in record["state_history"]] == ["DISCOVERY", "NEXT_STEPS"]
    assert record["consent_obtained"] is True
    assert record["consent_method"] == "verbal"
    assert moment(record["consent_timestamp"]) <= moment(record["end_time"])
    assert record["errors"] == []
    assert [(i["role"], i["text"]) for i in record["transcript"]["items"]] == [
        ("agent", agents.GREETING),
        ("user", "Please book a meeting"),
        ("tool", "book_sales_meeting: done: booked for Monday"),
        ("agent", agents.BOOKED),
    ]
    assert record["completeness"]["close_event_seen"] is True
    assert record["completeness"]["handler_errors"] == 0
    assert "Analytics uploaded to S3: s3://" in office.log.read_text()
    assert "Please book a meeting" not in office.log.read_text()


async def test_agent_that_shuts_the_job_down_ended_the_call(office: Office) -> None:
    room = await office.dispatch("plain")
    caller = await office.caller(room)
    await caller.hears(agents.GREETING)
    await caller.type("bye")
    await office.exported(room)

    record = the_one(office, room)
    assert record["end_cause"] == "agent_ended"
    assert record["shutdown_reason"] == "goal reached"
    assert [t["tool"] for t in record["tool_calls"]] == ["end_call"]
    await caller.hang_up()


async def test_agent_that_closes_its_session_ended_the_call(office: Office) -> None:
    room = await office.dispatch("plain")
    caller = await office.caller(room)
    await caller.hears(agents.GREETING)
    await caller.type("close")
    await office.exported(room)

    record = the_one(office, room)
    assert record["end_cause"] == "agent_ended"
    assert record["participants"][0]["left_at"] is None
    await caller.hang_up()


async def test_room_deleted_by_the_server_api(office: Office) -> None:
    room = await office.dispatch("plain")
    caller = await office.caller(room)
    await caller.hears(agents.GREETING)
    async with office.livekit.api() as client:
        await client.room.delete_room(api.DeleteRoomRequest(room=room))
    await caller.is_put_out()
    await office.exported(room)

    record = the_one(office, room)
    # A job's termination races the room's own event: then nobody can tell (endings.md, D3).
    assert record["end_cause"] in ("room_deleted", "unknown")
    await caller.hang_up()


async def test_caller_removed_by_the_server_api(office: Office) -> None:
    room = await office.dispatch("plain")
    caller = await office.caller(room)
    await caller.hears(agents.GREETING)
    async with office.livekit.api() as client:
        await client.room.remove_participant(
            api.RoomParticipantIdentity(room=room, identity="caller")
        )
    await caller.is_put_out()
    await office.exported(room)

    record = the_one(office, room)
    assert record["end_cause"] == "caller_removed"
    assert record["end_time"] == record["participants"][0]["left_at"]
    await caller.hang_up()


async def test_outbound_call_that_nobody_answers(office: Office) -> None:
    room = await office.dispatch("nobody_answers")
    await office.exported(room)

    record = the_one(office, room)
    assert record["end_cause"] == "agent_ended"
    assert record["record_status"] == "partial"
    assert record["close_reason"] is None
    assert record["participants"] == []
    assert (record["outcome"], record["outcome_reason"]) == ("fail", "no answer")
    assert record["shutdown_reason"] == "no answer"
    assert record["metrics_summary"]["user_turns"] == 0


async def test_caller_never_joins(office: Office) -> None:
    room = await office.dispatch("plain")
    await office.exported(room)

    record = the_one(office, room)
    assert record["participants"] == []
    assert record["end_cause"] == "unknown"
    assert record["metrics_summary"]["user_turns"] == 0


async def test_killed_job_is_recovered_by_the_process_that_waits(office: Office) -> None:
    room = await office.dispatch("plain")
    caller = await office.caller(room)
    await caller.hears(agents.GREETING)
    await caller.type("Please book a meeting, we are a team of 40")
    await caller.hears(agents.BOOKED)
    await office.journals(agents.BOOKED)
    await caller.type("die")
    (record,) = await office.exported(room)

    assert record["record_status"] == "recovered"
    assert record["end_cause"] == "crashed"
    assert record["environment"] == "test"
    assert record["revision"] == 1
    assert record["completeness"]["close_event_seen"] is False
    assert {"closed_at", "end_time"} <= set(record["completeness"]["missing"])
    assert (record["close_reason"], record["closed_at"]) == (None, None)
    assert record["user_email"] == "user@company.com"
    assert record["consent_obtained"] is True
    assert record["conversation_notes"] == ["Wants a meeting on Monday"]
    assert [s["state"] for s in record["state_history"]] == ["DISCOVERY", "NEXT_STEPS"]
    assert record["discovered_signals"]["team_size"] == 25  # the agent's own word
    assert {(s["value"], s["chosen"]) for s in record["signals"]} >= {(40, False), (25, True)}
    (tool,) = [t for t in record["tool_calls"] if t["tool"] == "book_sales_meeting"]
    assert (tool["status"], tool["result"]) == ("done", "booked for Monday")
    assert tool["meeting_booked"] is True
    assert agents.BOOKED in [i["text"] for i in record["transcript"]["items"]]
    assert record["usage"] and record["cost_summary"]["openai_tokens"] > 0
    (participant,) = record["participants"]
    assert participant["identity"] == caller.room.local_participant.identity
    assert record["duration_seconds"] > 0
    assert not list(office.spool.glob("*.journal"))
    await caller.hang_up()


async def test_two_agents_in_one_room_leave_a_record_each(office: Office) -> None:
    room = await office.dispatch("plain")
    caller = await office.caller(room)
    await caller.hears(agents.GREETING)
    # Two dispatches at once to a room that is just being made: the server may lose the second.
    await office.dispatch("plain", room)
    await caller.hears(agents.GREETING, times=2)
    await caller.hang_up()
    records = await office.exported(room, count=2)

    assert len(records) == len(office.events(room)) == 2
    assert len({r["session_id"] for r in records}) == 2
    assert len({r["room_sid"] for r in records}) == 1


async def test_two_sessions_in_one_job_leave_a_record_each(office: Office) -> None:
    room = await office.dispatch("two_sessions")
    caller = await office.caller(room)
    await caller.hears(agents.GREETING)
    await caller.hang_up()
    records = await office.exported(room, count=2)

    assert len(records) == len(office.events(room)) == 2
    first, second = sorted(r["session_id"] for r in records)
    assert second == f"{first}-2"
    assert {r["close_reason"] for r in records} == {"participant_disconnected", "job_shutdown"}
    assert {r["end_cause"] for r in records} == {"caller_hung_up"}


async def test_room_name_used_twice(office: Office) -> None:
    name = await office.dispatch("plain")
    for visit in (1, 2):
        if visit == 2:
            await office.dispatch("plain", name)
        caller = await office.caller(name)
        await caller.hears(agents.GREETING)
        await caller.hang_up()
        await office.exported(name, count=visit)

    records = office.records(name)
    assert len(records) == len(office.events(name)) == 2
    assert len({r["session_id"] for r in records}) == 2


async def test_entrypoint_that_crashes_in_the_call(office: Office) -> None:
    room = await office.dispatch("crash_after")
    await office.exported(room)

    record = the_one(office, room)
    assert record["end_cause"] == "crashed"
    assert record["user_email"] == "user@company.com"


async def test_entrypoint_that_crashes_before_the_session_begins(office: Office) -> None:
    room = await office.dispatch("crash_before")
    await office.exported(room)

    record = the_one(office, room)
    assert record["end_cause"] == "crashed"
    assert record["record_status"] == "partial"
    assert record["completeness"]["close_event_seen"] is False
    assert "closed_at" in record["completeness"]["missing"]


async def test_sip_caller_is_recorded_with_its_attributes(office: Office) -> None:
    room = await office.dispatch("plain")
    attributes = {
        "sip.callID": "SCL_1",
        "sip.phoneNumber": "+4930123456",
        "sip.trunkPhoneNumber": "+4930654321",
        "sip.trunkID": "ST_1",
        "sip.ruleID": "SDR_1",
    }
    caller = await office.caller(room, identity="sip_49", kind="sip", attributes=attributes)
    await caller.hears(agents.GREETING)
    await caller.hang_up()
    await office.exported(room)

    (participant,) = the_one(office, room)["participants"]
    assert participant["kind"] == "sip"
    assert participant["sip"] == {
        "call_id": "SCL_1",
        "phone_number": "+4930123456",
        "trunk_phone_number": "+4930654321",
        "trunk_id": "ST_1",
        "rule_id": "SDR_1",
    }
    assert participant["attributes"].items() >= attributes.items()


async def test_what_is_said_after_the_close_is_the_next_revision(office: Office) -> None:
    room = await office.dispatch("plain", judge=True)
    caller = await office.caller(room)
    await caller.hears(agents.GREETING)
    await caller.hang_up()
    await office.exported(room)
    (record,) = await office.exported(room, revision=2)

    assert record["revision"] == 2
    assert (record["outcome"], record["outcome_reason"]) == ("success", "judge says so")
    assert sorted(e["revision"] for e in office.events(room)) == [1, 2]
    assert len({e["session_id"] for e in office.events(room)}) == 1


async def test_a_revision_keeps_what_the_first_export_knew(office: Office) -> None:
    """The job's own end comes long after the session's, and says nothing of the call's."""
    room = await office.dispatch("plain", judge=True)
    caller = await office.caller(room)
    await caller.hears(agents.GREETING)
    await caller.type("close")
    await office.exported(room)
    await caller.hang_up()
    (record,) = await office.exported(room, revision=2)

    assert record["outcome"] == "success"
    assert record["end_cause"] == "agent_ended"
    first, second = sorted(office.events(room), key=lambda e: e["revision"])
    assert first["end_cause"] == second["end_cause"]
    assert first["end_time"] == second["end_time"]
