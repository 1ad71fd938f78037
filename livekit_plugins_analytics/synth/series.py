"""Many invented calls over a number of days, fast enough for a million of them.

Inventing a call takes a millisecond or two, most of it prices and pydantic. So 2,000 are invented,
checked by the schema and kept as text; each further one is one of them at another time, with ids of
its own. A record is the same whatever the count: the first hundred of a million are the hundred.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta, timezone
from functools import cache
from typing import NamedTuple

from ..lines import line
from ..record import SessionRecord
from .call import call
from .chance import Chance

END = date(2026, 11, 1)
"""The last day, where none is given: prices have dates, and the same seed gives the same bytes."""

TEMPLATES = 2_000
"""Calls that differ in more than time and ids."""

_TOKEN = "5eed5eed5eed"
_MOMENT = re.compile(rb"(\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z|" + _TOKEN.encode() + rb")")

# By the hour, UTC: two peaks of an office's day, and somebody calls at night.
_HOURS = (1, 1, 1, 1, 1, 2, 4, 9, 18, 30, 34, 30, 22, 24, 32, 34, 28, 20, 11, 7, 5, 3, 2, 1)
_WEEKEND = 0.25


class Dated(NamedTuple):
    """A record's line, and where it belongs."""

    name: str
    """``year=YYYY/month=MM/day=DD/{session_id}.json.gz``."""
    text: bytes


@dataclass(frozen=True)
class Series:
    """Which records are invented.

    Args:
        seed: The same seed and end give the same bytes.
        days: How many days they are spread over.
        end: The last of these days (UTC).
        superseded: Whether revisions that a later one replaced come as well, before that one, as a
            log has them. They are not counted.

    Raises:
        OverflowError: There is no date so many days before the end.
    """

    seed: int = 0
    days: int = 30
    end: date = END
    superseded: bool = False
    _templates: dict[int, _Template] = field(default_factory=dict, repr=False, compare=False)

    def __post_init__(self) -> None:
        """Refuse what has no beginning."""
        _ = self.end - timedelta(days=self.days - 1)

    def lines(self, count: int) -> Iterator[Dated]:
        """The first `count` records, as the lines that are stored."""
        chance = Chance(f"times-{self.seed}")
        last = datetime(self.end.year, self.end.month, self.end.day, tzinfo=timezone.utc)
        first = last - timedelta(days=self.days - 1)
        days = [first + timedelta(days=n) for n in range(self.days)]
        by_day = {
            # Business grows by a third over the time.
            day: (_WEEKEND if day.weekday() > 4 else 1.0) * (1 + number / self.days / 3)
            for number, day in enumerate(days)
        }
        by_hour = {hour: float(weight) for hour, weight in enumerate(_HOURS)}
        for number in range(count):
            template = self._template(number % TEMPLATES, last)
            day = chance.weighted(by_day)
            seconds = 3600 * chance.weighted(by_hour) + round(chance.between(0, 3599.999), 3)
            start = day + timedelta(seconds=seconds)
            yield from template.at(start, chance.digits(12), self.superseded)

    def records(self, count: int) -> Iterator[SessionRecord]:
        """The same records as objects."""
        for each in self.lines(count):
            yield SessionRecord.model_validate_json(each.text)

    def _template(self, number: int, priced: datetime) -> _Template:
        found = self._templates.get(number)
        if found is None:
            record = call(Chance(f"call-{self.seed}-{number}"), _TOKEN, priced)
            found = self._templates[number] = _Template.of(record)
        return found


def records(
    count: int, *, seed: int = 0, days: int = 30, end: date = END, superseded: bool = False
) -> Iterator[SessionRecord]:
    """Invented records; see `Series` for the arguments."""
    return Series(seed, days, end, superseded).records(count)


def lines(
    count: int, *, seed: int = 0, days: int = 30, end: date = END, superseded: bool = False
) -> Iterator[Dated]:
    """The same records as lines of JSON with their names: some 20 times faster."""
    return Series(seed, days, end, superseded).lines(count)


@dataclass(frozen=True)
class _Template:
    """A record's text, cut where its times and ids are."""

    revisions: tuple[_Pieces, ...]
    """The superseded one first."""

    @classmethod
    def of(cls, record: SessionRecord) -> _Template:
        start = record.start_time
        pieces = [_pieces(line(record), start)]
        if record.revision > 1:
            before = {"revision": 1, "outcome": None, "outcome_reason": None}
            pieces.insert(0, _pieces(line(record.model_copy(update=before)), start))
        return cls(tuple(pieces))

    def at(self, start: datetime, token: str, superseded: bool) -> Iterator[Dated]:
        identity = token.encode()
        name = f"year={start:%Y}/month={start:%m}/day={start:%d}/RM_{token}-AJ_{token}.json.gz"
        chosen = self.revisions if superseded else self.revisions[-1:]
        origin = round(start.timestamp() * 1000)
        for texts, offsets in chosen:
            parts = [texts[0]]
            for offset, text in zip(offsets, texts[1:], strict=True):
                parts.append(identity if offset is None else _moment(origin + offset))
                parts.append(text)
            yield Dated(name, b"".join(parts))


_Pieces = tuple[list[bytes], list["int | None"]]
"""Texts, and what stands between them: milliseconds after the start, or the token (None)."""


def _pieces(text: bytes, start: datetime) -> _Pieces:
    origin = round(start.timestamp() * 1000)
    pieces = _MOMENT.split(text)
    offsets: list[int | None] = []
    for found in pieces[1::2]:
        if found == _TOKEN.encode():
            offsets.append(None)
            continue
        moment = datetime.fromisoformat(found.decode().replace("Z", "+00:00"))
        offsets.append(round(moment.timestamp() * 1000) - origin)
    return pieces[::2], offsets


def _moment(milliseconds: int) -> bytes:
    whole, rest = divmod(milliseconds, 1000)
    return b"%b.%03dZ" % (_second(whole), rest)


@cache
def _day(since_1970: int) -> bytes:
    return (date(1970, 1, 1) + timedelta(days=since_1970)).isoformat().encode()


def _second(unix: int) -> bytes:
    day, rest = divmod(unix, 86_400)
    hours, rest = divmod(rest, 3_600)
    return b"%bT%02d:%02d:%02d" % (_day(day), hours, *divmod(rest, 60))
