"""`dead/`: files that no pass tries to send any more, each with a note of why and who has it.

A file is moved there and back by one rename, under the lock of who deals with it, so that it is
never in both places and never in none. The note is written before a file goes and removed after it
has come back: what a process leaves that is killed in between, the next one ends.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Callable
from pathlib import Path

from ..log import logger
from .disk import dated, files, sync, unlink
from .lock import is_at, try_lock, unlock
from .losses import DELETED, UNREADABLE, Losses
from .marks import Marks
from .names import NOTE, SUFFIX, forerunner, journal_of, note_of, parcel_of, session_of
from .note import Note
from .packing import Unreadable, unpacked


class DeadLetters:
    """The directory in a spool where files are kept that are given up.

    Args:
        spool: The spool's directory.
        marks: The spool's.
        losses: Where what happens here is counted.
        complain: Logs what is wrong with a file, once for each.
    """

    def __init__(
        self, spool: Path, marks: Marks, losses: Losses, complain: Callable[[Path, str], None]
    ) -> None:
        self.directory = spool / "dead"
        self._spool = spool
        self._marks = marks
        self._losses = losses
        self._complain = complain

    def dated(self) -> list[tuple[float, int, Path]]:
        """When each file was spooled, in Unix seconds, its bytes, and its path; oldest first."""
        return dated(self._files(SUFFIX))

    def holds(self, path: Path) -> bool:
        """Whether a file of this name is here."""
        return (self.directory / path.name).exists()

    def note(self, path: Path) -> Note | None:
        """The note of a file of this name."""
        return Note.read(note_of(self.directory / path.name))

    def bury(self, path: Path, note: Note, release: Callable[[], None]) -> bool:
        """Move a waiting file here.

        Args:
            path: The file, held by the caller alone.
            note: Why, and who has it.
            release: Lets go of it; called in any case.

        Returns:
            False where it stays: the disk does not do it.
        """
        # Before it happens: a process that is killed in between counts one too many, never less.
        self._losses.add(note.reason)
        place = self.directory / path.name
        try:
            if sys.platform == "win32":  # pragma: no cover  # an open file cannot be renamed there
                release()
            self._move(path, place, note)
        except OSError as error:
            self._losses.add(note.reason, -1)
            self._complain(path, f"is {note.reason} and cannot be put aside ({error.strerror})")
            return False
        finally:
            if sys.platform != "win32":  # pragma: no branch
                release()
        self._marks.clear(path, note.confirmed)
        logger.error(
            "the analytics of session %s are given up (%s: %s) and put aside as %s; "
            "`livekit-analytics spool retry-dead` sends them once the cause is mended",
            session_of(path),
            note.reason,
            note.detail,
            place,
        )
        return True

    def revive(self, path: Path) -> bool:
        """Bring a file back, to be sent to those that do not have it.

        Args:
            path: Where it is.

        Returns:
            False where it cannot be read or moved, or another process deals with it.
        """
        waiting = self._spool / path.name
        try:
            file = path.open("r+b")
        except OSError:
            return False
        try:
            if not try_lock(file) or not is_at(path, file) or waiting.exists():
                return False
            unpacked(file)
            reason = self._reason(path)
            if sys.platform == "win32":  # pragma: no cover  # an open file cannot be renamed there
                unlock(file)
            os.rename(path, waiting)
            sync(self._spool)
            self.restore_marks(waiting)
        except OSError as error:
            self._complain(path, f"cannot be brought back ({error.strerror})")
            return False
        except Unreadable as error:
            self._complain(path, f"cannot be brought back ({error})")
            return False
        finally:
            unlock(file)
        self._losses.add(reason, -1)
        return True

    def restore_marks(self, path: Path) -> None:
        """Mark a file that was brought back for those that had it before; it is held."""
        if not (note := self.note(path)) or self.holds(path):
            return
        # Else the note stays, for the next time.
        if self._marks.restore(path, note.confirmed):
            unlink(note_of(self.directory / path.name))

    def nothing_before(self, path: Path) -> bool:
        """Whether nothing earlier of a session is left, waiting or here, which comes first.

        What is here is worthless by now, and goes.
        """
        if not (earlier := forerunner(path)):
            return True
        # On its way from one place to the other it is seen in one of three looks.
        return self.forget(earlier) and not earlier.exists() and self.forget(earlier)

    def forget(self, path: Path) -> bool:
        """Remove the file of this name, in whose place there is a later one.

        Returns:
            False where another process is just dealing with it.
        """
        return self._remove(self.directory / path.name, lambda reason: self._losses.add(reason, -1))

    def delete(self, path: Path, why: str) -> bool:
        """Remove a file for good; False where another process is just dealing with it."""

        def count(reason: str) -> None:
            self._losses.move(reason, DELETED)
            logger.critical(
                "the analytics of session %s, given up earlier (%s), are deleted for good: %s",
                session_of(path),
                reason,
                why,
            )

        return self._remove(path, count)

    def tidy(self) -> None:
        """Remove notes of which the file is neither here nor waiting."""
        for note in self._files(NOTE):
            here = parcel_of(note)
            waiting = self._spool / here.name
            # As in `nothing_before`.
            if not (waiting.exists() or here.exists() or waiting.exists()):
                unlink(note)

    def _move(self, path: Path, place: Path, note: Note) -> None:
        self.directory.mkdir(mode=0o700, exist_ok=True)
        try:
            note.write(note_of(place))
        except OSError:
            unlink(note_of(place))
            # Who has it must not be forgotten, and what can be read can wait. What cannot would
            # be looked at for ever.
            if note.reason != UNREADABLE:
                raise
        # Else somebody would make a record of it once more.
        unlink(journal_of(path))
        os.replace(path, place)
        sync(self.directory)

    def _files(self, suffix: str) -> list[Path]:
        try:
            return files(self.directory, suffix)
        except NotADirectoryError:  # in the way: nothing can be put aside, and that is told
            return []

    def _reason(self, path: Path) -> str:
        # Without a note, an earlier version of ours put it here.
        return note.reason if (note := self.note(path)) else UNREADABLE

    def _remove(self, path: Path, count: Callable[[str], None]) -> bool:
        try:
            file = path.open("r+b")
        except OSError:
            return not path.exists()
        try:
            if not try_lock(file):
                return False
            if is_at(path, file):  # pragma: no branch  # moved at this very moment
                reason = self._reason(path)
                if sys.platform == "win32":  # pragma: no cover  # an open file stays there
                    unlock(file)
                unlink(path)
                if not path.exists():  # pragma: no branch  # a disk that gives nothing up
                    unlink(note_of(path))
                    count(reason)
            return not path.exists()
        finally:
            unlock(file)
