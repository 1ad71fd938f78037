"""Recovers and sends what dead processes left, again and again, in a process that outlives them."""

from __future__ import annotations

import os
import random
import sys
import threading
from typing import TYPE_CHECKING

from .delivery import Spool
from .delivery.threads import start_soon
from .log import logger

if TYPE_CHECKING:
    from .delivery import Courier
    from .settings import Settings

# How long the record of a process that was killed waits at most, where another process lives on.
SWEEP_SECONDS = 10.0
# Where nothing could be sent, the sinks are down: they are asked less and less often.
_LONGEST_PAUSE = 300.0

_stop: dict[Settings, threading.Event] = {}


def sweep(courier: Courier, settings: Settings) -> None:
    """Recover and send leftovers once, in a thread."""
    courier.sweep(lambda spool: recover_first(spool, settings))


def keep_sweeping(courier: Courier, settings: Settings, every: float = SWEEP_SECONDS) -> None:
    """Recover and send leftovers now and every so many seconds, in one thread per settings.

    The sinks rehearse in it first: it is that of a process that is idle.
    """
    if settings in _stop:
        return
    stop = _stop[settings] = threading.Event()

    def not_now() -> None:
        _stop.pop(settings, None)
        logger.warning("the spool is not swept: the system gives no more threads")

    start_soon("sweeper", lambda: _run(courier, settings, every, stop), not_now)


def stop_sweeping() -> None:
    """This process has a call now: its processor is not for the leftovers of others."""
    for stop in _stop.values():
        stop.set()
    _stop.clear()


def _run(courier: Courier, settings: Settings, every: float, stop: threading.Event) -> None:
    courier.rehearse()
    pause = every
    while True:
        report = courier.sweep_now(lambda spool: recover_first(spool, settings, stop))
        stuck = report is not None and report.kept and not report.sent
        pause = min(pause * 2, _LONGEST_PAUSE) if stuck else every
        # With jitter: the idle processes of a worker begin at the same moment.
        if stop.wait(random.uniform(pause / 2, pause)):
            return


def recover_first(spool: Spool, settings: Settings, stop: threading.Event | None = None) -> None:
    """Make records of the calls of killed processes, before a spool is sent; see `recover`."""
    if not spool.journals():
        return
    from .recovery import recover  # what it needs is loaded where there is something to recover

    recover(spool, settings, stop)


def _start_afresh() -> None:  # pragma: no cover  # runs in forked children
    """A forked child has none of its parent's threads."""
    _stop.clear()


if sys.platform != "win32":  # pragma: no branch
    os.register_at_fork(after_in_child=_start_afresh)
