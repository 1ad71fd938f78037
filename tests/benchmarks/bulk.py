"""Calls of an unusual size: 10,000 tool calls, a tool result of 20 MB, 5,000 messages."""

from __future__ import annotations

import asyncio
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from .call import close, emit, freeze, prewarmed, recorded, silent_session, tool_call, turn
from .figure import Figure
from .inline import InlineAnalytics
from .server import serving
from .ticker import Ticker

Play = Callable[[int], list[tuple[str, Any]]]


def measure(*, short: bool) -> list[Figure]:
    """For each: the longest gap of the loop in call and export, and what the export takes."""
    began = time.time()
    giant = "x" * (20_000_000 if not short else 2_000_000)
    part = 10 if short else 1
    sizes: dict[str, tuple[int, Play]] = {
        "tool_calls_10000": (10_000 // part, tool_call),
        "tool_result_20_mb": (1, lambda number: tool_call(number, giant)),
        "messages_5000": (2_500 // part, lambda number: turn(number, began)),
    }
    figures = []
    with tempfile.TemporaryDirectory() as folder, serving():
        wanted = prewarmed(Path(folder))
        for name, (count, play) in sizes.items():
            bare = [asyncio.run(_held("bare", wanted, count, play)) for _ in range(3)]
            mine = [asyncio.run(_held("plugin", wanted, count, play)) for _ in range(3)]
            theirs = asyncio.run(_held("inline", wanted, count, play))
            quiet = min(stall for stall, _ in bare)
            stall, export = sorted(mine)[1]
            figures += [
                Figure(
                    f"bulk.{name}.added_stall", max(stall - quiet, 0.0), "ms",
                    theirs[0] - quiet, "inline", target=2.0,
                ),
                Figure(f"bulk.{name}.export", export, "ms", theirs[1], "inline", target=20_000.0),
            ]  # fmt: skip
    return figures


async def _held(kind: str, wanted: Any, count: int, play: Play) -> tuple[float, float]:
    """The worst gap and the export's duration, both in milliseconds."""
    freeze()
    session = silent_session()
    inline = InlineAnalytics(session) if kind == "inline" else None
    recorder = recorded(session, wanted) if kind == "plugin" else None
    events = [play(number) for number in range(count)]
    async with Ticker() as ticker:
        for each in events:
            emit(session, each)
            await asyncio.sleep(0)
        began = time.perf_counter()
        if recorder:
            close(session)
            assert await recorder.delivered()
        if inline:
            await inline.shutdown()
        took = time.perf_counter() - began
    if inline:
        inline.close()
    return ticker.worst, took * 1e3
