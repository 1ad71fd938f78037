"""Processes that write, drain, give up and bring back until they are killed.

``python -m tests.delivery.chaos``

One process imports everything and forks the others, a hundredth of a second each. It has one
thread only, so that forking is safe.
"""

from __future__ import annotations

import json
import logging
import os
import random
import signal
import sys
import threading
import time
import traceback
from collections.abc import Callable
from functools import partial
from pathlib import Path

from livekit_plugins_analytics.delivery import Courier, Hold, Limits, Shipment, Spool
from livekit_plugins_analytics.errors import SinkError
from livekit_plugins_analytics.log import logger
from livekit_plugins_analytics.settings import Settings
from livekit_plugins_analytics.writers import Parcel, Writer, writers_for

from .sinks import DOWN, Sink, made

# Seconds that a process lives: from its very first steps to some dozens of records.
LIFE = 0.1
# Drainers at the same time, on this machine's two cores.
DRAINERS = 3
# Nothing of a run comes near it.
BUDGET = 20.0


def body(session_id: str, revision: int) -> bytes:
    """What a parcel holds, for whoever checks it: up to 30 kB that nothing else begins with."""
    dice = random.Random(f"{session_id} {revision}")
    return f"{session_id} {revision} ".encode() + dice.randbytes(dice.randint(1, 30_000))


def chaotic(session_id: str, revision: int) -> Parcel:
    """A parcel of the run."""
    return made(
        session_id,
        revision=revision,
        body=body(session_id, revision),
        event=json.dumps({"session_id": session_id, "revision": revision}).encode(),
    )


def write(spool: Spool, writers: list[Writer], name: str, acknowledge: int) -> None:
    """Submit parcels without end, and note each that is on disk."""
    courier = Courier(spool, writers, budget=BUDGET)

    def submit(session_id: str, revision: int, after: Shipment | None, held: bool) -> Shipment:
        shipment = courier.submit(
            lambda: chaotic(session_id, revision), hold=Hold(None) if held else None, after=after
        )
        if shipment.spooled.result():
            # One write, which the kernel takes whole or not at all.
            os.write(acknowledge, f"{session_id} {revision}\n".encode())
        return shipment

    for n in range(10_000):
        dice = random.Random(f"{name} {n}")
        held = dice.random() < 0.9
        first = submit(f"{name}-{n}", 1, None, held)
        if dice.random() < 0.3:
            second = submit(f"{name}-{n}", 2, first, held)
            if dice.random() < 0.3:
                submit(f"{name}-{n}", 3, second, held)
        if not held:
            first.delivered.result()


def drain(spool: Spool, writers: list[Writer]) -> None:
    """Send leftovers, pass after pass, until there are none."""
    courier = Courier(spool, writers, budget=BUDGET)
    while spool.paths():
        courier.drain()


class Moody(Sink):
    """A sink that refuses for good every tenth record that it is asked about, until it is down."""

    def __init__(self, writer: Writer, dice: random.Random) -> None:
        super().__init__(writer.name)
        self._real = writer
        self._dice = dice
        # Not many: drainers are to find something to do.
        self._left = dice.choice((0, 20))

    def write(self, parcel: Parcel) -> str:
        """Refuse the parcel, or send it on."""
        if self._left <= 0:
            raise DOWN
        self._left -= 1
        if self._dice.random() < 0.1:
            raise SinkError(self.name, "EventTooLarge", retryable=False, final=True)
        return self._real.write(parcel)


def give_up(folder: Path, writers: list[Writer], seed: str) -> None:
    """Give up what a sink refuses and what is too much, and bring it back, without end."""
    dice = random.Random(seed)
    spool = Spool(folder)
    while spool.paths() or spool.dead.dated():
        revive(spool)
        # The older two fifths are too much. In dead/ there is room for them and for what the sinks
        # refuse, for what is deleted there would be missing at the end. Of few records, one that
        # is large would not leave it.
        waiting = spool.dated()
        total = sum(size for _, size, _ in waiting)
        spool.limits = Limits(bytes=total * 3 // 5 if len(waiting) > 50 else 2 * total)
        moody = [Moody(writer, dice) for writer in writers]
        Courier(spool, moody, budget=BUDGET).drain()


def revive(spool: Spool) -> None:
    """Bring back all that was given up."""
    for *_, path in spool.dead.dated():
        spool.dead.revive(path)


def forked(work: Callable[[], None]) -> int:
    """Do the work in a process of its own."""
    if child := os.fork():
        return child
    try:
        work()
    except BaseException:
        traceback.print_exc()
        os._exit(1)
    os._exit(0)


def ended(child: int) -> int:
    """Wait for a process and return its exit code, negative where a signal ended it."""
    return os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])


def killed(child: int, dice: random.Random, life: float = LIFE) -> int:
    """Kill a process at a moment that nothing determines; return whether it was alive."""
    time.sleep(dice.uniform(0, life))
    os.kill(child, signal.SIGKILL)
    code = ended(child)
    assert code in (0, -signal.SIGKILL), code
    return int(code != 0)


def main(folder: Path, kills: int, seed: str) -> None:
    """Kill so many writers and about as many drainers, then let drainers end their work."""
    assert threading.active_count() == 1
    logger.setLevel(logging.CRITICAL)
    dice = random.Random(seed)
    spool = Spool(folder / "spool")
    writers = writers_for(Settings.load())
    for writer in writers:
        writer.prepare()
    acknowledge = os.open(folder / "acknowledged", os.O_WRONLY | os.O_CREAT | os.O_APPEND)

    figures = dict.fromkeys(
        ("writers_killed", "drainers_killed", "givers_up_killed", "temporary", "left", "given_up"),
        0,
    )
    for n in range(kills):
        child = forked(partial(write, spool, writers, f"w{n}", acknowledge))
        figures["writers_killed"] += killed(child, dice)
    figures["temporary"] = len(list(spool.directory.glob("*.tmp")))
    figures["left"] = len(spool.paths())

    for n in range(kills // DRAINERS):
        # Alone first: drainers would be done before there is anything to give up.
        giver_up = forked(partial(give_up, spool.directory, writers, f"{seed} {-n}"))
        figures["givers_up_killed"] += killed(giver_up, dice, life=10 * LIFE)
        # Of which the next one brings back all.
        figures["given_up"] += len(spool.dead.dated())
    for n in range(kills // DRAINERS):
        children = [forked(partial(drain, spool, writers)) for _ in range(DRAINERS - 1)]
        giver_up = forked(partial(give_up, spool.directory, writers, f"{seed} {n}"))
        figures["givers_up_killed"] += killed(giver_up, dice)
        for child in children:
            figures["drainers_killed"] += killed(child, dice)
    # Nobody gives up any more.
    revive(spool)
    for child in [forked(partial(drain, spool, writers)) for _ in range(DRAINERS)]:
        assert ended(child) == 0
    # What nobody looks at while there is something to send.
    spool.tidy()
    print(json.dumps(figures))


if __name__ == "__main__":
    main(Path(sys.argv[1]), int(sys.argv[2]), sys.argv[3])
