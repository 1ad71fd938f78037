"""The job's process dies, or is killed."""

from __future__ import annotations

import os
import signal
from functools import partial

from tests.endings.ending import By, Ending, WorkerOptions
from tests.endings.rows.agents import act, delete_dispatch_of_blocked
from tests.endings.rows.truth import (
    CRASHED,
    DRAIN,
    HUNG_UP,
    LEFT,
    NEVER,
    NONE_OF_OURS,
    RECOVERED,
    SWEEP,
)
from tests.endings.stage import Stage

# From the end of the process to the delivery: the repeated sweep's interval, and some.
_SWEPT = 60.0

# The worker asks its jobs every so often whether they live, and kills who does not answer.
_PING = 60.0


async def signal_job(stage: Stage, number: signal.Signals) -> None:
    """The job's process gets a signal."""
    await stage.call()
    stage.trigger()
    os.kill(stage.job_pid, number)


async def interrupt_job(stage: Stage) -> None:
    """The job's process gets SIGINT, which it ignores; then the caller hangs up."""
    caller = await stage.call()
    os.kill(stage.job_pid, signal.SIGINT)
    # An answer proves that it lives.
    await caller.type("hello")
    await caller.hears("I see.")
    stage.trigger()
    await caller.hang_up()


def _killed(
    name: str,
    what: str,
    play: object,
    *,
    by: frozenset[By] = SWEEP,
    worker: WorkerOptions | None = None,
    lasts: float = 30,
    causes: frozenset[str] = CRASHED,
) -> Ending:
    """An ending in which no code of the job runs any more."""
    assert callable(play)
    return Ending(
        name,
        what,
        play,
        causes,
        NEVER,
        RECOVERED,
        by,
        worker=worker or WorkerOptions(),
        within=_SWEPT,
        lasts=lasts,
    )


ROWS = [
    _killed(
        "loop_blocked_75",
        "event loop blocked for good: killed after 60 s",
        partial(act, what="block_75"),
        lasts=_PING + 30,
    ),
    _killed(
        "loop_blocked_20",
        "event loop blocked when the dispatch is deleted: killed after 10 s",
        delete_dispatch_of_blocked,
        causes=CRASHED | NONE_OF_OURS,
    ),
    _killed("sigterm_job", "job SIGTERM", partial(signal_job, number=signal.SIGTERM)),
    Ending(
        "sigint_job",
        "job SIGINT: ignored, caller hangs up",
        interrupt_job,
        HUNG_UP,
        LEFT,
        sure=True,
    ),
    _killed(
        "sigkill_job",
        "job SIGKILL, no other call follows on this host",
        partial(signal_job, number=signal.SIGKILL),
    ),
    _killed(
        "sigkill_job_dev",
        "the same, dev mode: no idle process; the worker calls `prewarm()` at its start",
        partial(signal_job, number=signal.SIGKILL),
        worker=WorkerOptions(mode="dev", sweeps=True),
    ),
    _killed(
        "sigkill_job_unswept",
        "the same without it: `livekit-analytics drain`",
        partial(signal_job, number=signal.SIGKILL),
        worker=WorkerOptions(mode="dev"),
        by=DRAIN,
    ),
    _killed(
        "job_frozen",
        "job's process stopped: killed after 31 s",
        partial(signal_job, number=signal.SIGSTOP),
        lasts=60,
    ),
    _killed(
        "job_segv", "job's process crashes (SIGSEGV)", partial(signal_job, number=signal.SIGSEGV)
    ),
    _killed(
        "memory_limit",
        "job killed at its memory limit",
        partial(act, what="allocate"),
        worker=WorkerOptions(memory_limit_mb=700),
    ),
    _killed("tool_os_exit", "a tool calls `os._exit()`", partial(act, what="os_exit")),
]
