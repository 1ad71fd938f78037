"""A call ends while its sink does not answer."""

from __future__ import annotations

import asyncio
import os
import signal

from tests.calls.caller import Caller
from tests.endings.ending import Ending
from tests.endings.rows.truth import AGENT, BRIEF, CLOSED, HUNG_UP, LEFT, SWEEP
from tests.endings.stage import PATIENCE, Stage

# The budget of a record, and what the framework's limits make of it.
_BUDGET = 20.0

# What is kept in the spool goes with the next sweep.
_SWEPT = 60.0


async def hang_for_a_moment(stage: Stage) -> None:
    """S3 answers after a while."""
    caller = await stage.call()
    await _hang(stage, caller)
    stage.faults.mode = "ok"
    stage.faults.release()


async def hang_past_budget(stage: Stage) -> None:
    """S3 answers when the job has gone."""
    caller = await stage.call()
    await _hang(stage, caller)
    await _answer_later(stage)


async def hang_past_shutdown(stage: Stage) -> None:
    """The agent ends the job, S3 answers when it has gone."""
    caller = await stage.call()
    stage.faults.mode = "hang"
    await stage.acts(caller, "shutdown")
    await _answer_later(stage)


async def hang_and_die(stage: Stage) -> None:
    """The job is killed while S3 does not answer."""
    caller = await stage.call()
    await _hang(stage, caller)
    os.kill(stage.job_pid, signal.SIGKILL)
    await _answer_later(stage)


async def _hang(stage: Stage, caller: Caller) -> None:
    stage.faults.mode = "hang"
    stage.trigger()
    await caller.hang_up()
    await asyncio.to_thread(stage.faults.wait_for_requests, 1, PATIENCE)


async def _answer_later(stage: Stage) -> None:
    await stage.jobs_end(_BUDGET + PATIENCE)
    stage.faults.mode = "ok"
    stage.faults.release()


ROWS = [
    Ending(
        "sink_hangs_briefly",
        "S3 hangs at the close and comes back, caller hangs up",
        hang_for_a_moment,
        HUNG_UP,
        LEFT,
        sink="s3",
        server=BRIEF,
        within=_BUDGET,
        sure=True,
    ),
    Ending(
        "sink_hangs",
        "S3 hangs past the job's end, caller hangs up",
        hang_past_budget,
        HUNG_UP,
        LEFT,
        by=SWEEP,
        sink="s3",
        server=BRIEF,
        within=_SWEPT,
        sure=True,
    ),
    Ending(
        "sink_hangs_ctx_shutdown",
        "the same, `ctx.shutdown()`",
        hang_past_shutdown,
        AGENT,
        CLOSED,
        by=SWEEP,
        sink="s3",
        server=BRIEF,
        within=_SWEPT,
    ),
    Ending(
        "sink_hangs_sigkill_job",
        "S3 hangs at the close, job SIGKILL",
        hang_and_die,
        HUNG_UP,
        LEFT,
        by=SWEEP,
        sink="s3",
        server=BRIEF,
        within=_SWEPT,
        sure=True,
    ),
]
