"""What one event costs the loop, early and late in a call."""

from __future__ import annotations

import asyncio
import statistics
import tempfile
import time
from pathlib import Path
from typing import Any, Literal

from .call import emit, prewarmed, real_job, recorded, silent_session, turn
from .figure import Figure
from .inline import InlineAnalytics
from .server import serving

Kind = Literal["bare", "handler", "plugin", "inline"]
# Events before those that are timed; a turn has ten.
LENGTHS = (100, 10_000)
TIMED = 1_000


def measure(*, short: bool) -> list[Figure]:
    """The median of an event's cost over all kinds of events, less what emitting it costs bare."""
    timed = 200 if short else TIMED
    medians: dict[tuple[Kind, int], float] = {}
    kinds: tuple[Kind, ...] = ("bare", "handler", "plugin", "inline")
    with tempfile.TemporaryDirectory() as folder, serving():
        wanted = prewarmed(Path(folder))
        for length in LENGTHS:
            for kind in kinds:
                rounds = [asyncio.run(timings(kind, length, timed, wanted)) for _ in range(3)]
                medians[kind, length] = min(statistics.median(each) for each in rounds) * 1e6
    figures = []
    for length in LENGTHS:
        added = {k: medians[k, length] - medians["bare", length] for k in kinds}
        name = f"event.median_at_{length}"
        figures.append(Figure(name, added["plugin"], "us", added["inline"], "inline", target=20.0))
    early, late = (medians["plugin", length] - medians["bare", length] for length in LENGTHS)
    floor = medians["handler", LENGTHS[1]] - medians["bare", LENGTHS[1]]
    return [
        *figures,
        Figure("event.late_over_early", late / early, "times", 1.0, "flat"),
        Figure("event.empty_handler", floor, "us", None, "what the framework itself takes"),
    ]


async def timings(kind: Kind, length: int, timed: int, wanted: Any) -> list[float]:
    """Seconds that each of so many events takes to emit, after so many others."""
    with real_job() as ctx:
        session = silent_session()
        inline = InlineAnalytics(session) if kind == "inline" else None
        if kind == "plugin":
            recorded(session, wanted, ctx)
        if kind == "handler":
            for name, _ in turn(0, 0.0):
                session.on(name, _nothing)  # type: ignore[arg-type]  # mypy sees str, not the Literal
        began = time.time()
        turns = length // 10
        for number in range(turns):
            emit(session, turn(number, began))
            if number % 100 == 0:
                await asyncio.sleep(0)
        found = []
        for number in range(turns, turns + timed // 10):
            for event in turn(number, began):
                at = time.perf_counter()
                emit(session, [event])
                found.append(time.perf_counter() - at)
            # As a call does, between two turns: the journal takes its page.
            await asyncio.sleep(0.002)
        if inline:
            inline.close()
        return found


def _nothing(event: Any) -> None:
    pass
