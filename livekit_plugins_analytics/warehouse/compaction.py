"""Days of small files to Parquet, on one machine, one partition after another.

A partition is finished when its manifest is there, which is put last. Its files are put when all of
it has been written and counted, and the old ones are removed after that: a reader that comes in
between, or after a run that was killed there, may see rows twice, which the views take out, and
never fewer. The next run clears that up.
"""

from __future__ import annotations

import hashlib
import tempfile
from collections.abc import Callable, Iterator
from contextlib import suppress
from dataclasses import dataclass, field, replace
from datetime import date
from pathlib import Path
from typing import Any, Literal

from pydantic_core import from_json

from ..record import SCHEMA_VERSION
from . import originals
from .bucket import Bucket
from .directory import Directory
from .fetching import Fetched, fetched
from .inspection import Inspection, inspect
from .lines import lines, whole
from .listing import source
from .manifest import NAME, Entry, Manifest, Part, generation, unpacked
from .objects import LakeError, Object
from .partition import Span
from .parts import Parts, Written, connection
from .problem import Problem, Severity
from .target import Target, target

Gone = Literal["ask", "keep", "drop"]
"""What to do with rows whose objects are gone although we did not delete them."""


@dataclass(frozen=True)
class Options:
    """How to compact.

    Args:
        since: The first day, as in the objects' folders; None: from the beginning.
        until: The last day.
        memory: DuckDB's bound, such as ``1GB``.
        threads: DuckDB's.
        again: Do finished partitions again.
        delete_originals: Delete each object after its rows were counted in the Parquet.
        gone: Rows whose objects are gone: keep them, drop them, or ``ask``: leave the partition
            alone and say so.
        part_bytes: JSON that goes into one Parquet file.
    """

    since: date | None = None
    until: date | None = None
    memory: str = "1GB"
    threads: int = 1
    again: bool = False
    delete_originals: bool = False
    gone: Gone = "ask"
    part_bytes: int = 512 << 20


@dataclass(frozen=True)
class Progress:
    """How far a run is."""

    day: date
    partition: int
    """Counted from 1."""
    partitions: int
    done: int = 0
    """Objects of this partition."""
    total: int = 0


@dataclass(frozen=True)
class Done:
    """A partition that is as it should be."""

    day: date
    how: Literal["written", "added", "unchanged"]
    objects: int
    rows: int
    parts: int
    bytes: int
    duplicates: int = 0
    unreadable: int = 0
    """Lines and objects that are in no row."""
    deleted: int = 0
    """Objects."""


@dataclass
class Compaction:
    """What a run did."""

    partitions: list[Done] = field(default_factory=list)
    failed: dict[date, str] = field(default_factory=dict)
    """Partitions that are as they were before, each with the reason."""
    problems: list[Problem] = field(default_factory=list)
    """Every object and line of which something was wrong; of partitions that did not change what
    could not be read."""

    @property
    def ok(self) -> bool:
        """Whether every record that was found is in the Parquet."""
        return not self.failed and not any(p.severity == "error" for p in self.problems)


def compact(
    path: str,
    to: str,
    options: Options | None = None,
    on_progress: Callable[[Progress], None] = lambda _: None,
) -> Compaction:
    """Make Parquet of stored records: ``year=/month=/day=/part-*.parquet``.

    A partition holds what the objects in its folders hold: all revisions, but each once, with what
    no column has as JSON text in ``extra``. Its rows are counted in the Parquet before it replaces
    anything. It holds the names of one day's objects in memory, half a kilobyte each.

    Args:
        path: A directory or ``s3://bucket/prefix``.
        to: The same, for the Parquet.
        options: How.
        on_progress: Called from this thread.

    Raises:
        LakeError: The source cannot be listed, the target not be made, or DuckDB is not installed.
    """
    options = options or Options()
    if to.rstrip("/") == path.rstrip("/"):
        raise LakeError("Records and Parquet need folders of their own: choose another --to")
    here, there = source(path), target(to)
    made = Compaction()
    days = originals.days(here, Span(options.since, options.until), made.problems)
    with tempfile.TemporaryDirectory(prefix="livekit-analytics-compact-") as folder:
        database = connection(options.memory, options.threads, Path(folder))
        try:
            for number, (day, folders) in enumerate(days.items(), 1):
                at = Progress(day, number, len(days))
                on_progress(at)
                work = Path(folder) / day.isoformat()
                work.mkdir()

                def reported(done: int, total: int, at: Progress = at) -> None:
                    on_progress(replace(at, done=done, total=total))

                partition = _Partition(here, there, day, folders, options, made.problems)
                try:
                    made.partitions.append(
                        partition.compacted(Parts(database, work, options.part_bytes), reported)
                    )
                except LakeError as error:
                    made.failed[day] = str(error)
                except OSError as error:  # the disk of the temporary directory is full
                    made.failed[day] = f"{folder}: {error.strerror or type(error).__name__}"
        finally:
            database.close()
    return made


