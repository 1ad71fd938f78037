"""Records as they arrive: the newest partitions, looked at again and again."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime, timedelta, timezone
from typing import Any

from pydantic_core import from_json

from .fetching import fetched
from .inspection import documents, inspect
from .lines import lines
from .listing import Bucket, Directory, Object, records
from .partition import Span
from .problem import Problem

AFTER_MIDNIGHT = timedelta(hours=6)
"""How long the day before is looked at as well: a record is filed under its call's first day, and
arrives when the call has ended."""


@dataclass
class Look:
    """What one look brought, oldest first."""

    records: list[dict[str, Any]] = field(default_factory=list)
    problems: list[Problem] = field(default_factory=list)


class Arrivals:
    """Records of today, each revision once.

    Args:
        source: Where they arrive.
        clock: The time now, in UTC.
    """

    def __init__(
        self,
        source: Directory | Bucket,
        clock: Callable[[], datetime] = lambda: datetime.now(timezone.utc),
    ) -> None:
        self._source = source
        self._clock = clock
        self._objects: dict[str, tuple[str | None, int, datetime]] = {}
        self._seen: dict[str, set[tuple[str, int]]] = {}

    def look(self, newest: int | None = None) -> Look:
        """What has come since the last look.

        Args:
            newest: Only so many records; the others count as seen.

        Raises:
            LakeError: The source cannot be listed.
        """
        look = Look()
        now = self._clock()
        span = Span((now - AFTER_MIDNIGHT).date(), now.date() + timedelta(days=1))
        listed = records(self._source, span, look.problems)
        fresh = [each for each in listed if self._objects.get(each.name) != _state(each)]
        # What is no longer listed is of a day that is over.
        self._objects = {each.name: _state(each) for each in listed}
        self._seen = {name: self._seen.get(name, set()) for name in self._objects}
        fresh.sort(key=lambda each: (each.modified, each.name))
        if newest is not None:
            fresh = fresh[max(len(fresh) - newest, 0) :]
        for found in fetched(self._source, fresh):
            name = found.object.name
            if found.failure:
                look.problems.append(Problem(name, None, found.failure))
                continue
            unpacked = lines(found.body)
            for number, line in documents(unpacked):
                self._take(look, name, number, line)
            if unpacked.broken:
                look.problems.append(Problem(name, unpacked.breaks_at, unpacked.broken))
        if newest is not None:  # an object of Firehose's has many
            look.records = look.records[max(len(look.records) - newest, 0) :]
        return look

    def _take(self, look: Look, name: str, number: int, line: bytes) -> None:
        seen = inspect(line)
        if seen.session_id is None:
            look.problems.extend(Problem(name, number, each.reason) for each in seen.findings)
            return
        revision = (seen.session_id, seen.revision or 0)
        if revision not in self._seen[name]:
            self._seen[name].add(revision)
            look.records.append(from_json(line))


def _state(each: Object) -> tuple[str | None, int, datetime]:
    return each.etag, each.size, each.modified
