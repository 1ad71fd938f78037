"""The disk that a record reaches before the network."""

from __future__ import annotations

import shutil
import stat
import sys
import time
from collections import Counter
from typing import Any

from ...delivery import Spool, SpoolError, open_fallback
from ...delivery.inventory import Inventory
from ...settings import Settings
from .check import Check

# A record has 5 to 200 KB: room for an hour of calls that no sink takes.
_LITTLE = 100_000_000
# Not even a few records.
_FULL = 1_000_000

# The longest that a living process tries to send (ANALYTICS_EXPORT_BUDGET_SECONDS), tripled.
_STUCK_SECONDS = 900.0

_ANOTHER = "Set ANALYTICS_SPOOL_DIRECTORY to a directory that this process may write"


def check_spool(settings: Settings) -> Check:
    """Whether the spool can be written, how much room it has, and what waits in it."""
    try:
        spool = Spool(settings.spool)
    except SpoolError as error:
        return Check("failed", str(error).rpartition("; ")[0], _ANOTHER)
    directory = spool.directory
    here = Inventory.of(spool)
    free = shutil.disk_usage(directory).free
    mode = stat.S_IMODE(directory.stat().st_mode)
    dead = dict(sorted(Counter(item.note.reason for item in here.dead if item.note).items()))
    facts: dict[str, Any] = {
        "directory": str(directory),
        "free_bytes": free,
        "mode": f"{mode:04o}",
        "waiting": len(here.waiting),
        "dead": dead,
        "lost": here.lost,
    }
    detail = f"{directory}, {free / 1e9:.1f} GB free, mode {mode:04o}, {len(here.waiting)} waiting"
    if free < _FULL:
        return Check("failed", f"{detail}: full", "Make room on this disk", facts)
    concerns = []
    if free < _LITTLE:
        concerns.append(("little room", "Make room on the disk of the spool"))
    if sys.platform != "win32" and mode & stat.S_IWOTH and not mode & stat.S_ISVTX:
        concerns.append(("anyone may write there", f"chmod 700 {directory}"))
    if any(time.time() - item.since > _STUCK_SECONDS for item in here.waiting):
        concerns.append(("the oldest waits for long", "Send them: livekit-analytics drain"))
    if dead:
        reasons = ", ".join(f"{count} {reason}" for reason, count in dead.items())
        concerns.append(
            (
                f"given up: {reasons}",
                "Mend what livekit-analytics spool ls names, then: livekit-analytics spool"
                " retry-dead",
            )
        )
    elsewhere = open_fallback(settings)
    if elsewhere and (left := len(elsewhere.paths())):
        facts["fallback"] = {"directory": str(elsewhere.directory), "waiting": left}
        concerns.append(
            (f"{left} waiting in {elsewhere.directory}", "Send those: livekit-analytics drain")
        )
    if concerns:
        detail += "; " + ", ".join(what for what, _ in concerns)
    return Check(
        "warning" if concerns else "ok",
        detail,
        "; ".join(fix for _, fix in concerns),
        facts,
    )