class _Partition:
    """One day's objects, on their way."""

    def __init__(
        self,
        here: Directory | Bucket,
        there: Target,
        day: date,
        folders: list[str],
        options: Options,
        problems: list[Problem],
    ) -> None:
        self._here = here
        self._there = there
        self._day = day
        self._folder = f"year={day:%Y}/month={day:%m}/day={day:%d}/"
        self._folders = folders
        self._options = options
        self._problems = problems
        self._seen: set[bytes] = set()

    def compacted(self, parts: Parts, on_progress: Callable[[int, int], None]) -> Done:
        """Do what is to be done.

        Raises:
            LakeError: It cannot be done; what was there is there.
        """
        objects = originals.objects(self._here, self._folders, self._problems)
        before = self._manifest()
        how, chosen, kept = self._plan(objects, before)
        if before and not chosen and how == "unchanged":
            manifest = before
        else:
            manifest = self._written(objects, chosen, kept, parts, on_progress)
        self._tidy(manifest)
        self._name_again(manifest, {each.name for each in chosen})
        deleted = self._delete(manifest) if self._options.delete_originals else 0
        entries = manifest.entries.values()
        return Done(
            self._day,
            how,
            len(manifest.entries),
            manifest.rows,
            len(manifest.parts),
            sum(part.bytes for part in manifest.parts),
            sum(each.duplicates for each in entries),
            sum(each.unreadable for each in entries),
            deleted,
        )

    def _manifest(self) -> Manifest | None:
        """The manifest of a partition that is whole."""
        body = self._there.get(self._folder + NAME)
        found = unpacked(body) if body else None
        if found is None:
            return None
        sizes = self._there.sizes(self._folder)
        whole = all(sizes.get(part.name) == part.bytes for part in found.parts)
        return found if whole else None

    def _plan(
        self, objects: dict[str, Object], before: Manifest | None
    ) -> tuple[Literal["written", "added", "unchanged"], list[Object], Manifest | None]:
        """What to read, and the manifest whose rows stay."""
        everything = list(objects.values())
        if before is None:
            return "written", everything, None
        # What could not be fetched has no rows: it may be gone.
        known = {name: each.version for name, each in before.entries.items() if each.version}
        gone = known.keys() - objects.keys()
        changed = [
            each for name, each in objects.items() if known.get(name) != originals.version(each)
        ]
        if not gone:
            if changed or self._options.again:
                return "written", everything, None
            return "unchanged", [], before
        if before.originals_deleted or self._options.gone == "keep":
            return ("added", changed, before) if changed else ("unchanged", [], before)
        if self._options.gone == "drop":
            return "written", everything, None
        raise LakeError(
            f"{len(gone)} objects that are in the Parquet are gone, {sorted(gone)[0]} among them: "
            "pass --gone keep (they expired) or --gone drop (they were erased)"
        )

    def _written(
        self,
        objects: dict[str, Object],
        chosen: list[Object],
        kept: Manifest | None,
        parts: Parts,
        on_progress: Callable[[int, int], None],
    ) -> Manifest:
        versions = {each.name: originals.version(each) for each in chosen}
        entries = dict(kept.entries) if kept else {}
        written: list[Written] = []
        rows = 0
        for number, found in enumerate(fetched(self._here, chosen)):
            on_progress(number, len(chosen))
            counts = _Counts()
            for line, record in self._lines(found, counts):
                written += parts.add(line, record)
            entries[found.object.name] = counts.entry(found, versions[found.object.name])
            rows += counts.rows
        written += parts.finish()
        on_progress(len(chosen), len(chosen))
        if (counted := sum(each.rows for each in written)) != rows:
            raise LakeError(f"{counted} of {rows} records are in the Parquet: nothing was replaced")
        # Only now, when all of it is there to be put.
        made = self._published(generation(versions), written, kept.parts if kept else [])
        manifest = Manifest(
            self._day, self._here.path, made, entries, bool(kept and kept.originals_deleted)
        )
        self._put_manifest(manifest)
        return manifest

    def _lines(
        self, found: Fetched, counts: _Counts
    ) -> Iterator[tuple[bytes, dict[str, Any] | None]]:
        """The records of an object, each once; what is wrong is named."""
        name = found.object.name

        def wrong(line: int | None, reason: str, severity: Severity = "error") -> None:
            self._problems.append(Problem(name, line, reason, severity))
            counts.problems.append((line, severity, reason))

        if found.failure:
            wrong(None, found.failure)
            return
        unpacked_lines = lines(found.body)
        kept = unpacked_lines.lines
        if len(kept) > 1 and inspect(kept[0][1]).session_id is None and (one := whole(kept)):
            kept = [(1, one)]
        for number, line in kept:
            seen = inspect(line)
            if seen.session_id is None:
                for finding in seen.findings:
                    wrong(number, finding.reason)
                continue
            for reason in _remarks(seen):
                wrong(number, reason, "warning")
            if self._known(seen):
                counts.duplicates += 1
                continue
            counts.rows += 1
            clean = seen.clean and seen.schema_version == SCHEMA_VERSION
            yield line, None if clean else from_json(line)
        if unpacked_lines.broken:
            wrong(unpacked_lines.breaks_at, unpacked_lines.broken)

    def _known(self, seen: Inspection) -> bool:
        """Whether the partition has this revision already: Firehose delivers some twice."""
        text = f"{seen.session_id}\0{seen.revision}".encode("utf-8", "replace")
        digest = hashlib.blake2b(text, digest_size=16).digest()
        if digest in self._seen:
            return True
        self._seen.add(digest)
        return False

    def _published(self, mark: str, written: list[Written], kept: list[Part]) -> list[Part]:
        """Put the files among the parts that stay; where one cannot be put, none is there."""
        made: list[Part] = []
        already = self._there.sizes(self._folder)
        try:
            for each in written:
                name = f"part-{mark}-{len(made):05}.parquet"
                made.append(Part(name, each.rows, each.file.stat().st_size))
                self._there.put(self._folder + name, each.file)
        except LakeError:
            for part in made:
                if part.name not in already:
                    with suppress(LakeError):  # the next run clears it away
                        self._there.remove(self._folder + part.name)
            raise
        return [*kept, *made]

    def _put_manifest(self, manifest: Manifest) -> None:
        with tempfile.TemporaryDirectory(prefix="livekit-analytics-manifest-") as folder:
            file = Path(folder) / NAME
            file.write_bytes(manifest.packed())
            self._there.put(self._folder + NAME, file)

    def _tidy(self, manifest: Manifest) -> None:
        """Remove what earlier runs left: parts that were replaced, files that were never finished.

        After the manifest, so that there are never fewer rows than there were: a reader that comes
        in between sees some twice, which the views take out.
        """
        current = {part.name for part in manifest.parts}
        for name in self._there.sizes(self._folder):
            ours = name.startswith("part-") or (name.startswith(".part-") and name.endswith(".tmp"))
            if ours and name not in current:
                self._there.remove(self._folder + name)

    def _name_again(self, manifest: Manifest, read: set[str]) -> None:
        """What could not be read is not well because it was named before."""
        for entry in manifest.entries.values():
            if entry.unreadable and entry.name not in read:
                for line, severity, reason in entry.problems:
                    if severity == "error":
                        self._problems.append(Problem(entry.name, line, reason))

    def _delete(self, manifest: Manifest) -> int:
        """Delete the objects that are in the Parquet as they are now, and of which all was read."""
        listed = originals.objects(self._here, self._folders, [])
        condemned = [
            each
            for name, each in listed.items()
            if (entry := manifest.entries.get(name))
            and entry.version == originals.version(each)
            and not entry.unreadable
        ]
        if not condemned:
            return 0
        # First this: whoever finds them gone must know that we did it.
        manifest.originals_deleted = True
        self._put_manifest(manifest)
        failed = originals.delete(self._here, condemned)
        for name, reason in failed.items():
            self._problems.append(Problem(name, None, f"not deleted ({reason})", "warning"))
        return len(condemned) - len(failed)


@dataclass
class _Counts:
    """What came of one object."""

    rows: int = 0
    duplicates: int = 0
    problems: list[tuple[int | None, str, str]] = field(default_factory=list)

    def entry(self, found: Fetched, version: str) -> Entry:
        """For the manifest; what could not be fetched has no version, so that it is tried again."""
        return Entry(
            found.object.name,
            "" if found.failure else version,
            found.object.size,
            self.rows,
            self.duplicates,
            tuple(self.problems),
        )


def _remarks(seen: Inspection) -> Iterator[str]:
    """What is worth saying of a record that is in the Parquet."""
    if seen.schema_version != SCHEMA_VERSION:
        yield f"schema version {seen.schema_version}, not {SCHEMA_VERSION}"
    for finding in seen.findings:
        yield finding.reason
