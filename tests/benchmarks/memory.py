"""What a live session holds, after ten minutes, an hour and eight hours, without its words."""

from __future__ import annotations

import asyncio
import gc
import tempfile
import time
import tracemalloc
from pathlib import Path
from typing import Any

from .call import (
    SECONDS_A_TURN,
    emit,
    prewarmed,
    real_job,
    recorded,
    silent_session,
    tool_call,
    turn,
)
from .figure import Figure
from .server import serving

MINUTES = (10, 60, 480)
TURNS_A_TOOL = 5


def measure(*, short: bool) -> list[Figure]:
    """Megabytes that Python has allocated more than for the same session bare."""
    lengths = MINUTES[:2] if short else MINUTES
    figures = []
    with tempfile.TemporaryDirectory() as folder, serving():
        wanted = prewarmed(Path(folder), transcript="off")
        for minutes in lengths:
            # Once before: what is loaded on first use is not the session's.
            asyncio.run(_held(wanted, 1))
            bare = asyncio.run(_held(None, minutes))
            mine = asyncio.run(_held(wanted, minutes))
            figures.append(
                Figure(
                    f"memory.{minutes}_minutes", (mine - bare) / 1e6, "MB", bare / 1e6,
                    "bare: the framework's own session", target=5.0,
                )
            )  # fmt: skip
    return figures


async def _held(wanted: Any, minutes: int) -> int:
    """Bytes at the end of so many minutes of talk."""
    gc.collect()
    tracemalloc.start()
    with real_job() as ctx:
        session = silent_session()
        recorder = recorded(session, wanted, ctx) if wanted else None
        began = time.time()
        for number in range(int(minutes * 60 / SECONDS_A_TURN)):
            emit(session, turn(number, began))
            if number % TURNS_A_TOOL == 0:
                emit(session, tool_call(number))
            if number % 20 == 0:
                await asyncio.sleep(0.001)
        # A page of the journal, and what it holds of what was written.
        await asyncio.sleep(1.0)
        gc.collect()
        held, _ = tracemalloc.get_traced_memory()
        tracemalloc.stop()
        assert recorder is None or recorder.session_id
        return held
