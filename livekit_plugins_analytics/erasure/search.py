"""One erasure: everything stored is looked at, then what is the person's is dealt with."""

from __future__ import annotations

import functools
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from itertools import islice
from typing import Any, Literal, TypeVar

from ..stored import Changed, packed, parsed
from .blanking import blanked
from .person import Person
from .place import Bucket, Version, Whereabouts

# boto3's clients keep ten connections.
_THREADS = 10
_CHUNK = 500
# A record that changes again and again while it is rewritten is a call that is just ending.
_ATTEMPTS = 3

Progress = Callable[[], object]
_T = TypeVar("_T")


@dataclass(frozen=True)
class Finding:
    """One object that is the person's, with all its former versions."""

    where: Whereabouts
    name: str
    kind: Literal["record", "transcript"]
    session_id: str
    there: bool
    """False: it was deleted, and former versions hold it still."""


@dataclass
class Outcome:
    """What was done with each object, by its name."""

    deleted: list[str] = field(default_factory=list)
    rewritten: list[str] = field(default_factory=list)
    unchanged: list[str] = field(default_factory=list)
    """Records from which everything had been erased before."""
    failed: dict[str, str] = field(default_factory=dict)
    """What is still there, each with the reason."""


@dataclass(frozen=True)
class _Words:
    """A transcript of its own, which names no person but a session."""

    where: Whereabouts
    version: Version
    session_id: str
    room_sid: str | None


class Erasure:
    """Finds a person's objects, and deletes or rewrites them.

    Args:
        places: Where to look.
        person: Who.
        mentions: Whether records that only mention the person count as theirs.
    """

    def __init__(
        self, places: Sequence[Whereabouts], person: Person, *, mentions: bool = False
    ) -> None:
        self._places = places
        self._person = person
        self._also_mentions = mentions
        self.findings: list[Finding] = []
        self.mentions: list[str] = []
        """Objects in which the person stands, and which are not theirs."""
        self.unreadable: dict[str, str] = {}
        """Objects of which nobody can tell, each with the reason."""
        self.looked_at = 0
        self.session_ids: set[str] = set()
        """Of the records that were found, and those that were asked for."""
        self.rooms: set[str] = set()

    def find(self, progress: Progress = lambda: None) -> None:
        """Look at everything; nothing is changed.

        Raises:
            OSError, botocore.exceptions.BotoCoreError, botocore.exceptions.ClientError: A place
                cannot be listed.
        """
        self.session_ids |= self._person.session_ids
        words: list[_Words] = []
        found: dict[tuple[int, str], tuple[Whereabouts, list[Version], str, str]] = {}
        with ThreadPoolExecutor(_THREADS) as threads:
            for where in self._places:
                versions = (v for v in where.versions() if self._person.may_be_at(v.name))
                look = functools.partial(self._looked, where)
                for version, record in threads_map(threads, look, versions):
                    progress()
                    if record is None:
                        continue
                    self.looked_at += 1
                    sid = str(record["session_id"])
                    if _is_words(record) and self._person.is_in_time(record):
                        words.append(_words(where, version, record))
                    if self._is_theirs(record, version):
                        kind = "transcript" if _is_words(record) else "record"
                        key = (id(where), version.name)
                        found.setdefault(key, (where, [], kind, sid))[1].append(version)
                        if kind == "record":
                            self.session_ids.add(sid)
                            if isinstance(room := record.get("room_sid"), str):
                                self.rooms.add(room)
        for each in words:
            if each.session_id in self.session_ids or each.room_sid in self.rooms:
                key = (id(each.where), each.version.name)
                entry = (each.where, list[Version](), "transcript", each.session_id)
                found.setdefault(key, entry)[1].append(each.version)
        for where, versions_, kind, sid in found.values():
            name = versions_[0].name
            there = any(v.current for v in versions_) or not isinstance(where, Bucket)
            what: Literal["record", "transcript"] = "record" if kind == "record" else "transcript"
            self.findings.append(Finding(where, name, what, sid, there))
        names = {finding.name for finding in self.findings}
        self.mentions = sorted({name for name in self.mentions if name not in names})

    def apply(self, *, rewrite: bool, progress: Progress = lambda: None) -> Outcome:
        """Deal with what was found. Transcripts are deleted in any case.

        Args:
            rewrite: Keep the records' figures.
            progress: Called after each object.
        """
        outcome = Outcome()
        with ThreadPoolExecutor(_THREADS) as threads:
            answers = threads_map(threads, lambda f: self._treated(f, rewrite), self.findings)
            for finding, (done, problem) in answers:
                if problem:
                    outcome.failed[finding.name] = problem
                else:
                    getattr(outcome, done).append(finding.name)
                progress()
        return outcome

    def _looked(self, where: Whereabouts, version: Version) -> dict[str, Any] | None:
        if version.deleted:
            return None
        try:
            return parsed(where.read(version)[0])
        except Exception as error:  # one bad object must not stop the others
            self.unreadable[str(version)] = reason(error)
            return None

    def _is_theirs(self, record: dict[str, Any], version: Version) -> bool:
        if self._person.is_in(record):
            return True
        if self._person.is_in_time(record) and self._person.is_mentioned_in(record):
            if self._also_mentions:
                return True
            self.mentions.append(version.name)
        return False

    def _treated(self, finding: Finding, rewrite: bool) -> tuple[str, str]:
        """What was done, as an attribute of `Outcome`, and why it was not."""
        try:
            if rewrite and finding.kind == "record" and finding.there:
                done = self._rewritten(finding)
                self._purge(finding, keep_current=True)
                return done, ""
            self._purge(finding, keep_current=False)
            return "deleted", ""
        except Changed:
            return "", "it changed meanwhile and was left alone; run the command again"
        except Exception as error:
            return "", reason(error)

    def _rewritten(self, finding: Finding) -> str:
        current = Version(finding.name)
        for _ in range(_ATTEMPTS):
            body, seen = finding.where.read(current)
            record = parsed(body)
            new = blanked(record)
            if self._person.is_mentioned_in(new):
                raise ValueError(
                    "what is kept of it (such as its session id) names the person; use --delete"
                )
            if {**new, "revision": record.get("revision")} == record:
                return "unchanged"
            try:
                bytes_ = packed(new, compress=body[:2] == b"\x1f\x8b")
                finding.where.replace(current, bytes_, seen)
            except Changed:
                continue
            return "rewritten"
        raise Changed

    def _purge(self, finding: Finding, *, keep_current: bool) -> None:
        """Delete the versions of an object, each by itself where there are several."""
        where = finding.where
        if isinstance(where, Bucket) and where.keeps_versions:
            for version in where.versions_of(finding.name):
                if not (keep_current and version.current):
                    where.delete(version)
        elif not keep_current:
            where.delete(Version(finding.name))


