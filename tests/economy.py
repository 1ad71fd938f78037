"""Counts what calls take: ``python -m tests.economy FOLDER``, in a process where nothing else runs.

The fault server is another process' (its address is in the environment). Prints one JSON object.
"""

from __future__ import annotations

import asyncio
import gc
import json
import os
import sys
import threading
from collections import Counter
from pathlib import Path
from typing import Any

counts: Counter[str] = Counter()

# Far more than may be under way at once.
BACKLOG = 500


def _audited(event: str, arguments: tuple[Any, ...]) -> None:
    if event == "socket.connect":
        counts["connections"] += 1
    elif event in ("open", "os.remove", "fcntl.flock"):
        counts[event] += 1


def _counted_fsync(descriptor: int) -> None:
    counts["fsyncs"] += 1
    _fsync(descriptor)


def _counted_start(thread: threading.Thread) -> None:
    # The one that starts the others serves all calls; "last" is this module's.
    counts["threads"] += thread.name not in ("analytics-starter", "analytics-last")
    _start(thread)


_fsync = os.fsync
_start = threading.Thread.start


def main() -> None:
    """Hold calls and print what they took."""
    import livekit.agents  # noqa: F401  # what it loads is counted

    modules = set(sys.modules)
    import livekit_plugins_analytics  # noqa: F401  # likewise

    answer: dict[str, Any] = {"modules": sorted(set(sys.modules) - modules)}
    sys.addaudithook(_audited)
    os.fsync = _counted_fsync  # type: ignore[assignment]  # the standard library's, counted
    threading.Thread.start = _counted_start  # type: ignore[method-assign, assignment]  # likewise
    answer |= asyncio.run(calls(Path(sys.argv[1])))
    answer["backlog"] = backlog(Path(sys.argv[1]) / "backlog")
    answer["blocks_a_turn"] = asyncio.run(allocations(Path(sys.argv[1])))
    print(json.dumps(answer))


async def calls(folder: Path) -> dict[str, Any]:
    """Three calls after each other; what the first and the last took, and clients alive."""
    from botocore.client import BaseClient

    from tests.benchmarks.call import close, emit, prewarmed, recorded, silent_session, turn

    wanted = prewarmed(folder)
    await settled()
    found = []
    loaded: set[str] = set()
    for _ in range(3):
        session = silent_session()
        modules = set(sys.modules)
        recorder = recorded(session, wanted)
        loaded |= set(sys.modules) - modules
        for number in range(20):
            emit(session, turn(number, 1_800_000_000.0))
        await settled()
        counts.clear()
        close(session)
        assert await recorder.delivered()
        await settled()
        found.append(dict(counts))
    # Not `isinstance`: a weak proxy passes for what it stands for.
    clients = [each for each in gc.get_objects() if issubclass(type(each), BaseClient)]
    services = Counter(each.meta.service_model.service_name for each in clients)
    return {
        "first": found[0],
        "last": found[-1],
        "clients": services,
        "loaded_by_attach": sorted(loaded),
    }


def backlog(folder: Path) -> dict[str, float]:
    """What one record of many that were left takes, of a pass to two sinks that answer at once."""
    from livekit_plugins_analytics.delivery import Courier, Spool
    from livekit_plugins_analytics.testing import MemoryWriter
    from tests.delivery.sinks import made

    spool = Spool(folder)
    for number in range(BACKLOG):
        spool.put(made(f"s{number}")).release()
    courier = Courier(spool, [MemoryWriter(), MemoryWriter()], budget=60.0)
    counts.clear()
    report = courier.drain()
    assert len(report.sent) == BACKLOG, report
    return {name: count / BACKLOG for name, count in counts.items()}


async def allocations(folder: Path) -> list[float]:
    """Blocks that a turn leaves in memory more than in a bare session, early and late."""
    from tests.benchmarks.call import emit, recorded, settings, silent_session, turn

    async def left(*, attached: bool) -> list[int]:
        session = silent_session()
        if attached:
            recorded(session, settings(folder, transcript="off"))
        found = []
        for start in range(0, 3_000, 1_000):
            for number in range(start, start + 1_000):
                emit(session, turn(number, 1_800_000_000.0))
            await settled()
            gc.collect()
            found.append(sys.getallocatedblocks())
        return [later - earlier for earlier, later in zip(found, found[1:], strict=False)]

    await left(attached=True)
    bare, mine = await left(attached=False), await left(attached=True)
    return [(m - b) / 1_000 for b, m in zip(bare, mine, strict=True)]


async def settled() -> None:
    """Until the package's threads of the moment have ended; the one that starts them stays."""
    from livekit_plugins_analytics.delivery.threads import start_soon

    begun = threading.Event()
    start_soon("last", begun.set, begun.set)
    while not begun.is_set() or any(
        t.name.startswith("analytics-") and t.name != "analytics-starter"
        for t in threading.enumerate()
    ):
        await asyncio.sleep(0.01)


if __name__ == "__main__":
    main()
