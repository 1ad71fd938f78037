"""AWS is down for the length of ten calls: they go on untouched, and all ten arrive in order."""

from __future__ import annotations

import threading
from collections import Counter
from pathlib import Path
from typing import Any

import pytest
from livekit.agents import Agent, AgentSession

import livekit_plugins_analytics as analytics
from livekit_plugins_analytics import Settings
from livekit_plugins_analytics.delivery import courier_for
from livekit_plugins_analytics.sweeper import keep_sweeping, stop_sweeping
from livekit_plugins_analytics.testing import ScriptedLLM
from tests.servers import FaultServer, Mode

from .writers.conftest import Enter, enter

__all__ = ["enter"]

CALLS = 10


async def held(settings: Settings, session_id: str) -> None:
    """A call from its first turn to the end of its export's budget."""
    session = AgentSession[Any](
        llm=ScriptedLLM(default="I see."), vad=None, turn_handling={"turn_detection": None}
    )
    recorder = analytics.attach(session, settings=settings, session_id=session_id)
    await session.start(Agent(instructions="Help."))
    for turn in ("hello", "bye"):
        answer: Any = await session.run(user_input=turn)
        assert answer.events
    await session.aclose()
    assert not await recorder.delivered()


@pytest.mark.parametrize("mode", ["503", "refused", "hang"])
async def test_ten_calls_of_an_outage_arrive_oldest_first_and_are_asked_for_gently(
    faults: FaultServer, enter: Enter, tmp_path: Path, mode: Mode
) -> None:
    enter(faults)
    settings = Settings(
        s3_bucket="calls",
        log_group="/calls",
        spool_directory=tmp_path / "spool",
        export_budget_seconds=0.5,
    )
    courier = courier_for(settings)
    courier.prepare()
    faults.mode = mode
    before = len(faults.requests)
    names = [f"call-{mode}-{number}" for number in range(CALLS)]
    for name in names:
        await held(settings, name)
    during = Counter(r.operation for r in faults.requests[before:] if r.operation == "PutObject")
    spool = courier.spool
    assert spool and len(spool.paths()) == CALLS
    # An attempt that the last call's budget cut short is still on its way.
    for thread in threading.enumerate():
        if thread.name.startswith("analytics-send"):
            thread.join(10.0)

    # A pass while it lasts asks each sink once, not once for each record.
    asked = len(faults.requests)
    courier.drain()
    assert len(faults.requests) - asked <= 2

    faults.mode = "ok"
    again = len(faults.requests)
    keep_sweeping(courier, settings, every=0.05)
    wanted = {f"{name}.json.gz" for name in names}
    faults.wait_for(
        lambda: (
            {k.rpartition("/")[2] for k in faults.objects("calls")} >= wanted
            and {e["message"]["session_id"] for e in faults.events("/calls")} >= set(names)
        )
    )
    stop_sweeping()

    puts = [r for r in faults.requests[again:] if r.operation == "PutObject" and r.stored]
    assert [r.key.rpartition("/")[2].removesuffix(".json.gz") for r in puts] == names
    events = [e["message"]["session_id"] for e in faults.events("/calls")]
    assert [e for e in events if e in names] == names
    assert during["PutObject"] <= CALLS * 4  # what the budget of each call allows for
