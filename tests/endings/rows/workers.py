"""The worker is shut down, or dies."""

from __future__ import annotations

import asyncio
import os
import signal
from functools import partial

from tests.endings.ending import Ending, WorkerOptions
from tests.endings.rows.truth import (
    CLOSED,
    CRASHED,
    HUNG_UP,
    LEFT,
    NEVER,
    NEXT_WORKER,
    PARTIAL,
    RECOVERED,
    SHUTDOWN,
    SWEEP,
)
from tests.endings.stage import PATIENCE, Stage

_DRAIN5 = WorkerOptions(drain_timeout=5)
_DRAIN5_THREAD = WorkerOptions(drain_timeout=5, executor="thread")
_DEV = WorkerOptions(mode="dev")
_DEV_THREAD = WorkerOptions(mode="dev", executor="thread")

# What an orchestrator grants between SIGTERM and SIGKILL; they grant 30 s, which proves no more.
_GRACE = 3.0

# A worker's death is told to its jobs by their loop, which ends; the jobs themselves may take
# five seconds to send.
_TEARDOWN = 10.0


async def signal_worker(stage: Stage, number: signal.Signals) -> None:
    """The worker gets a signal in the middle of a call."""
    await stage.call()
    stage.trigger()
    os.kill(stage.worker.pid, number)


async def signal_group(stage: Stage, number: signal.Signals) -> None:
    """The worker and all its jobs get a signal."""
    await stage.call()
    stage.trigger()
    stage.signal_group(number)


async def drain(stage: Stage) -> None:
    """The worker is told to end, waits for its calls, and the caller hangs up."""
    caller = await stage.call()
    os.kill(stage.worker.pid, signal.SIGTERM)
    await stage.drains()
    stage.trigger()
    await caller.hang_up()


async def lose_patience(stage: Stage) -> None:
    """The worker is told to end and, since a call goes on, killed after a while."""
    await stage.call()
    os.kill(stage.worker.pid, signal.SIGTERM)
    await stage.drains()
    await asyncio.sleep(_GRACE)
    stage.trigger()
    os.kill(stage.worker.pid, signal.SIGKILL)


async def signal_twice(stage: Stage) -> None:
    """The worker is told to end twice."""
    await stage.call()
    os.kill(stage.worker.pid, signal.SIGTERM)
    await stage.drains()
    stage.trigger()
    os.kill(stage.worker.pid, signal.SIGTERM)


async def signal_twice_at_once(stage: Stage) -> None:
    """The same without a drain: the second signal comes while the first one is obeyed."""
    await stage.call()
    stage.trigger()
    os.kill(stage.worker.pid, signal.SIGTERM)
    await stage.wire.message("session_end", PATIENCE)
    os.kill(stage.worker.pid, signal.SIGTERM)


def _row(
    name: str,
    what: str,
    number: signal.Signals,
    worker: WorkerOptions,
    *,
    group: bool = False,
) -> Ending:
    """A shutdown that every hook sees."""
    play = partial(signal_group if group else signal_worker, number=number)
    within = 15 if worker.mode == "start" else 10
    return Ending(name, what, play, SHUTDOWN, CLOSED, worker=worker, within=within)


ROWS = [
    Ending(
        "sigterm_start_default",
        "worker SIGTERM, drain 3600 s, caller hangs up",
        drain,
        HUNG_UP,
        LEFT,
        sure=True,
    ),
    _row("sigterm_start_drain5", "worker SIGTERM, drain 5 s", signal.SIGTERM, _DRAIN5),
    _row(
        "sigterm_start_drain5_thread",
        "the same, THREAD executor",
        signal.SIGTERM,
        _DRAIN5_THREAD,
    ),
    Ending(
        "sigterm_then_sigkill",
        "worker SIGTERM, then SIGKILL while it drains",
        lose_patience,
        SHUTDOWN | CRASHED,
        NEVER,
        PARTIAL,
        within=_TEARDOWN,
    ),
    _row("sigterm_dev", "worker SIGTERM, dev mode", signal.SIGTERM, _DEV),
    _row("sigterm_dev_thread", "the same, THREAD executor", signal.SIGTERM, _DEV_THREAD),
    _row("sigint_start_drain5", "worker SIGINT, drain 5 s", signal.SIGINT, _DRAIN5),
    _row("sigint_dev", "worker SIGINT, dev mode", signal.SIGINT, _DEV),
    _row(
        "sigint_group_dev",
        "SIGINT to the group (Ctrl-C), dev mode",
        signal.SIGINT,
        _DEV,
        group=True,
    ),
    Ending(
        "sigterm_twice_start",
        "worker SIGTERM twice: forced exit",
        signal_twice,
        SHUTDOWN | CRASHED,
        NEVER,
        PARTIAL,
        within=_TEARDOWN,
    ),
    Ending(
        "sigterm_twice_dev",
        "the same, dev mode",
        signal_twice_at_once,
        SHUTDOWN | CRASHED,
        CLOSED,
        worker=_DEV,
    ),
    Ending(
        "sigkill_worker",
        "worker SIGKILL",
        partial(signal_worker, number=signal.SIGKILL),
        CRASHED,
        NEVER,
        PARTIAL,
        within=_TEARDOWN,
    ),
    Ending(
        "sigkill_worker_thread",
        "the same, THREAD executor",
        partial(signal_worker, number=signal.SIGKILL),
        CRASHED,
        NEVER,
        RECOVERED,
        NEXT_WORKER,
        worker=WorkerOptions(executor="thread"),
        within=60,
    ),
    Ending(
        "sigterm_group",
        "SIGTERM to the group (systemd): jobs die, the worker drains",
        partial(signal_group, number=signal.SIGTERM),
        CRASHED | SHUTDOWN,
        NEVER,
        RECOVERED,
        SWEEP | NEXT_WORKER,
        within=60,
    ),
    Ending(
        "sigkill_group",
        "SIGKILL to the group: worker and jobs die",
        partial(signal_group, number=signal.SIGKILL),
        CRASHED,
        NEVER,
        RECOVERED,
        NEXT_WORKER,
        within=60,
    ),
]
