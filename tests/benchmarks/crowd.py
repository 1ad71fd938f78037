"""A hundred calls in one process, as with the framework's thread executor, that end at once."""

from __future__ import annotations

import asyncio
import contextlib
import tempfile
import time
from pathlib import Path
from typing import Any

from .call import close, emit, freeze, hang_up, prewarmed, real_job, recorded, silent_session, turn
from .figure import Figure, worst
from .inline import InlineAnalytics
from .server import serving
from .ticker import Ticker

CALLS = 100
TURNS = 20


def measure(*, short: bool) -> list[Figure]:
    """The longest gap of the loop, and until the last is delivered."""
    calls, rounds = (10, 1) if short else (CALLS, 3)
    with tempfile.TemporaryDirectory() as folder, serving() as server:
        wanted = prewarmed(Path(folder))
        mine = [asyncio.run(_ended(calls, wanted)) for _ in range(rounds)]
        stored = server.set()
        assert stored["objects"] == calls * rounds
        theirs = asyncio.run(_ended_inline(calls))
    gaps = [[each[0]] for each in mine]
    took = sorted(each[1] for each in mine)[rounds // 2]
    return [
        Figure("crowd.stall", worst(gaps), "ms", theirs[0] * 1e3, "inline", target=5.0),
        Figure("crowd.all_delivered", took * 1e3, "ms", theirs[1] * 1e3, "inline"),
    ]


async def _ended(calls: int, wanted: Any) -> tuple[float, float]:
    with contextlib.ExitStack() as jobs:
        contexts = [jobs.enter_context(real_job()) for _ in range(calls)]
        sessions = [silent_session() for _ in range(calls)]
        recorders = [recorded(s, wanted, c) for s, c in zip(sessions, contexts, strict=True)]
        await _talk(sessions)
        for ctx in contexts:
            hang_up(ctx)
        await asyncio.sleep(0.5)
        async with Ticker() as ticker:
            began = time.perf_counter()
            for session in sessions:
                # Each session's close is a callback of its own.
                asyncio.get_running_loop().call_soon(close, session)
            await asyncio.sleep(0)
            await asyncio.sleep(0)
            assert all(await asyncio.gather(*(r.delivered() for r in recorders)))
            took = time.perf_counter() - began
    return ticker.worst / 1e3, took


async def _ended_inline(calls: int) -> tuple[float, float]:
    sessions = [silent_session() for _ in range(calls)]
    inlines = [InlineAnalytics(session) for session in sessions]
    await _talk(sessions)
    async with Ticker() as ticker:
        began = time.perf_counter()
        await asyncio.gather(*(each.shutdown() for each in inlines))
        took = time.perf_counter() - began
    for each in inlines:
        each.close()
    return ticker.worst / 1e3, took


async def _talk(sessions: list[Any]) -> None:
    began = time.time()
    for session in sessions:
        for number in range(TURNS):
            emit(session, turn(number, began))
        await asyncio.sleep(0)
    # The journals of all have what was said.
    await asyncio.sleep(5.0)
    freeze()
