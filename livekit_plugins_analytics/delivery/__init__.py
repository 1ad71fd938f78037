"""Delivery: from a parcel to every sink's confirmation. It never looks into a parcel."""

from __future__ import annotations

import os
import tempfile
import threading
from multiprocessing.util import Finalize
from pathlib import Path

from ..errors import SpoolError
from ..log import logger
from ..settings import Settings
from ..writers import writers_for
from .courier import Courier, DrainReport
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

_lock = threading.Lock()
_couriers: dict[tuple[int, Settings], Courier] = {}


def courier_for(settings: Settings) -> Courier:
    """This process' courier for these settings, made on first use."""
    key = (os.getpid(), settings)  # a forked child must not use its parent's threads and clients
    with _lock:
        if key not in _couriers:
            courier = Courier(
                open_spool(settings), writers_for(settings), budget=settings.export_budget_seconds
            )
            _couriers[key] = courier
            # Runs in job processes too, where atexit does not (multiprocessing ends them).
            Finalize(
                None,
                courier.flush,
                args=(min(_EXIT_SECONDS, settings.export_budget_seconds),),
                exitpriority=100,
            )
        return _couriers[key]


def open_spool(settings: Settings) -> Spool | None:
    """The spool, in the temporary directory where its own cannot be written, or None."""
    fallback = Path(tempfile.gettempdir()) / "livekit-analytics-spool"
    try:
        return Spool(settings.spool)
    except SpoolError as error:
        logger.error("%s; %s is used", error, fallback)
    try:
        return Spool(fallback)
    except SpoolError as error:
        logger.error("%s; records are kept in memory only", error)
        return None
