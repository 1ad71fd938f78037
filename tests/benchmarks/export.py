"""From the close to both sinks confirmed, warm; with round trips that take time; with none.

A job's process has one call. So the inline baseline stands here twice: as it is there, where its
client is the first of the process, and in a process in which it has exported before.
"""

from __future__ import annotations

import asyncio
import contextlib
import json
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

from botocore.config import Config
from botocore.exceptions import ReadTimeoutError

from .call import (
    close,
    emit,
    freeze,
    hang_up,
    prewarmed,
    read,
    real_job,
    recorded,
    settings,
    silent_session,
    turn,
)
from .figure import Figure, milliseconds
from .inline import InlineAnalytics
from .server import Server, serving

ROUNDS = 25
PROCESSES = 9
# Of a record of 20 KB.
TURNS = 28
ROUND_TRIP = 0.04
BUDGET = 2.0


def measure(*, short: bool) -> list[Figure]:
    """Medians in milliseconds, and round trips."""
    rounds, processes = (5, 2) if short else (ROUNDS, PROCESSES)
    with tempfile.TemporaryDirectory() as name, serving() as server:
        folder = Path(name)
        first = [_first("plugin", folder) for _ in range(processes)]
        first_inline = [_first("inline", folder) for _ in range(processes)]
        wanted = prewarmed(folder)
        # One of each first.
        asyncio.run(exported(wanted))
        asyncio.run(exported_inline())
        freeze()
        fast, slow = [], []
        for _ in range(rounds):
            fast.append((asyncio.run(exported(wanted)), asyncio.run(exported_inline())))
        server.set("slow", ROUND_TRIP)
        for _ in range(rounds):
            slow.append((asyncio.run(exported(wanted)), asyncio.run(exported_inline())))
        server.set()
        hanging = _hanging(server, folder, short=short)
    mine, theirs = (milliseconds([each[i] for each in fast]) for i in (0, 1))
    mine_slow, theirs_slow = (milliseconds([each[i] for each in slow]) for i in (0, 1))
    trip = ROUND_TRIP * 1e3
    trips, their_trips = (mine_slow - mine) / trip, (theirs_slow - theirs) / trip
    again = "inline, not the first of its process"
    return [
        Figure(
            "export.first_of_a_process", milliseconds(first), "ms", milliseconds(first_inline),
            "inline", ratio_target=10.0,
        ),
        Figure("export.warm", mine, "ms", theirs, again, target=15.0),
        Figure("export.at_40_ms", mine_slow, "ms", theirs_slow, again),
        Figure("export.round_trips", trips, "trips", their_trips, again, target=1.25),
        hanging,
    ]  # fmt: skip


async def exported(wanted: Any) -> float:
    """Seconds of one record."""
    with real_job() as ctx:
        session = silent_session()
        recorder = recorded(session, wanted, ctx)
        _talk(session)
        await read()
        hang_up(ctx)
        began = time.perf_counter()
        close(session)
        assert await recorder.delivered()
        return time.perf_counter() - began


async def exported_inline(config: Config | None = None) -> float:
    """The same by the baseline."""
    session = silent_session()
    inline = InlineAnalytics(session, config)
    _talk(session)
    await read()
    began = time.perf_counter()
    await inline.shutdown()
    took = time.perf_counter() - began
    inline.close()
    return took


def _first(kind: str, folder: Path) -> float:
    """Seconds of the first export of a process."""
    done = subprocess.run(
        [sys.executable, "-m", "tests.benchmarks.first_export", kind, str(folder)],
        stdout=subprocess.PIPE,
        text=True,
        check=True,
    )
    took: float = json.loads(done.stdout)
    return took


def _hanging(server: Server, folder: Path, *, short: bool) -> Figure:
    """What is waited for where the sinks say nothing, beyond the budget."""
    wanted = settings(folder, export_budget_seconds=BUDGET)
    server.set("hang")
    took, theirs = [], None
    try:
        for _ in range(1 if short else 5):
            took.append(asyncio.run(_given_up(wanted)))
        if not short:
            # One attempt of 10 s, where boto3's defaults are several of 60 s, and watchtower's
            # flush waits for 30 s.
            theirs = asyncio.run(_given_up_inline()) * 1e3
    finally:
        server.set()
    return Figure(
        "export.hanging_beyond_budget", (statistics.median(took) - BUDGET) * 1e3, "ms", theirs,
        "inline, one attempt with a read timeout of 10 s", target=100.0,
    )  # fmt: skip


async def _given_up(wanted: Any) -> float:
    session = silent_session()
    recorder = recorded(session, wanted)
    _talk(session)
    began = time.perf_counter()
    close(session)
    assert not await recorder.delivered()
    return time.perf_counter() - began


async def _given_up_inline() -> float:
    began = time.perf_counter()
    once = Config(read_timeout=10, retries={"total_max_attempts": 1})
    with contextlib.suppress(ReadTimeoutError):  # nothing is stored
        await exported_inline(once)
    return time.perf_counter() - began


def _talk(session: Any) -> None:
    began = time.time()
    for number in range(TURNS):
        emit(session, turn(number, began))
