"""A hundred calls in one process that end at once.

With the framework's thread executor each job has a thread, with an event loop of its own, and all
of them share one interpreter: what one loop waits for is what the others' threads take. The same
calls on a single loop are the harder case: every close is work of the loop that is measured.
"""

from __future__ import annotations

import asyncio
import contextlib
import tempfile
import threading
import time
from collections.abc import Coroutine
from pathlib import Path
from typing import Any, Literal

from .call import close, emit, freeze, hang_up, prewarmed, real_job, recorded, silent_session, turn
from .figure import Figure, worst
from .inline import InlineAnalytics
from .server import serving
from .ticker import Ticker

Kind = Literal["bare", "plugin", "inline"]
CALLS = 100
TURNS = 20


def measure(*, short: bool) -> list[Figure]:
    """The longest gap of the loop, and until the last is delivered."""
    calls, rounds = (10, 1) if short else (CALLS, 5)
    with tempfile.TemporaryDirectory() as folder, serving() as server:
        wanted = prewarmed(Path(folder))
        one = {kind: _one_loop(kind, calls, rounds, wanted) for kind in ("plugin", "inline")}
        own = {kind: _own_loops(kind, calls, rounds, wanted) for kind in ("bare", "plugin")}
        stored = server.set()
        assert stored["objects"] >= 2 * calls * rounds
    stall, took = one["plugin"]
    their_stall, their_took = one["inline"]
    bare, _ = own["bare"]
    with_it, took_own = own["plugin"]
    return [
        Figure("crowd.stall", stall, "ms", their_stall, "inline", target=5.0),
        Figure("crowd.all_delivered", took, "ms", their_took, "inline"),
        Figure(
            "crowd.added_stall_of_threads", max(with_it - bare, 0.0), "ms", bare, "bare, in all",
            target=5.0,
        ),
        Figure("crowd.all_delivered_of_threads", took_own, "ms"),
    ]  # fmt: skip


def _one_loop(kind: str, calls: int, rounds: int, wanted: Any) -> tuple[float, float]:
    # Inline takes seconds: one round of it is enough.
    found = []
    for _ in range(1 if kind == "inline" else rounds):
        ended = _ended_inline(calls) if kind == "inline" else _ended(calls, wanted)
        found.append(asyncio.run(ended))
    return _middle(found)


def _middle(found: list[tuple[list[float], float]]) -> tuple[float, float]:
    """Of several rounds: the median of the worst gaps, and of the durations, in milliseconds."""
    took = sorted(seconds for _, seconds in found)
    return worst([gaps for gaps, _ in found]), took[len(took) // 2] * 1e3


async def _ended(calls: int, wanted: Any) -> tuple[list[float], float]:
    with contextlib.ExitStack() as jobs:
        contexts = [jobs.enter_context(real_job()) for _ in range(calls)]
        sessions = [silent_session() for _ in range(calls)]
        recorders = [recorded(s, wanted, c) for s, c in zip(sessions, contexts, strict=True)]
        for session in sessions:
            await _talk(session)
        for ctx in contexts:
            hang_up(ctx)
        await _rest()
        async with Ticker() as ticker:
            began = time.perf_counter()
            for session in sessions:
                # Each session's close is a callback of its own.
                asyncio.get_running_loop().call_soon(close, session)
            await asyncio.sleep(0)
            await asyncio.sleep(0)
            assert all(await asyncio.gather(*(r.delivered() for r in recorders)))
            took = time.perf_counter() - began
    return ticker.gaps, took


async def _ended_inline(calls: int) -> tuple[list[float], float]:
    sessions = [silent_session() for _ in range(calls)]
    inlines = [InlineAnalytics(session) for session in sessions]
    for session in sessions:
        await _talk(session)
    await _rest()
    async with Ticker() as ticker:
        began = time.perf_counter()
        await asyncio.gather(*(each.shutdown() for each in inlines))
        took = time.perf_counter() - began
    for each in inlines:
        each.close()
    return ticker.gaps, took


def _own_loops(kind: str, calls: int, rounds: int, wanted: Any) -> tuple[float, float]:
    return _middle([asyncio.run(_ended_together(kind, calls, wanted)) for _ in range(rounds)])


async def _ended_together(kind: str, calls: int, wanted: Any) -> tuple[list[float], float]:
    """Each call on a loop of its own; the gaps are those of one more loop, where no call is."""
    ready, go = threading.Barrier(calls + 1), threading.Event()
    threads = [
        threading.Thread(target=_run, args=(_held_together(kind, wanted, ready, go),))
        for _ in range(calls)
    ]
    for thread in threads:
        thread.start()
    await asyncio.to_thread(ready.wait)
    await _rest()
    async with Ticker() as ticker:
        began = time.perf_counter()
        go.set()
        await asyncio.to_thread(_join, threads)
        took = time.perf_counter() - began
    return ticker.gaps, took


def _join(threads: list[threading.Thread]) -> None:
    for thread in threads:
        thread.join()


def _run(main: Coroutine[Any, Any, None]) -> None:
    asyncio.run(main)


async def _held_together(
    kind: str, wanted: Any, ready: threading.Barrier, go: threading.Event
) -> None:
    with real_job() as ctx:
        session = silent_session()
        recorder = recorded(session, wanted, ctx) if kind == "plugin" else None
        await _talk(session)
        hang_up(ctx)
        await asyncio.to_thread(ready.wait)
        await asyncio.to_thread(go.wait)
        close(session)
        assert recorder is None or await recorder.delivered()


async def _talk(session: Any) -> None:
    began = time.time()
    for number in range(TURNS):
        emit(session, turn(number, began))
    await asyncio.sleep(0)


async def _rest() -> None:
    """The journals of all have what was said."""
    await asyncio.sleep(5.0)
    freeze()
