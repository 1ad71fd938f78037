"""The agent's own code ends it, or fails."""

from __future__ import annotations

from functools import partial

from livekit import api

from tests.endings.ending import Ending, WorkerOptions
from tests.endings.rows.truth import (
    AGENT,
    CLOSED,
    CRASHED,
    DELETED,
    DEPARTURE,
    ERROR,
    FAILED,
    HUNG_UP,
    JOB,
    LEFT,
    NEVER,
    NONE_OF_OURS,
    PARTIAL,
)
from tests.endings.stage import PATIENCE, Stage

THREAD = WorkerOptions(executor="thread")

# The framework's limits: for an entrypoint that runs on, and for a session that does not close.
_ENTRYPOINT = 15.0
_ACLOSE = 60.0


async def act(stage: Stage, what: str) -> None:
    """The agent does something that ends the job."""
    caller = await stage.call()
    await stage.acts(caller, what)


async def act_then_leave(stage: Stage, what: str) -> None:
    """The agent ends its session only; the caller hangs up when the record has come."""
    caller = await stage.call()
    await stage.acts(caller, what)
    await stage.wire.until(stage.remains.delivered, PATIENCE, "record")
    await caller.hang_up()


async def act_while_leaving(stage: Stage, what: str) -> None:
    """A tool is at work when the caller hangs up."""
    caller = await stage.call()
    await stage.acts(caller, what)
    stage.trigger()
    await caller.hang_up()


async def delete_room(stage: Stage) -> None:
    """Somebody deletes the room."""
    await stage.call()
    stage.trigger()
    async with stage.livekit.api() as client:
        await client.room.delete_room(api.DeleteRoomRequest(room=stage.room))


async def remove_agent(stage: Stage) -> None:
    """Somebody removes the agent from the room."""
    caller = await stage.call()
    (agent,) = caller.room.remote_participants
    stage.trigger()
    async with stage.livekit.api() as client:
        await client.room.remove_participant(
            api.RoomParticipantIdentity(room=stage.room, identity=agent)
        )


async def delete_dispatch(stage: Stage) -> None:
    """Somebody deletes the dispatch."""
    await stage.call()
    stage.trigger()
    await _delete_dispatch(stage)


async def delete_dispatch_of_blocked(stage: Stage) -> None:
    """The dispatch is deleted while the agent's event loop does not run."""
    caller = await stage.call()
    await stage.acts(caller, "block_20")
    stage.trigger()
    await _delete_dispatch(stage)


async def fail_at_once(stage: Stage) -> None:
    """The entrypoint fails before anybody comes."""
    await stage.dispatch()
    stage.trigger()


async def fail_in_call(stage: Stage) -> None:
    """The entrypoint fails during the call: a second person's coming tells it to."""
    await stage.call()
    await stage.caller("supervisor")
    await stage.triggered_by("acts", what="crash")


async def fail_to_answer(stage: Stage) -> None:
    """The language model fails until the session gives up."""
    caller = await stage.call()
    for failures in range(1, 5):
        await caller.type("fail")
        error = await stage.wire.message("error", PATIENCE, times=failures, recoverable=False)
    stage.trigger(error.at)
    await stage.wire.message("closed", PATIENCE)
    await caller.hang_up()


async def _delete_dispatch(stage: Stage) -> None:
    async with stage.livekit.api() as client:
        await client.agent_dispatch.delete_dispatch(stage.dispatch_id, stage.room)


ROWS = [
    Ending("ctx_shutdown", "`ctx.shutdown()`", partial(act, what="shutdown"), AGENT, CLOSED),
    Ending(
        "ctx_shutdown_thread",
        "the same, THREAD executor",
        partial(act, what="shutdown"),
        AGENT,
        CLOSED,
        worker=THREAD,
    ),
    Ending(
        "ctx_shutdown_entry_running",
        "the same, the entrypoint runs on",
        partial(act, what="shutdown"),
        AGENT,
        CLOSED,
        call="entrypoint_stays",
        within=_ENTRYPOINT + 10,
    ),
    Ending(
        "session_shutdown",
        "`session.shutdown()`, the job goes on",
        partial(act_then_leave, what="close_session"),
        AGENT,
        CLOSED,
        sure=True,
    ),
    Ending(
        "session_aclose",
        "`session.aclose()`, the job goes on",
        partial(act_then_leave, what="aclose_session"),
        AGENT,
        CLOSED,
        sure=True,
    ),
    Ending(
        "agent_delete_room",
        "agent deletes the room",
        partial(act, what="delete_room"),
        AGENT | DELETED,
        CLOSED | LEFT,
    ),
    Ending(
        "agent_room_disconnect",
        "`ctx.room.disconnect()`",
        partial(act, what="disconnect"),
        AGENT,
        CLOSED,
    ),
    Ending("room_deleted", "room deleted through the API", delete_room, DELETED, CLOSED | LEFT),
    Ending(
        "room_deleted_thread",
        "the same, THREAD executor",
        delete_room,
        DELETED,
        CLOSED | LEFT,
        worker=THREAD,
    ),
    Ending("agent_removed", "agent removed through the API", remove_agent, NONE_OF_OURS, CLOSED),
    Ending("dispatch_deleted", "dispatch deleted", delete_dispatch, NONE_OF_OURS, CLOSED),
    Ending(
        "entry_raises_before_attach",
        "entrypoint raises before `attach`: no session",
        fail_at_once,
        CRASHED,
        NEVER,
        call="crash_before_attach",
        sessions=0,
    ),
    Ending(
        "entry_raises_before_start",
        "entrypoint raises before `session.start`",
        fail_at_once,
        CRASHED,
        NEVER,
        PARTIAL,
        call="crash_before_start",
        sure=True,
    ),
    Ending(
        "entry_raises_after",
        "entrypoint raises during the call",
        fail_in_call,
        CRASHED,
        CLOSED,
        call="crash_after_start",
        sure=True,
    ),
    Ending(
        "tool_70s_hangup",
        "caller hangs up during a tool of 70 s",
        partial(act_while_leaving, what="work_70"),
        HUNG_UP,
        LEFT,
        within=80,
        lasts=100,
        sure=True,
    ),
    Ending(
        "tool_300s_hangup",
        "caller hangs up during a tool that hangs",
        partial(act_while_leaving, what="hang"),
        HUNG_UP,
        NEVER,
        PARTIAL,
        within=DEPARTURE + _ACLOSE + 10,
        lasts=DEPARTURE + _ACLOSE + 40,
        sure=True,
    ),
    Ending(
        "tool_300s_ctx_shutdown",
        "`ctx.shutdown()` during a tool that hangs",
        partial(act, what="shutdown_and_hang"),
        AGENT,
        NEVER,
        PARTIAL,
        within=_ACLOSE + 10,
        lasts=_ACLOSE + 30,
    ),
    Ending(
        "llm_errors",
        "language model fails four times",
        fail_to_answer,
        ERROR,
        FAILED,
        sure=True,
    ),
    Ending(
        "two_sessions",
        "two sessions in one job, `ctx.shutdown()`",
        partial(act, what="shutdown"),
        AGENT,
        CLOSED | JOB,
        call="two_sessions",
        sessions=2,
    ),
]
