"""What of a person still waits on this machine: parcels, the given up ones, and journals."""

from __future__ import annotations

import json
import os
import uuid
from collections.abc import Collection
from contextlib import suppress
from dataclasses import replace
from pathlib import Path
from typing import Any

from ..delivery import Spool
from ..delivery.disk import sync, unlink
from ..delivery.journal import lines_of
from ..delivery.lock import is_at, try_lock, unlock
from ..delivery.names import JOURNAL, journal_of, note_of
from ..delivery.packing import Unreadable, packed, unpacked
from ..recovery import record_of, recover
from ..replay import Unusable, replayed
from ..settings import Settings
from ..stored import packed as packed_record
from ..stored import parsed
from ..writers import Parcel
from .blanking import blanked
from .person import Person
from .search import Outcome, reason

_LIVE = "a living process holds it: the call goes on, or it is just being sent; run it again later"


class SpoolErasure:
    """Finds a person's files in one spool, and deletes or rewrites them.

    Args:
        spool: The spool.
        settings: As they are set, for records that are made of journals.
        person: Who.
        mentions: Whether records that only mention the person count as theirs.
    """

    def __init__(
        self, spool: Spool, settings: Settings, person: Person, *, mentions: bool = False
    ) -> None:
        self._spool = spool
        self._settings = settings
        self._person = person
        self._also_mentions = mentions
        self.found: dict[Path, str] = {}
        """Files that are the person's, each with its session id."""
        self.rooms: set[str] = set()
        """Sids of rooms in which the person was."""
        self.unreadable: dict[str, str] = {}

    def find(self, session_ids: Collection[str] = ()) -> None:
        """Look at every file; nothing is changed.

        Args:
            session_ids: Sessions, and rooms by their sids, that are known to be the person's.
        """
        self.found, self.unreadable = {}, {}
        for path in self._files():
            try:
                record = self._record(path)
            except FileNotFoundError:
                continue  # sent meanwhile
            except (OSError, Unreadable, Unusable, ValueError) as error:
                self.unreadable[str(path)] = reason(error)
                continue
            if self._is_theirs(record, session_ids):
                self.found[path] = str(record["session_id"])
                if "metrics_summary" in record and isinstance(record.get("room_sid"), str):
                    self.rooms.add(record["room_sid"])

    def apply(self, session_ids: Collection[str] = (), *, rewrite: bool) -> Outcome:
        """Deal with what was found. Transcripts are deleted in any case.

        Args:
            session_ids: As for `find`.
            rewrite: Keep the records' figures.
        """
        outcome = Outcome()
        if any(path.name.endswith(JOURNAL) for path in self.found):
            # What a dead process left becomes a record first, as it would have anyway.
            recover(self._spool, self._settings)
            self.find(session_ids)
        for path in self.found:
            try:
                done = self._treated(path, rewrite)
            except FileNotFoundError:
                continue  # sent meanwhile: it is at the sink now, and found there by the next run
            except (OSError, Unreadable, ValueError) as error:
                outcome.failed[str(path)] = reason(error)
                continue
            if done:
                getattr(outcome, done).append(str(path))
            else:
                outcome.failed[str(path)] = _LIVE
        return outcome

    def _files(self) -> list[Path]:
        dead = self._spool.dead
        with suppress(OSError):
            journals = sorted(dead.directory.glob(f"*{JOURNAL}"))
            return [
                *self._spool.paths(),
                *(path for *_, path in dead.dated()),
                *self._spool.journals(),
                *journals,
            ]
        return self._spool.paths()

    def _record(self, path: Path) -> dict[str, Any]:
        if path.name.endswith(JOURNAL):
            replay = replayed(lines_of(path), path.stat().st_mtime)
            return parsed(record_of(replay, self._settings, lost_before=0).body)
        with path.open("rb") as file:
            return parsed(unpacked(file).body)

    def _is_theirs(self, record: dict[str, Any], session_ids: Collection[str]) -> bool:
        if not self._person.is_in_time(record):
            return False
        if record["session_id"] in session_ids or self._person.is_in(record):
            return True
        watched = "metrics_summary" not in record and record.get("room_sid") in session_ids
        if watched and record.get("transcript", {}).get("source") == "room":
            return True
        return self._also_mentions and self._person.is_mentioned_in(record)

    def _treated(self, path: Path, rewrite: bool) -> str:
        """What was done, as an attribute of `Outcome`; nothing where somebody holds the file."""
        with path.open("r+b") as file:
            if not try_lock(file):
                return ""
            try:
                if not is_at(path, file):
                    return ""
                if path.name.endswith(JOURNAL):
                    unlink(path)
                    return "deleted"
                parcel = unpacked(file)
                record = parsed(parcel.body)
                # First: whoever finds a journal without its parcel makes a record of it.
                unlink(journal_of(path))
                if rewrite and "metrics_summary" in record:
                    self._replace(path, self._blanked(parcel, record))
                    return "rewritten"
                self._remove(path)
                return "deleted"
            finally:
                unlock(file)

    def _blanked(self, parcel: Parcel, record: dict[str, Any]) -> Parcel:
        new = blanked(record)
        if self._person.is_mentioned_in(new):
            raise ValueError(
                "what is kept of it (such as its session id) names the person; use --delete"
            )
        event = blanked(json.loads(parcel.event)) if parcel.event.strip() != b"{}" else {}
        return replace(
            parcel,
            revision=new["revision"],
            body=packed_record(new, compress=True),
            transcript=None,
            event=json.dumps(event).encode(),
        )

    def _replace(self, path: Path, parcel: Parcel) -> None:
        """Who has the earlier revision keeps its mark: what the sinks have is rewritten there."""
        state = path.stat()
        temporary = path.parent / f".{uuid.uuid4().hex}.erasing"
        try:
            descriptor = os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
            with os.fdopen(descriptor, "wb") as file:
                file.write(packed(parcel))
                file.flush()
                os.fsync(file.fileno())
            os.utime(temporary, ns=(state.st_atime_ns, state.st_mtime_ns))  # since when it waits
            os.replace(temporary, path)
        finally:
            temporary.unlink(missing_ok=True)
        sync(path.parent)

    def _remove(self, path: Path) -> None:
        labels = self._spool.marks.labels().get(path, ())
        unlink(path)
        self._spool.marks.clear(path, labels)
        if path.parent == self._spool.dead.directory:
            unlink(note_of(path))
        sync(path.parent)
