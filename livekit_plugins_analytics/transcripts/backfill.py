"""Transcripts into many stored records: surveyed, fetched room by room, merged."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field

from ..record import Transcript
from ..stored import Changed, Stored, packed, parsed
from .cloud import Fetched
from .errors import CloudError
from .loop import Progress, silently
from .merge import NO_BETTER
from .period import Period
from .share import share
from .survey import Outcome, Room, Survey, Terms

# Whoever writes a record at this moment (a late addition to its call) does so once or twice.
_ATTEMPTS = 3


@dataclass
class Summary:
    """What became of all of them."""

    merged: list[str] = field(default_factory=list)
    """Paths or keys."""
    left: list[Outcome] = field(default_factory=list)
    """Records that stay as they are, each with its reason."""
    failed: list[Outcome] = field(default_factory=list)
    """Records that could not be read or written, and rooms that could not be fetched."""
    incomplete: dict[str, str] = field(default_factory=dict)
    """Rooms of which something is missing, by sid, and what."""
    rooms_not_tried: int = 0
    """Rooms that were not asked for, after the token had been refused."""

    def add(self, outcome: Outcome) -> None:
        """One more."""
        if outcome.result == "merged":
            self.merged.append(outcome.name)
        else:
            (self.left if outcome.result == "left" else self.failed).append(outcome)

    def __bool__(self) -> bool:
        return bool(self.merged or self.left or self.failed or self.rooms_not_tried)


class Backfill:
    """Gives stored records the transcripts that they lack.

    It can be run again at any time: what has a complete transcript is not fetched again.

    Args:
        store: Where the records are: ``stored("s3://bucket/prefix")``.
        fetch: Fetches by a room's sid: `CloudTranscripts.fetch`.
        period: When the calls began.
        session: One room's sid; None: all rooms of the period.
        terms: What may be merged into, and how.
    """

    def __init__(
        self,
        store: Stored,
        fetch: Callable[[str], Fetched],
        *,
        period: Period | None = None,
        session: str | None = None,
        terms: Terms | None = None,
    ) -> None:
        self._store = store
        self._fetch = fetch
        self._terms = terms or Terms()
        self._survey = Survey(period or Period(), session, self._terms)

    def run(
        self,
        *,
        progress: Progress = silently,
        told: Callable[[Outcome], None] = lambda _: None,
    ) -> Summary:
        """Survey, fetch, merge. A record or a session that fails does not end the rest.

        Args:
            progress: Shows how far the two loops have come.
            told: Is told each outcome at once.

        Raises:
            Exception: What the store raises where it cannot even be listed.
        """
        summary = Summary()

        def note(outcome: Outcome) -> None:
            summary.add(outcome)
            told(outcome)

        for name in progress(self._survey.names(self._store), "Reading"):
            if (outcome := self._survey.read(self._store, name)) is not None:
                note(outcome)
        usable = True
        for room in progress(self._survey.rooms, "Fetching"):
            if not usable:
                summary.rooms_not_tried += 1
                continue
            try:
                found = self._fetch(room.sid)
            except CloudError as error:
                note(Outcome.failed(room.sid, error))
                usable = error.of_session
                continue
            except Exception as error:  # of whatever a caller's own fetch may raise
                note(Outcome.failed(room.sid, error))
                continue
            if (why := found.shortcoming()) is not None:
                summary.incomplete[room.sid] = why
            for outcome in self._merged(room, found.transcript):
                note(outcome)
        return summary

    def _merged(self, room: Room, transcript: Transcript) -> Iterator[Outcome]:
        for name in room.names:
            try:
                yield self._merge(name, room, transcript)
            except Exception as error:  # one bad object must not stop the others
                yield Outcome.failed(name, error)

    def _merge(self, name: str, room: Room, transcript: Transcript) -> Outcome:
        attempts = 0
        while True:
            record = parsed(self._store.read(name))
            if (reason := self._terms.obstacle(record)) is not None:
                return Outcome(name, "left", reason)  # another has written it meanwhile
            own = share(transcript, str(record["session_id"]), room.spans)
            new = self._terms.merged(record, own)
            if new is None:
                return Outcome(name, "left", NO_BETTER)
            try:
                self._store.replace(name, packed(new, compress=name.endswith(".gz")))
                return Outcome(name, "merged")
            except Changed:
                attempts += 1
                if attempts == _ATTEMPTS:
                    raise
