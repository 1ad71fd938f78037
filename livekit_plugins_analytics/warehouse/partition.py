"""Hive partitions: which days a folder holds, by its name alone."""

from __future__ import annotations

import re
from calendar import monthrange
from dataclasses import dataclass
from datetime import date, timedelta

_PART = re.compile(r"(year|month|day)=(\d{1,4})")

# Firehose files a record under the day on which it arrived, which may be the day after its start.
LATE = timedelta(days=1)


def dates(folder: str) -> tuple[date, date] | None:
    """The first and the last day that a folder can hold; null where its path names no year.

    Args:
        folder: ``.../year=2026/month=11/day=22/``, or the beginning of that.
    """
    matches = [match for part in folder.split("/") if (match := _PART.fullmatch(part))]
    found = {match[1]: int(match[2]) for match in matches}
    if "year" not in found:
        return None
    year, month, day = found["year"], found.get("month", 0), found.get("day", 0)
    try:
        if not month:
            return date(year, 1, 1), date(year, 12, 31)
        if not day:
            return date(year, month, 1), date(year, month, monthrange(year, month)[1])
        return date(year, month, day), date(year, month, day)
    except ValueError:  # month=13, year=0: nothing can be said of it
        return None


@dataclass(frozen=True)
class Span:
    """Days, both ends included; a null end is open."""

    since: date | None = None
    until: date | None = None

    @property
    def open(self) -> bool:
        """Whether it holds every day."""
        return self.since is None and self.until is None

    def meets(self, folder: str) -> bool:
        """Whether something of these days can be in the folder."""
        if (days := dates(folder)) is None:
            return True
        first, last = days
        return (self.until is None or first <= self.until) and (
            self.since is None or last >= self.since
        )

    def later(self) -> Span:
        """The same and the day after."""
        if self.until is None or self.until > date.max - LATE:
            return self
        return Span(self.since, self.until + LATE)
