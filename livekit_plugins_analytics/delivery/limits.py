"""What a spool may hold. Beyond it the oldest files are given up, so that the disk stays usable."""

from __future__ import annotations

import time
from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

from ..settings import Settings
from .losses import EXPIRED, OVER_LIMIT

if TYPE_CHECKING:
    from .spool import Spool

_DAY = 24 * 3600.0
_MEGABYTE = 1_000_000


@dataclass(frozen=True)
class Limits:
    """How long a file may wait, and how much all of them may be."""

    seconds: float = 30 * _DAY
    """From the moment when it was first spooled."""
    bytes: int = 1024 * _MEGABYTE
    """Of what waits; `dead/` may hold as much again, so that a spool has at most twice of it."""

    @classmethod
    def of(cls, settings: Settings) -> Limits:
        """As they are set."""
        return cls(
            seconds=settings.spool_max_days * _DAY,
            bytes=int(settings.spool_max_megabytes * _MEGABYTE),
        )


def enforce(spool: Spool, answers: Mapping[str, str]) -> dict[str, str]:
    """Give up what has waited for too long, then the oldest of what is too much.

    Files that a living process holds are left alone.

    Args:
        spool: Where.
        answers: What a sink last said to a session's record, by session id.

    Returns:
        The session ids that were given up, each with the reason.

    Raises:
        OSError: The spool cannot be read.
    """
    limits, now = spool.limits, time.time()
    waiting = spool.dated()
    total = sum(size for _, size, _ in waiting)
    given_up: dict[str, str] = {}
    labels = None
    for since, size, path in waiting:
        age = now - since
        if age > limits.seconds:
            reason = EXPIRED
            detail = (
                f"waited for {age / _DAY:.3g} days, "
                f"ANALYTICS_SPOOL_MAX_DAYS is {limits.seconds / _DAY:g}"
            )
        elif total > limits.bytes:
            reason = OVER_LIMIT
            detail = (
                f"{total / _MEGABYTE:.3g} MB waited, "
                f"ANALYTICS_SPOOL_MAX_MEGABYTES is {limits.bytes / _MEGABYTE:g}"
            )
        else:
            break
        if entry := spool.claim(path):
            # Once for all: there may be thousands.
            labels = spool.marks.labels() if labels is None else labels
            session_id = entry.parcel.session_id
            if answer := answers.get(session_id):
                detail += f"; {answer}"
            if spool.bury(entry, reason, detail, labels.get(path, ())):
                given_up[session_id] = f"{reason}: {detail}"
        # Another process may be at this as well: what it took away counts no more.
        if not path.exists():
            total -= size
    _shorten(spool)
    return given_up


def _shorten(spool: Spool) -> None:
    """Delete the oldest of what was given up, where that is too much as well."""
    dead, limit = spool.dead.dated(), spool.limits.bytes
    total = sum(size for _, size, _ in dead)
    for _, size, path in dead:
        if total <= limit:
            return
        why = f"dead/ holds more than ANALYTICS_SPOOL_MAX_MEGABYTES ({limit / _MEGABYTE:g})"
        if spool.dead.delete(path, why):
            total -= size
