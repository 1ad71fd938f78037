"""Which stored records want a transcript, and of which room."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Literal

from ..record import Transcript
from ..redaction import Redactor
from ..stored import Stored, parsed
from .masking import masked, masks_beside
from .merge import merged, obstacle
from .period import Period, moment
from .share import Span

WITHOUT_ROOM = "it has no room_sid: no call through LiveKit"


@dataclass(frozen=True)
class Outcome:
    """What became of one record, or of a room that could not be fetched."""

    name: str
    """Its path or key; a room's sid."""
    result: Literal["merged", "left", "failed"]
    reason: str | None = None
    """Why it was left, or failed."""

    @classmethod
    def failed(cls, name: str, error: Exception) -> Outcome:
        """One that an exception ended."""
        return cls(name, "failed", str(error) or type(error).__name__)


@dataclass(frozen=True)
class Terms:
    """What may be merged into, and how."""

    replace: bool = False
    """Also where a record has a complete transcript."""
    redactor: Redactor | None = None
    """Finds what is masked in whatever is merged; None: nothing is."""
    consent_required: bool = False
    """Only where the caller's consent is in the record."""

    def obstacle(self, record: Mapping[str, Any]) -> str | None:
        """Why a record is to stay as it is; None: it may get a transcript."""
        return obstacle(
            record,
            replace=self.replace,
            masked=self._entities,
            consent_required=self.consent_required,
        )

    def merged(self, record: Mapping[str, Any], transcript: Transcript) -> dict[str, Any] | None:
        """The record with this transcript, one revision up; None where its own stays."""
        if self.redactor is None:
            return merged(record, transcript, replace=self.replace)
        words = masked(transcript, masks_beside(self.redactor, record))
        return merged(record, words, replace=self.replace, masked=self._entities)

    @property
    def _entities(self) -> Sequence[str] | None:
        return None if self.redactor is None else self.redactor.entities


@dataclass
class Room:
    """A room, and what is stored of it."""

    sid: str
    names: list[str] = field(default_factory=list)
    """The records that want a transcript."""
    spans: dict[str, Span] = field(default_factory=dict)
    """All sessions of the room, by session id."""


class Survey:
    """Finds the records that want a transcript, by room.

    Args:
        period: When their calls began.
        session: One room's sid; None: all rooms.
        terms: What may be merged into.
    """

    def __init__(self, period: Period, session: str | None, terms: Terms) -> None:
        self._period = period
        self._session = session
        self._terms = terms
        self._rooms: dict[str, Room] = {}

    @property
    def rooms(self) -> list[Room]:
        """The rooms to fetch, in the order in which they were found."""
        return [room for room in self._rooms.values() if room.names]

    def names(self, store: Stored) -> list[str]:
        """The names worth reading: a day more on either side, for rooms that two days share.

        Of one session those that are named after it, where there are any.
        """
        names = [n for n in store.names() if self._period.may_hold(n, days_around=1)]
        if self._session is None:
            return names
        return [name for name in names if self._session in name] or names

    def read(self, store: Stored, name: str) -> Outcome | None:
        """Take in one record; returns why it is left alone, where it might have been meant."""
        try:
            record = parsed(store.read(name))
        except Exception as error:  # one bad object must not stop the others
            return Outcome.failed(name, error)
        sid, start = record.get("room_sid"), moment(record.get("start_time"))
        meant = start is not None and self._period.holds(start)
        if not isinstance(sid, str) or not sid:
            wanted = meant and self._session is None
            return Outcome(name, "left", WITHOUT_ROOM) if wanted else None
        if self._session not in (None, sid):
            return None
        room = self._rooms.setdefault(sid, Room(sid))
        if (span := _span(record)) is not None:
            room.spans[str(record["session_id"])] = span
        if not meant:
            return None
        if (reason := self._terms.obstacle(record)) is not None:
            return Outcome(name, "left", reason)
        room.names.append(name)
        return None


def _span(record: Mapping[str, Any]) -> Span | None:
    if record.get("session_id") == record.get("room_sid"):
        return None  # a transcript of the whole room, by one who watched it
    start, end = moment(record.get("start_time")), moment(record.get("end_time"))
    closed = moment(record.get("closed_at"))
    ends = [each for each in (end, closed) if each is not None]
    return Span(start, max(ends)) if start is not None and ends else None
