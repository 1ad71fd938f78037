"""Hundreds of calls in one process that end in one turn of its loop: each has its record."""

from __future__ import annotations

import asyncio
import contextlib
from typing import Any

from livekit.agents import AgentStateChangedEvent

import livekit_plugins_analytics as analytics
from livekit_plugins_analytics.testing import MemoryWriter
from tests.benchmarks.call import close, emit, hang_up, silent_session, turn
from tests.test_facts import job, job_context

CALLS = 300
BEGAN = 1_800_000_000.0


def talked(writer: MemoryWriter, ctx: Any = None) -> tuple[Any, analytics.Recorder]:
    """A session of two turns, and its recorder."""
    session = silent_session()
    recorder = analytics.attach(session, ctx, writers=[writer], session_id="crowd")
    for number in range(2):
        emit(session, turn(number, BEGAN))
    return session, recorder


async def test_all_are_delivered_to_who_waits_for_them() -> None:
    writer = MemoryWriter()
    calls = [talked(writer) for _ in range(CALLS)]
    for session, _ in calls:
        close(session)

    assert all(await asyncio.gather(*(recorder.delivered() for _, recorder in calls)))
    assert len({record["session_id"] for record in writer.records}) == CALLS
    assert {record["record_status"] for record in writer.records} == {"final"}
    assert {record["metrics_summary"]["user_turns"] for record in writer.records} == {2}


async def test_their_jobs_end_before_their_turn_has_come() -> None:
    writer = MemoryWriter()
    with contextlib.ExitStack() as jobs:
        contexts = [jobs.enter_context(job_context(job())) for _ in range(CALLS)]
        calls = [talked(writer, ctx) for ctx in contexts]
        for ctx in contexts:
            hang_up(ctx)
        for session, _ in calls:
            close(session)
        await asyncio.gather(*(analytics.on_session_end(ctx) for ctx in contexts))

        assert all(await asyncio.gather(*(recorder.delivered() for _, recorder in calls)))
    assert len(writer.records) == CALLS
    assert {record["record_status"] for record in writer.records} == {"final"}


async def test_what_is_said_of_a_call_before_its_turn_is_in_its_first_record() -> None:
    writer = MemoryWriter()
    calls = [talked(writer) for _ in range(CALLS)]
    for session, _ in calls:
        close(session)
    _, last = calls[-1]
    last.note("a late remark")

    assert all(await asyncio.gather(*(recorder.delivered() for _, recorder in calls)))
    (record,) = [r for r in writer.records if r["session_id"] == last.session_id]
    assert (record["revision"], record["conversation_notes"]) == (1, ["a late remark"])


async def test_a_session_that_begins_again_before_its_turn_has_two_records() -> None:
    writer = MemoryWriter()
    calls = [talked(writer) for _ in range(CALLS)]
    for session, _ in calls:
        close(session)
    session, recorder = calls[-1]
    first = recorder.session_id
    session.emit(
        "agent_state_changed",
        AgentStateChangedEvent(old_state="initializing", new_state="listening", created_at=BEGAN),
    )
    emit(session, turn(0, BEGAN))
    close(session)

    assert await recorder.delivered()
    assert recorder.session_id != first
    assert all(await asyncio.gather(*(each.delivered() for _, each in calls)))
    turns = {r["session_id"]: r["metrics_summary"]["user_turns"] for r in writer.records}
    assert len(turns) == CALLS + 1
    assert (turns[first], turns[recorder.session_id]) == (2, 1)
