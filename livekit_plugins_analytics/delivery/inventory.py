"""What is in a spool's directory, for people: looked at, never taken."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from pathlib import Path

from ..writers import Parcel
from .disk import dated, files
from .lock import try_lock, unlock
from .losses import UNREADABLE
from .names import JOURNAL, session_of
from .note import Note
from .packing import Unreadable, described, unpacked
from .spool import Spool


@dataclass(frozen=True)
class Item:
    """One record's file."""

    path: Path
    session_id: str
    """A digest where the file cannot be read and the id cannot be part of a name."""
    revision: int | None
    """None: the file cannot be read."""
    since: float
    """When it was spooled, in Unix seconds."""
    bytes: int
    confirmed: list[str]
    """The sinks that have it; a digest stands for a name that cannot be part of a file's."""
    held: bool = False
    """Whether a living process deals with it."""
    note: Note | None = None
    """Of one that was given up: why."""

    def parcel(self) -> Parcel:
        """Its content.

        Raises:
            ValueError: It is damaged, or written by another version.
            OSError: It is gone, or the disk does not give it back.
        """
        with self.path.open("rb") as file:
            return unpacked(file)


@dataclass(frozen=True)
class Inventory:
    """The files of a spool at one moment, oldest first."""

    directory: Path
    waiting: list[Item]
    dead: list[Item]
    lost: dict[str, int]
    """What did not reach every sink so far, by reason."""
    calls: list[Item]
    """Journals: of calls that go on, which are held, and of killed processes, to be recovered."""

    @classmethod
    def of(cls, spool: Spool) -> Inventory:
        """Look at a spool.

        Raises:
            OSError: It cannot be read.
        """
        labels = spool.marks.labels()
        dead = []
        for since, size, path in spool.dead.dated():
            note = spool.dead.note(path) or Note(UNREADABLE)  # earlier versions left none
            item = _item(path, since, size, note.confirmed, note)
            if item:  # pragma: no branch  # brought back at this very moment
                dead.append(item)
        waiting = []
        for since, size, path in spool.dated():
            # One that was brought back a moment ago has its marks in the note still.
            earlier = spool.dead.note(path)
            confirmed = {*labels.get(path, ()), *(earlier.confirmed if earlier else ())}
            item = _item(path, since, size, confirmed, None)
            if item:  # pragma: no branch  # sent at this very moment
                waiting.append(item)
        calls = [
            item
            for since, size, path in dated(files(spool.directory, JOURNAL))
            if (item := _item(path, since, size, (), None))
        ]
        return cls(spool.directory, waiting, dead, spool.losses.total(), calls)

    @property
    def orphans(self) -> list[Item]:
        """Calls of processes that were killed."""
        return [call for call in self.calls if not call.held]


def _item(
    path: Path, since: float, size: int, confirmed: Collection[str], note: Note | None
) -> Item | None:
    """A file as it is now; None where it has just gone."""
    session_id, revision, held = session_of(path), None, False
    try:
        with path.open("rb") as file:
            # For a moment the file is ours: a pass that comes across it leaves it to the next.
            held = not try_lock(file)
            try:
                session_id, revision = described(file)
            finally:
                if not held:
                    unlock(file)
    except FileNotFoundError:  # pragma: no cover  # at this very moment
        return None
    except (OSError, Unreadable):
        pass  # damaged, or not ours to read: the name says enough
    return Item(path, session_id, revision, since, size, sorted(confirmed), held, note)
