"""Between two moments, the second of which is not in it."""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta, timezone

_PARTITION = re.compile(r"(?:^|/)year=(\d{4})/month=(\d\d)/day=(\d\d)/")


@dataclass(frozen=True)
class Period:
    """When calls began."""

    since: datetime | None = None
    """The first moment; None: from the beginning."""
    until: datetime | None = None
    """The first moment after it; None: without end."""

    @classmethod
    def parse(cls, since: str | None, until: str | None) -> Period:
        """A period from two ISO 8601 dates or times; a date is its midnight, in UTC.

        Raises:
            ValueError: One is none, or they are the wrong way round; the message says which.
        """
        period = cls(_moment("--since", since), _moment("--until", until))
        if period.since and period.until and period.since >= period.until:
            raise ValueError(
                "--until must be after --since; it is the first moment that does not count:"
                " 2026-11-01 for all of October"
            )
        return period

    def holds(self, moment: datetime) -> bool:
        """True where the moment is in it."""
        after = self.since is None or moment >= self.since
        return after and (self.until is None or moment < self.until)

    def may_hold(self, name: str, *, days_around: int = 0) -> bool:
        """False only where the name of an object has a date that is outside (``year=.../...``).

        Args:
            name: A path or key.
            days_around: How many days more to take in on either side.
        """
        # Windows' paths have backslashes.
        found = _PARTITION.search(name.replace("\\", "/"))
        if found is None:
            return True
        try:
            day = date(*map(int, found.groups()))
        except ValueError:
            return True
        around = timedelta(days=days_around)
        begins = datetime.combine(day, time(), timezone.utc)
        return (self.since is None or begins + timedelta(days=1) + around > self.since) and (
            self.until is None or begins - around < self.until
        )


def moment(text: object) -> datetime | None:
    """A record's time; None where it is none."""
    if not isinstance(text, str):
        return None
    try:
        # Python 3.10 does not read the Z.
        found = datetime.fromisoformat(text.replace("Z", "+00:00"))
    except ValueError:
        return None
    return found if found.tzinfo else found.replace(tzinfo=timezone.utc)


def _moment(option: str, text: str | None) -> datetime | None:
    if text is None:
        return None
    found = moment(text.strip())
    if found is None:
        raise ValueError(f"{option}: {text!r} is no date: write 2026-10-29 or 2026-10-29T14:30:00Z")
    return found
