"""Delivery: from a parcel to every sink's confirmation. It never looks into a parcel."""

from __future__ import annotations

import functools
import os
import sys
import threading
from multiprocessing.util import Finalize

from ..errors import SpoolError
from ..settings import Settings
from ..writers import writers_for
from .courier import Courier
from .fallback import left_elsewhere, open_fallback, open_spool
from .limits import Limits
from .shipment import Hold, Shipment
from .spool import Entry, Spool

__all__ = [
    "Courier",
    "Entry",
    "Hold",
    "Limits",
    "Shipment",
    "Spool",
    "SpoolError",
    "courier_for",
    "open_fallback",
    "open_spool",
]

# What the end of a process waits for deliveries under way. The framework kills a job's process
# 10 s after it began to shut down, and the spool has the records.
_EXIT_SECONDS = 5.0

_lock = threading.Lock()
_couriers: dict[Settings, Courier] = {}


def courier_for(settings: Settings) -> Courier:
    """This process' courier for these settings, made on first use; no disk, no network."""
    with _lock:
        if settings not in _couriers:
            spool = functools.partial(open_spool, settings)
            budget = settings.export_budget_seconds
            courier = _couriers[settings] = Courier(
                spool,
                writers_for(settings),
                budget=budget,
                others=lambda: left_elsewhere(settings, courier.spool),
            )
            # Runs in job processes too, where atexit does not (multiprocessing ends them).
            Finalize(None, courier.flush, args=(min(_EXIT_SECONDS, budget),), exitpriority=100)
        return _couriers[settings]


def _start_afresh() -> None:  # pragma: no cover  # runs in forked children
    """A forked child has its parent's couriers, but none of their threads and connections."""
    global _lock
    _lock = threading.Lock()
    _couriers.clear()


if sys.platform != "win32":  # pragma: no branch
    os.register_at_fork(after_in_child=_start_afresh)
