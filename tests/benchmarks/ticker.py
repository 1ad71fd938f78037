"""How long an event loop is kept from its next turn."""

from __future__ import annotations

import asyncio
import time
from types import TracebackType

_PERIOD = 0.001


class Ticker:
    """Ticks every millisecond on the running loop; a gap is what a tick came late by."""

    def __init__(self) -> None:
        self.gaps: list[float] = []
        """Seconds."""
        self._task: asyncio.Task[None] | None = None

    @property
    def worst(self) -> float:
        """The longest gap, in milliseconds."""
        return max(self.gaps, default=0.0) * 1e3

    async def __aenter__(self) -> Ticker:
        self._task = asyncio.create_task(self._tick())
        await asyncio.sleep(10 * _PERIOD)
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        # A stall that is still there shows in the next tick.
        await asyncio.sleep(3 * _PERIOD)
        assert self._task
        self._task.cancel()
        await asyncio.gather(self._task, return_exceptions=True)

    async def _tick(self) -> None:
        last = time.perf_counter()
        while True:
            await asyncio.sleep(_PERIOD)
            now = time.perf_counter()
            self.gaps.append(max(now - last - _PERIOD, 0.0))
            last = now
