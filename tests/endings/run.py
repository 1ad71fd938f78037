"""Runs endings, several at a time."""

from __future__ import annotations

import asyncio
import os
import sys
import time
from collections.abc import Callable, Iterable, Mapping
from contextlib import AsyncExitStack, suppress
from pathlib import Path

from tests.endings.ending import Ending, ServerOptions
from tests.endings.outcome import Help, Outcome, outcome
from tests.endings.processes import PROJECT, SteadyServer
from tests.endings.stage import Stage
from tests.servers import LiveKitServer

# What a process that has ended may still have on the wire, and a thread of it still to do.
_GRACE = 3.0

# For `livekit-analytics drain`, which imports the AWS SDK.
_DRAIN_TIMEOUT = 60.0


class Servers:
    """The media servers of a run: one for all endings that ask for the same, started when the
    first one does. Use it with ``async with``.

    Args:
        running: Those that run already, and stay.
    """

    def __init__(self, running: Mapping[ServerOptions, LiveKitServer]) -> None:
        self._shared = dict(running)
        self._ours: list[LiveKitServer] = []
        self._starting = asyncio.Lock()

    async def __aenter__(self) -> Servers:
        return self

    async def __aexit__(self, *_: object) -> None:
        await asyncio.gather(*(asyncio.to_thread(s.stop) for s in self._ours))

    async def get(self, options: ServerOptions, own: AsyncExitStack) -> LiveKitServer:
        """A running server; one of the ending's own is stopped when its stack closes."""
        if options.of_its_own:
            server = SteadyServer(options.departure_timeout)
            await asyncio.to_thread(server.start)
            own.push_async_callback(asyncio.to_thread, server.stop)
            return server
        async with self._starting:
            if options not in self._shared:
                server = SteadyServer(options.departure_timeout)
                self._ours.append(server)
                await asyncio.to_thread(server.start)
                self._shared[options] = server
        return self._shared[options]


async def run(ending: Ending, servers: Servers, folder: Path) -> Outcome:
    """Bring one ending about and judge what it left.

    Args:
        ending: The ending.
        servers: Where its media server comes from.
        folder: For its records, spool and logs, in a folder of its name.
    """
    begin = time.monotonic()
    try:
        async with AsyncExitStack() as own:
            livekit = await servers.get(ending.server, own)
            stage = await own.enter_async_context(Stage(ending, livekit, folder / ending.name))
            help_ = await _performed(stage)
            return outcome(stage, help_, time.monotonic() - begin)
    except Exception as error:
        problem = f"{type(error).__name__}: {error}"
        return Outcome(ending, [], [problem], time.monotonic() - begin)


async def run_all(
    endings: Iterable[Ending],
    folder: Path,
    *,
    jobs: int,
    servers: Mapping[ServerOptions, LiveKitServer] | None = None,
    begins: Callable[[Ending], None] = lambda _: None,
    ends: Callable[[Outcome], None] = lambda _: None,
) -> list[Outcome]:
    """Run endings, so many at a time, those that take longest first.

    Args:
        endings: The endings.
        folder: For their folders.
        jobs: How many at a time.
        servers: Media servers that run already.
        begins: Told of each that begins.
        ends: Told of each that has ended.

    Returns:
        Their outcomes, in the endings' order.
    """
    turns = asyncio.Semaphore(jobs)
    rows = list(endings)

    async def one(ending: Ending) -> Outcome:
        async with turns:
            begins(ending)
            result = await run(ending, all_servers, folder)
            ends(result)
            return result

    async with Servers(servers or {}) as all_servers:
        slowest_first = sorted(rows, key=lambda e: -(e.lasts + e.within))
        results = await asyncio.gather(*(one(e) for e in slowest_first))
    return sorted(results, key=lambda r: rows.index(r.ending))


async def _performed(stage: Stage) -> Help:
    """Play, then wait for the records, with the help of who is there to deliver them."""
    ending = stage.ending
    await ending.play(stage)
    await stage.jobs_end(ending.lasts)
    helped = ending.by - {"live"}
    help_ = Help()
    arrived = await _arrives(stage, ending.within if "sweep" in helped else _GRACE)
    if not arrived and "next worker" in helped:
        help_.since["next worker"] = time.time()
        await stage.replace_worker()
        arrived = await _arrives(stage, ending.within)
    if not arrived and ending.sessions:
        help_.since["drain"] = time.time()
        await _drain(stage)
        help_.drained_at = time.time()
    await stage.remains.spool_empties(_GRACE)
    return help_


async def _arrives(stage: Stage, seconds: float) -> bool:
    """Whether all records arrive in time; it is over sooner where nobody is left to send them."""
    wanted = max(stage.ending.sessions, 1)  # where none is to come, one is waited for
    with suppress(TimeoutError):
        await stage.wire.until(
            lambda: stage.remains.delivered(wanted) or stage.worker_gone, seconds, "record"
        )
        await stage.wire.until(lambda: stage.remains.delivered(wanted), _GRACE, "record")
    return stage.remains.delivered(wanted)


async def _drain(stage: Stage) -> None:
    """What an operator does at last: ``livekit-analytics drain``, as cron would."""
    path = os.pathsep.join(filter(None, [str(PROJECT), os.environ.get("PYTHONPATH")]))
    process = await asyncio.create_subprocess_exec(
        sys.executable,
        "-m",
        "livekit_plugins_analytics.cli",
        "drain",
        "--json",
        env={**os.environ, **stage.environment(), "PYTHONPATH": path},
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
    )
    output, errors = await asyncio.wait_for(process.communicate(), _DRAIN_TIMEOUT)
    (stage.folder / "drain.log").write_bytes(output + errors)