def threads_map(
    threads: ThreadPoolExecutor, work: Callable[[_T], Any], items: Iterable[_T]
) -> Iterator[tuple[_T, Any]]:
    """The work's results in the items' order; a few hundred at a time are in memory."""
    rest = iter(items)
    while chunk := list(islice(rest, _CHUNK)):
        yield from zip(chunk, threads.map(work, chunk), strict=True)


def reason(error: Exception) -> str:
    """What went wrong, without what an object holds."""
    from botocore.exceptions import BotoCoreError, ClientError

    from ..writers.verdicts import explained

    if isinstance(error, ClientError):
        code = str(error.response.get("Error", {}).get("Code", "unknown"))
        if "Denied" in code or code in ("403", "ObjectLocked"):
            action = {
                "GetObject": "s3:GetObject and s3:GetObjectVersion",
                "PutObject": "s3:PutObject",
                "DeleteObject": "s3:DeleteObject and s3:DeleteObjectVersion",
            }.get(error.operation_name, f"s3:{error.operation_name}")
            return f"{code}: allow {action}; a version under Object Lock stays until that ends"
        return code
    if isinstance(error, OSError) and error.strerror:
        return error.strerror
    if isinstance(error, BotoCoreError):
        return str(explained("s3", error))
    if isinstance(error, OSError):
        return type(error).__name__
    return str(error)


def _is_words(record: dict[str, Any]) -> bool:
    """Whether it is a transcript of its own and no record."""
    return isinstance(record.get("transcript"), dict) and "metrics_summary" not in record


def _words(where: Whereabouts, version: Version, record: dict[str, Any]) -> _Words:
    room = record.get("room_sid")
    # Of a session its id tells; a watched room's words are those of all who were there.
    watched = record["transcript"].get("source") == "room"
    return _Words(where, version, str(record["session_id"]), room if watched and room else None)
