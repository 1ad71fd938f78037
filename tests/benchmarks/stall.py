"""What a long session feels of it: a real session of a thousand turns, with its export.

The same agent answers the same turns bare, recorded, and with the inline baseline, while a ticker
on the loop measures every gap. What is added is the longest gap less the longest of the bare one.
The turns follow one another a thousand times as fast as in a call: between two there is just time
for the loop to rest.
"""

from __future__ import annotations

import asyncio
import tempfile
import time
from pathlib import Path
from typing import Any, Literal

from livekit.agents import Agent, AgentSession

from livekit_plugins_analytics.testing import ScriptedLLM

from .call import freeze, prewarmed, real_job, recorded
from .figure import Figure, worst
from .inline import InlineAnalytics
from .server import serving
from .ticker import Ticker

Kind = Literal["bare", "plugin", "inline"]
TURNS = 1_000
ROUNDS = 5
PAUSE = 0.004


def measure(*, short: bool) -> list[Figure]:
    """The longest gaps, and how long each kind's export takes on top of the call."""
    turns, rounds = (100, 1) if short else (TURNS, ROUNDS)
    gaps: dict[Kind, list[list[float]]] = {"bare": [], "plugin": [], "inline": []}
    with tempfile.TemporaryDirectory() as folder, serving():
        wanted = prewarmed(Path(folder))
        for _ in range(rounds):
            for kind in gaps:
                freeze()
                gaps[kind].append(asyncio.run(held(kind, turns, wanted)))
    bare = worst(gaps["bare"])
    plugin, inline = worst(gaps["plugin"]) - bare, worst(gaps["inline"]) - bare
    tails = {kind: _tail(found) for kind, found in gaps.items()}
    against = "inline: what it adds"
    return [
        Figure("stall.added_worst", max(plugin, 0.0), "ms", max(inline, 0.0), against, target=2.0),
        Figure("stall.worst", worst(gaps["plugin"]), "ms", bare, "bare"),
        Figure("stall.p99_9", tails["plugin"], "ms", tails["bare"], "bare"),
        Figure("stall.inline_worst", worst(gaps["inline"]), "ms", bare, "bare"),
    ]


async def held(kind: Kind, turns: int, wanted: Any) -> list[float]:
    """One session from its start to the end of its export; the gaps of the loop in seconds."""
    with real_job() as ctx:
        session = AgentSession[Any](
            llm=ScriptedLLM(default="Thank you. Who signs them in the end?"),
            vad=None,
            turn_handling={"turn_detection": None},
        )
        inline = InlineAnalytics(session) if kind == "inline" else None
        recorder = recorded(session, wanted, ctx) if kind == "plugin" else None
        await session.start(Agent(instructions="Help."))
        async with Ticker() as ticker:
            for number in range(turns):
                await session.run(user_input=f"We are a team of {number}, and use Salesforce.")
                await asyncio.sleep(PAUSE)
            await session.aclose()
            if recorder:
                began = time.perf_counter()
                assert await recorder.delivered(), time.perf_counter() - began
            if inline:
                await inline.shutdown()
        if inline:
            inline.close()
        return ticker.gaps


def _tail(found: list[list[float]]) -> float:
    gaps = sorted(gap for each in found for gap in each)
    return gaps[int(len(gaps) * 0.999)] * 1e3
