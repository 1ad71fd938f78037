"""What the journal costs a call: ``python -m tests.benchmarks.journal [--json]``.

A talkative call: five turns of each side a minute, two changes of state and a tool call now and
then, with 0 to 5,000 messages behind it. Measured: what a page costs the event loop (the capture)
and the scribe's thread (the lines), what a minute writes, and the longest gap of a loop that ticks
every millisecond, with and without the journal beside it.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import statistics
import tempfile
import threading
import time
from pathlib import Path
from typing import Any

from livekit.agents import AgentSession, ChatMessage, ConversationItemAddedEvent
from rich.console import Console
from rich.table import Table

from livekit_plugins_analytics import Settings
from livekit_plugins_analytics.call import Call, Capture, Remarks
from livekit_plugins_analytics.delivery import Spool
from livekit_plugins_analytics.delivery.journal import Journal
from livekit_plugins_analytics.delivery.names import new_token
from livekit_plugins_analytics.ending import Evidence
from livekit_plugins_analytics.guard import Guard
from livekit_plugins_analytics.pages import Pages
from livekit_plugins_analytics.rulebook import rules_for
from tests.test_assembly import JOB

TEXT = "We are a team of 25 and send about twenty contracts a week, mostly from Salesforce."
LENGTHS = (0, 100, 1_000, 5_000)
PAGES = 100
MESSAGES_A_MINUTE = 10
# As in export.py: at most so many pages a second.
PAGES_A_SECOND = 5
SECONDS = 10.0


def message(number: int) -> ConversationItemAddedEvent:
    """One turn of one side."""
    item = ChatMessage(
        id=f"item_{number}",
        role="user" if number % 2 else "assistant",
        content=[TEXT],
        metrics={"e2e_latency": 0.8, "llm_node_ttft": 0.3},
    )
    return ConversationItemAddedEvent(item=item)


def talked(length: int) -> Call:
    """A call of so many messages."""
    rules = rules_for("sales")
    assert rules is not None
    rules.result()
    session = AgentSession[Any](vad=None, turn_handling={"turn_detection": None})
    call = Call(session, "RM_1-AJ_1", JOB, Guard(), rules)
    for number in range(length):
        call.on_conversation_item_added(message(number))
    return call


def taken(call: Call) -> Capture:
    """A capture, as the export takes it."""
    return call.capture("partial", Evidence(now=time.time()), Remarks(), [], 0)


def pages(length: int, folder: Path) -> dict[str, float]:
    """Medians of a page's costs after so many messages, and the bytes of one message."""
    call = talked(length)
    writer = Pages(Settings(transcript="on"))
    journal = Journal(Spool(folder / str(length)), "s", new_token(), writer.lines(taken(call)))
    writer.written()
    before = journal.size
    on_loop, in_thread = [], []
    for number in range(PAGES):
        call.on_conversation_item_added(message(length + number))
        began = time.perf_counter()
        capture = taken(call)
        between = time.perf_counter()
        journal.append(writer.lines(capture))
        writer.written()
        on_loop.append(between - began)
        in_thread.append(time.perf_counter() - between)
    journal.discard()
    return {
        "messages": length,
        "capture_us": statistics.median(on_loop) * 1e6,
        "capture_worst_us": max(on_loop) * 1e6,
        "thread_us": statistics.median(in_thread) * 1e6,
        "bytes_a_message": (journal.size - before) / PAGES,
    }


async def gaps(length: int, folder: Path, *, journal: bool) -> list[float]:
    """Seconds between ticks of a loop that sleeps 1 ms, while a call of this length is journalled
    as often as it may be."""
    call = talked(length)
    writer = Pages(Settings(transcript="on"))
    first = await asyncio.to_thread(writer.lines, taken(call))
    writer.written()
    file = Journal(Spool(folder / f"gaps{journal}"), "s", new_token(), first)
    pending: list[Capture] = []
    wake, stop = threading.Event(), threading.Event()

    def scribe() -> None:
        while wake.wait() and not stop.is_set():
            wake.clear()
            while pending:
                file.append(writer.lines(pending.pop()))
                writer.written()

    thread = threading.Thread(target=scribe, daemon=True)
    thread.start()
    found: list[float] = []
    number = length
    end = time.perf_counter() + SECONDS
    next_page = time.perf_counter()
    last = time.perf_counter()
    while last < end:
        await asyncio.sleep(0.001)
        now = time.perf_counter()
        found.append(now - last)
        last = now
        if journal and now >= next_page:
            next_page = now + 1 / PAGES_A_SECOND
            call.on_conversation_item_added(message(number))
            number += 1
            pending.append(taken(call))
            wake.set()
    stop.set()
    wake.set()
    thread.join()
    file.discard()
    return found


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--json", action="store_true")
    as_json = parser.parse_args().json
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        rows = [pages(length, folder) for length in LENGTHS]
        bare = sorted(asyncio.run(gaps(1_000, folder, journal=False)))
        beside = sorted(asyncio.run(gaps(1_000, folder, journal=True)))
    result: dict[str, Any] = {
        "pages": rows,
        "bytes_a_minute": rows[1]["bytes_a_message"] * MESSAGES_A_MINUTE,
        "fsyncs_a_minute_at_most": 60 / 5,
        "loop_gap_ms": {
            kind: {
                "median": statistics.median(found) * 1e3,
                "p99": found[int(len(found) * 0.99)] * 1e3,
                "worst": found[-1] * 1e3,
            }
            for kind, found in (("without", bare), ("with", beside))
        },
    }
    if as_json:
        print(json.dumps(result))
        return
    console = Console()
    table = Table("messages", "capture us", "worst us", "thread us", "bytes a message")
    for row in rows:
        table.add_row(*(f"{value:,.0f}" for value in row.values()))
    console.print(table)
    console.print(
        f"{result['bytes_a_minute'] / 1e3:.1f} kB and at most "
        f"{result['fsyncs_a_minute_at_most']:.0f} fsyncs a minute of a talkative call"
    )
    gap = Table("loop gap, ms", "median", "p99", "worst")
    for kind, values in result["loop_gap_ms"].items():
        gap.add_row(f"{kind} the journal", *(f"{value:.2f}" for value in values.values()))
    console.print(gap)


if __name__ == "__main__":
    main()
