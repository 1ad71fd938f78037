"""Live calls, recoverers and drainers that are killed: ``python -m tests.journal_chaos``.

Each writer holds calls one after the other: a journal, pages of it, and at the end the call's real
record, which takes the journal's place. It notes what it may rely on from then on: that a call is
in its journal, and that its real record is on disk. Whatever is killed at whatever moment, each
call that was noted has to arrive, and where the real record was on disk, that one.
"""

from __future__ import annotations

import dataclasses
import json
import os
import random
import sys
import threading
from functools import partial
from pathlib import Path

from livekit_plugins_analytics.assembly import assemble, parcel
from livekit_plugins_analytics.call import Capture
from livekit_plugins_analytics.delivery import Courier, Spool
from livekit_plugins_analytics.delivery.journal import Journal
from livekit_plugins_analytics.delivery.names import new_token
from livekit_plugins_analytics.pages import Pages
from livekit_plugins_analytics.recovery import recover
from livekit_plugins_analytics.settings import Settings
from livekit_plugins_analytics.writers import writers_for

from .collectors.events import T
from .delivery.chaos import ended, forked, killed
from .test_assembly import capture
from .test_pages import line, tool

DRAINERS = 3
BUDGET = 20.0
PAGES = 12


def call(session_id: str, pages: int) -> Capture:
    """What is known of a call after so many pages."""
    empty = capture(session_id=session_id, evidence=dataclasses.replace(capture().evidence, now=T))
    return dataclasses.replace(
        empty,
        said=[line(n, f"{session_id} {n}") for n in range(pages)],
        tools=[tool(n) for n in range(pages // 3)],
    )


def hold_calls(spool: Spool, settings: Settings, name: str, notes: int) -> None:
    """Hold calls without end."""
    writers = writers_for(settings)
    courier = Courier(spool, writers, budget=BUDGET)
    for number in range(10_000):
        session_id, token = f"{name}-{number}", new_token()
        pages = Pages(settings)
        journal: Journal | None = None
        for count in range(1, PAGES):
            lines = pages.lines(call(session_id, count))
            pages.written()
            if journal is None:
                journal = Journal(spool, session_id, token, lines)
            else:
                journal.append(lines)
            # One write, which the kernel takes whole or not at all.
            os.write(notes, f"{session_id} journal {count}\n".encode())
        final = call(session_id, PAGES)
        shipment = courier.submit(
            lambda final=final: parcel(assemble(final, settings), settings),  # type: ignore[misc]  # mypy cannot infer a lambda with a default
            token=token,
        )
        assert shipment.spooled.result()
        os.write(notes, f"{session_id} final {PAGES}\n".encode())
        assert journal is not None
        journal.discard()
        shipment.delivered.result()


def clear_up(spool: Spool, settings: Settings) -> None:
    """Recover and send, pass after pass, until nothing is left."""
    courier = Courier(spool, writers_for(settings), budget=BUDGET)
    while spool.paths() or spool.journals():
        recover(spool, settings)
        courier.drain()


def main(folder: Path, kills: int, seed: str) -> None:
    """Kill so many calls' processes, and about as many that clear up, while others clear up."""
    assert threading.active_count() == 1
    dice = random.Random(seed)
    spool = Spool(folder / "spool")
    settings = Settings.load()
    notes = os.open(folder / "notes", os.O_WRONLY | os.O_CREAT | os.O_APPEND)
    figures = {"writers_killed": 0, "recoverers_killed": 0, "journals_left": 0}
    for n in range(kills):
        child = forked(partial(hold_calls, spool, settings, f"w{n}", notes))
        # Now and then others clear up meanwhile, and are killed as well.
        helper = forked(partial(clear_up, spool, settings)) if n % 3 == 0 else 0
        figures["writers_killed"] += killed(child, dice)
        if helper:
            figures["recoverers_killed"] += killed(helper, dice)
    figures["journals_left"] = len(spool.journals())
    for _ in range(kills // DRAINERS):
        children = [forked(partial(clear_up, spool, settings)) for _ in range(DRAINERS)]
        for child in children:
            figures["recoverers_killed"] += killed(child, dice)
    for child in [forked(partial(clear_up, spool, settings)) for _ in range(DRAINERS)]:
        assert ended(child) == 0
    spool.tidy()
    print(json.dumps(figures))


if __name__ == "__main__":
    main(Path(sys.argv[1]), int(sys.argv[2]), sys.argv[3])
