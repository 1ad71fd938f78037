"""The caller ends it, or is lost."""

from __future__ import annotations

import os
import signal
from functools import partial

from livekit import api

from tests.calls.agents import GREETING
from tests.endings.ending import Ending, WorkerOptions
from tests.endings.rows.truth import (
    BRIEF,
    CLOSED,
    DEPARTURE,
    HUNG_UP,
    LEFT,
    LOST,
    NONE_OF_OURS,
    REMOVED,
)
from tests.endings.stage import PATIENCE, Stage

# From a broken connection to the server's timeout: 20.8 s were measured.
_TIMEOUT = 25.0

_EMPTY_TIMEOUT = 5


async def hang_up(stage: Stage) -> None:
    """The usual end of a call."""
    caller = await stage.call()
    stage.trigger()
    await caller.hang_up()


async def remove(stage: Stage) -> None:
    """The caller is thrown out through the server's API."""
    await stage.call()
    stage.trigger()
    async with stage.livekit.api() as client:
        await client.room.remove_participant(
            api.RoomParticipantIdentity(room=stage.room, identity="caller")
        )


async def break_off(stage: Stage, number: signal.Signals) -> None:
    """The caller's process is killed, or stops, without a word."""
    await stage.dispatch()
    caller = await stage.caller_process()
    await stage.known()
    stage.trigger()
    os.kill(caller.pid, number)


async def rejoin(stage: Stage) -> None:
    """The caller hangs up, comes back before the room is gone, and hangs up again."""
    caller = await stage.call()
    stage.trigger()
    await caller.hang_up()
    await stage.wire.message("left", PATIENCE)
    again = await stage.caller()
    await again.hang_up()


async def join_twice(stage: Stage) -> None:
    """The same identity joins a second time: the first one is put out, the second hangs up."""
    caller = await stage.call()
    visits = len(stage.wire.all("came"))
    again = await stage.caller()
    await caller.is_put_out()
    await stage.wire.message("came", PATIENCE, times=visits + 1)
    stage.trigger()
    await again.hang_up()


async def never_come(stage: Stage) -> None:
    """Nobody joins, and the server closes the room."""
    room = f"nobody-{os.urandom(4).hex()}"
    async with stage.livekit.api() as client:
        await client.room.create_room(
            api.CreateRoomRequest(name=room, empty_timeout=_EMPTY_TIMEOUT)
        )
    await stage.dispatch(room)
    stage.trigger()


async def reuse_room(stage: Stage) -> None:
    """One room name, two calls, one after the other."""
    for _ in range(2):
        await stage.dispatch(stage.room)
        caller = await stage.caller()
        await caller.hears(GREETING)
        await stage.known()
        stage.trigger()
        await caller.hang_up()
        await stage.jobs_end(DEPARTURE + PATIENCE)


async def reuse_open_room(stage: Stage) -> None:
    """The caller comes back to an open room, to which a second job was sent."""
    caller = await stage.call()
    stage.trigger()
    await caller.hang_up()
    await stage.wire.message("left", PATIENCE)
    await stage.dispatch(stage.room)
    again = await stage.caller()
    await again.hears(GREETING)
    stage.trigger()
    await again.hang_up()


async def meet_two_agents(stage: Stage) -> None:
    """Two agents in one room."""
    await stage.dispatch()
    await stage.dispatch(stage.room)
    caller = await stage.caller()
    await caller.hears(GREETING, times=2)
    await stage.known()
    stage.trigger()
    await caller.hang_up()


THREAD = WorkerOptions(executor="thread")

ROWS = [
    Ending("caller_hangup", "caller hangs up", hang_up, HUNG_UP, LEFT, sure=True),
    Ending(
        "caller_hangup_thread",
        "the same, THREAD executor",
        hang_up,
        HUNG_UP,
        LEFT,
        worker=THREAD,
        sure=True,
    ),
    Ending(
        "caller_hangup_stt",
        "the same, with speech recognition",
        hang_up,
        HUNG_UP,
        LEFT,
        call="sound",
        sure=True,
    ),
    Ending(
        "caller_hangup_dev",
        "the same, dev mode",
        hang_up,
        HUNG_UP,
        LEFT,
        worker=WorkerOptions(mode="dev"),
        sure=True,
    ),
    Ending(
        "caller_hangup_delete_room",
        "the same, `delete_room_on_close=True`",
        hang_up,
        HUNG_UP,
        LEFT,
        options={"delete_room_on_close": True},
        sure=True,
    ),
    Ending(
        "caller_hangup_departure2",
        "the same, the room goes after 2 s",
        hang_up,
        HUNG_UP,
        LEFT,
        server=BRIEF,
        sure=True,
    ),
    Ending(
        "caller_removed",
        "caller removed through the API",
        remove,
        REMOVED,
        CLOSED,
        within=DEPARTURE + 10,
        sure=True,
    ),
    Ending(
        "caller_killed",
        "caller's process killed",
        partial(break_off, number=signal.SIGKILL),
        LOST,
        CLOSED,
        within=_TIMEOUT + DEPARTURE + 10,
        lasts=_TIMEOUT + DEPARTURE + 30,
        sure=True,
    ),
    Ending(
        "caller_frozen",
        "caller's process stopped: a dead line",
        partial(break_off, number=signal.SIGSTOP),
        LOST,
        CLOSED,
        within=_TIMEOUT + DEPARTURE + 10,
        lasts=_TIMEOUT + DEPARTURE + 30,
        sure=True,
    ),
    Ending(
        "caller_hangup_stays_open",
        "caller hangs up, `close_on_disconnect=False`",
        hang_up,
        HUNG_UP,
        CLOSED,
        options={"close_on_disconnect": False},
        within=DEPARTURE + 10,
        sure=True,
    ),
    Ending(
        "caller_rejoins",
        "caller hangs up, comes back, hangs up",
        rejoin,
        HUNG_UP,
        LEFT,
        sure=True,
    ),
    Ending(
        "caller_rejoins_export_at_end",
        "the same, `ANALYTICS_EXPORT_AT=session_end`",
        rejoin,
        HUNG_UP,
        LEFT,
        settings={"ANALYTICS_EXPORT_AT": "session_end"},
        within=2 * DEPARTURE + 10,
        sure=True,
    ),
    Ending(
        "duplicate_identity",
        "caller joins from a second device, hangs up",
        join_twice,
        HUNG_UP,
        LEFT,
        sure=True,
    ),
    Ending(
        "no_caller",
        "nobody comes, the server closes the room",
        never_come,
        NONE_OF_OURS,
        CLOSED,
        call="unattended",
        within=_EMPTY_TIMEOUT + 15,
    ),
    Ending(
        "two_sessions_hangup",
        "two sessions in one job, caller hangs up",
        hang_up,
        HUNG_UP,
        LEFT | {"job_shutdown"},
        call="two_sessions",
        sessions=2,
        within=DEPARTURE + 10,
    ),
    Ending(
        "room_reused",
        "two calls in rooms of one name",
        reuse_room,
        HUNG_UP,
        LEFT,
        sessions=2,
        within=3 * DEPARTURE,
        sure=True,
    ),
    Ending(
        "room_reused_while_open",
        "caller comes back to the open room, a second job too",
        reuse_open_room,
        HUNG_UP,
        LEFT,
        sessions=2,
        sure=True,
    ),
    Ending(
        "two_agents",
        "two agents in one room, caller hangs up",
        meet_two_agents,
        HUNG_UP,
        LEFT,
        sessions=2,
        sure=True,
    ),
]
