"""Delivery: from a parcel to every sink's confirmation. It never looks into a parcel."""

from __future__ import annotations

import functools
import os
import sys
import tempfile
import threading
from multiprocessing.util import Finalize
from pathlib import Path

from ..errors import SpoolError
from ..log import logger
from ..settings import Settings
from ..writers import writers_for
from .courier import Courier
from .drain import DrainReport
from .shipment import Hold, Shipment
from .spool import Entry, Spool

__all__ = [
    "Courier",
    "DrainReport",
    "Entry",
    "Hold",
    "Shipment",
    "Spool",
    "SpoolError",
    "courier_for",
    "open_spool",
]

# What the end of a process waits for deliveries under way. The framework kills a job's process
# 10 s after it began to shut down, and the spool has the records.
_EXIT_SECONDS = 5.0

# Part of the fallback's name: everybody may write beside it.
if sys.platform == "win32":  # pragma: no cover  # the suite runs on Linux
    _USER = ""
else:
    _USER = f"-{os.getuid()}"

_lock = threading.Lock()
_couriers: dict[Settings, Courier] = {}


def courier_for(settings: Settings) -> Courier:
    """This process' courier for these settings, made on first use; no disk, no network."""
    with _lock:
        if settings not in _couriers:
            spool = functools.partial(open_spool, settings)
            budget = settings.export_budget_seconds
            courier = _couriers[settings] = Courier(spool, writers_for(settings), budget=budget)
            # Runs in job processes too, where atexit does not (multiprocessing ends them).
            Finalize(None, courier.flush, args=(min(_EXIT_SECONDS, budget),), exitpriority=100)
        return _couriers[settings]


def open_spool(settings: Settings) -> Spool | None:
    """The spool, in the temporary directory where its own cannot be used, or None."""
    try:
        return Spool(settings.spool)
    except SpoolError as error:
        problem = error
    try:
        fallback = Path(tempfile.gettempdir()) / f"livekit-analytics-spool{_USER}"
        logger.error("%s; %s is used", problem, fallback)
        return Spool(fallback, private=True)
    except (OSError, SpoolError) as error:
        logger.error("%s; records are kept in memory only", error)
        return None


def _start_afresh() -> None:  # pragma: no cover  # runs in forked children
    """A forked child has its parent's couriers, but none of their threads and connections."""
    global _lock
    _lock = threading.Lock()
    _couriers.clear()


if sys.platform != "win32":  # pragma: no branch
    os.register_at_fork(after_in_child=_start_afresh)
