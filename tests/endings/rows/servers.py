"""The media server ends it."""

from __future__ import annotations

import asyncio
import os
import signal

from tests.endings.ending import Ending, WorkerOptions
from tests.endings.processes import SteadyServer
from tests.endings.rows.truth import (
    CLOSED,
    CRASHED,
    DEPARTURE,
    HUNG_UP,
    LEFT,
    LOST,
    NEVER,
    OWN_SERVER,
    RECOVERED,
    SHUTDOWN,
    SWEEP,
)
from tests.endings.stage import PATIENCE, Stage

# Minutes in which the media server answers nobody, and neither do its jobs (endings.md).
_FROZEN = 150.0

# Within which the room gives up: 11.6 to 33.1 s were measured.
_GIVES_UP = 45.0


async def kill(stage: Stage) -> None:
    """The server is killed."""
    await stage.call()
    stage.trigger()
    os.kill(stage.livekit.pid, signal.SIGKILL)


async def freeze_and_kill(stage: Stage) -> None:
    """The server answers no more, and after minutes the job is killed: it would never end."""
    await _freeze(stage)
    if not stage.remains.leftovers():
        raise AssertionError("no journal of the call lies on the disk")
    os.kill(stage.job_pid, signal.SIGKILL)


async def freeze_and_stop(stage: Stage) -> None:
    """The server answers no more, and after minutes the worker is told to end."""
    await _freeze(stage)
    os.kill(stage.worker.pid, signal.SIGTERM)


async def freeze_and_thaw(stage: Stage) -> None:
    """The server answers no more for minutes, then it goes on."""
    await _freeze(stage)
    os.kill(stage.livekit.pid, signal.SIGCONT)
    await stage.leave()


async def restart(stage: Stage) -> None:
    """The server is killed and comes back; later the caller hangs up."""
    assert isinstance(stage.livekit, SteadyServer)
    caller = await stage.call()
    visits = len(stage.wire.all("came"))
    os.kill(stage.livekit.pid, signal.SIGKILL)
    await asyncio.to_thread(stage.livekit.stop)
    await asyncio.to_thread(stage.livekit.start)
    # Both are back, and the agent knows.
    await stage.wire.message("came", PATIENCE, times=visits + 1)
    stage.trigger()
    await caller.hang_up()


async def stop(stage: Stage) -> None:
    """The server is told to end: it waits for its callers, of whom one hangs up."""
    caller = await stage.call()
    os.kill(stage.livekit.pid, signal.SIGTERM)
    end = asyncio.get_running_loop().time() + PATIENCE
    while "exit requested" not in stage.livekit.log:
        if asyncio.get_running_loop().time() > end:
            raise TimeoutError("the media server does not say that it will end")
        await asyncio.sleep(0.05)  # between two looks at its log
    stage.trigger()
    await caller.hang_up()


async def _freeze(stage: Stage) -> None:
    await stage.call()
    stage.trigger()
    os.kill(stage.livekit.pid, signal.SIGSTOP)
    await asyncio.sleep(_FROZEN)  # this is the ending: nothing happens
    if stage.wire.all("closed") or stage.remains.ended_at(stage.remains.jobs[-1]):
        raise AssertionError("the session ended although the media server said nothing")


ROWS = [
    Ending(
        "server_killed",
        "media server killed",
        kill,
        LOST,
        CLOSED,
        server=OWN_SERVER,
        within=_GIVES_UP + 10,
        lasts=_GIVES_UP + 30,
        sure=True,
    ),
    Ending(
        "server_frozen",
        "media server silent for 150 s, then the job is killed",
        freeze_and_kill,
        LOST | CRASHED,
        NEVER,
        RECOVERED,
        SWEEP,
        server=OWN_SERVER,
        within=60,
    ),
    Ending(
        "server_frozen_sigterm",
        "media server silent for 150 s, then worker SIGTERM, drain 5 s",
        freeze_and_stop,
        LOST | SHUTDOWN,
        CLOSED,
        server=OWN_SERVER,
        worker=WorkerOptions(drain_timeout=5),
        within=_FROZEN + 40,
        lasts=60,
    ),
    Ending(
        "server_thawed",
        "media server silent for 150 s, comes back, caller hangs up",
        freeze_and_thaw,
        LOST | HUNG_UP,
        CLOSED | LEFT,
        server=OWN_SERVER,
        within=_FROZEN + DEPARTURE + 60,
        lasts=120,
    ),
    Ending(
        "server_restarted",
        "media server restarted, caller hangs up later",
        restart,
        HUNG_UP,
        LEFT,
        server=OWN_SERVER,
        sure=True,
    ),
    Ending(
        "server_sigterm",
        "media server shut down, caller hangs up",
        stop,
        HUNG_UP,
        LEFT,
        server=OWN_SERVER,
        sure=True,
    ),
]
