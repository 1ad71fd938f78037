"""Stored records as DuckDB tables: listed by partition, read in parallel, queried in place."""

from __future__ import annotations

import tempfile
from collections.abc import Callable
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from types import TracebackType
from typing import TYPE_CHECKING

from .batch import Batch
from .cache import Cache
from .compacted import beside, compacted, is_compacted
from .database import connect, lock
from .fetching import Fetched, fetched
from .inspection import documents, inspect
from .lines import lines
from .listing import Bucket, Directory, LakeError, Object, newest_days, records, source
from .parquet import readable, selects
from .partition import Span
from .problem import Problem, Severity
from .views import statements, table, union

if TYPE_CHECKING:
    from typing_extensions import Self

# Of one statement: it is what DuckDB has to hold at a time besides its tables.
_BATCH_BYTES = 64 << 20


@dataclass(frozen=True)
class Progress:
    """How far loading is."""

    step: str
    """``listing``, ``reading`` or ``indexing``."""
    done: int = 0
    """Objects."""
    total: int | None = None
    """Objects; null where it is not known yet."""


@dataclass(frozen=True)
class Loaded:
    """What was loaded."""

    objects: int
    """Objects that were read, or were to be: not those whose records are in Parquet."""
    cached: int
    """Of them, those that were on this machine already."""
    parquet: int
    """Parquet files."""
    records: int
    """Rows of ``records``."""
    sessions: int
    """Rows of ``sessions``."""
    left_out: int
    """Objects and lines that could not be read; `Lake.problems` names them."""


class Lake:
    """Records of a directory or a bucket, as tables in a DuckDB of their own.

    Use it as a context manager: its database is a temporary file.

    Attributes:
        connection: After `load` it has the table ``records`` (every record, with the ``object``
            and ``line`` it was read from) and the views of `views.names`. In UTC; times are
            TIMESTAMP.
        problems: What was wrong with what was read.
    """

    def __init__(
        self,
        where: Directory | Bucket,
        span: Span,
        cache: Cache | None = None,
        parquet: str | None = None,
    ) -> None:
        self._source = where
        self._span = span
        self._cache = cache
        self._parquet = parquet
        self._folder = tempfile.TemporaryDirectory(prefix="livekit-analytics-")
        self._allowed: list[str] = []
        self.problems: list[Problem] = []
        self.connection = connect(Path(self._folder.name) / "lake.duckdb")

    @classmethod
    def open(
        cls,
        path: str,
        *,
        since: date | None = None,
        until: date | None = None,
        cache: Path | None = None,
        parquet: str | None = None,
    ) -> Lake:
        """Open the records of some days; nothing is read yet.

        Args:
            path: A directory, a file, or ``s3://bucket/prefix``.
            since: The first day: the UTC date on which calls began.
            until: The last day.
            cache: Where objects of a bucket are kept; null: nowhere. `default_folder` is the
                platform's place.
            parquet: Where compacted records are; null: below the path, and in ``parquet/``
                beside it, where there is such a folder.

        Raises:
            LakeError: There is no such place or no way to it, or DuckDB is not installed.
        """
        kept = Cache(cache) if cache else None
        return cls(source(path), Span(since, until), kept, parquet)

    def load(
        self,
        on_progress: Callable[[Progress], None] = lambda _: None,
        *,
        at_least: int | None = None,
    ) -> Loaded:
        """Read everything. What cannot be read is named in `problems`; the rest goes on.

        Compacted records are read first, and by each query where they are; then those that are
        not in there.

        Args:
            on_progress: Called from this thread.
            at_least: Only the newest days that hold so many objects.

        Raises:
            LakeError: The root cannot be listed.
        """
        on_progress(Progress("listing"))
        listed = records(self._source, self._span, self.problems, also=is_compacted)
        if at_least is not None:
            listed = newest_days(listed, at_least, large=is_compacted)
        queries, objects = self._compacted(listed)
        cached = self._read(objects, "originals" if queries else "records", on_progress)
        if queries:
            self.connection.execute(union("originals", iter(queries)))
        if self._cache:
            self._cache.trim()
        on_progress(Progress("indexing", len(objects), len(objects)))
        sessions = self._index()
        return Loaded(
            objects=len(objects),
            cached=cached,
            parquet=len(self._allowed),
            records=self._count("records"),
            sessions=sessions,
            left_out=sum(each.severity == "error" for each in self.problems),
        )

    def _compacted(self, listed: list[Object]) -> tuple[list[str], list[Object]]:
        """Queries for compacted records, and the objects whose records are not among them."""
        places: list[tuple[Directory | Bucket, list[Object]]] = []
        if self._parquet is None:
            places.append((self._source, [each for each in listed if is_compacted(each.name)]))
        if self._parquet is not None or beside(self._source.path):
            places += self._elsewhere(self._parquet or beside(self._source.path) or "")
        objects = [each for each in listed if not is_compacted(each.name)]
        usable: dict[tuple[str, ...], list[Path]] = {}
        for number, (place, found) in enumerate(places):
            if not found:
                continue
            scratch = Path(self._folder.name) / f"parquet-{number}"
            there = compacted(place, found, self.problems, self._cache, scratch)
            before = len(self.problems)
            for names, paths in readable(self.connection, there.files, self.problems).items():
                usable.setdefault(names, []).extend(paths)
            if len(self.problems) == before:
                # With a damaged part, all is read that was compacted.
                objects = there.without(objects)
        self._allowed = [str(path) for paths in usable.values() for path in paths]
        return list(selects(usable, self._span)), objects

    def _elsewhere(self, path: str) -> list[tuple[Directory | Bucket, list[Object]]]:
        """Compacted records at a path; where nobody has named it, it need not be there."""
        try:
            place = source(path)
            found = records(place, self._span, self.problems, also=is_compacted)
        except LakeError:
            if self._parquet is not None:
                raise
            return []
        return [(place, [each for each in found if is_compacted(each.name)])]

    def _read(
        self, objects: list[Object], name: str, on_progress: Callable[[Progress], None]
    ) -> int:
        """Read objects into a table; returns how many were on this machine already."""
        self.connection.execute(table(name))
        clean, odd = (
            Batch(
                self.connection,
                name,
                Path(self._folder.name) / "batch.ndjson",
                self._span,
                self.problems,
                strict=strict,
            )
            for strict in (True, False)
        )
        cached = 0
        for number, found in enumerate(fetched(self._source, objects, self._cache)):
            on_progress(Progress("reading", number, len(objects)))
            cached += found.cached
            self._take(found, clean, odd)
        for batch in (clean, odd):
            batch.load()
        return cached

    def lock(self, *, allow_files: bool = False) -> None:
        """Let no SQL that follows reach other files or the network, or change this back.

        Args:
            allow_files: Reach them all the same.
        """
        lock(self.connection, None if allow_files else self._allowed)

    def close(self) -> None:
        """Remove the database."""
        self.connection.close()
        self._folder.cleanup()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self.close()

    def _take(self, found: Fetched, clean: Batch, odd: Batch) -> None:
        name = found.object.name
        if found.failure:
            self.problems.append(Problem(name, None, found.failure))
            return
        unpacked = lines(found.body)
        for number, line in documents(unpacked):
            seen = inspect(line)
            for finding in seen.findings:
                severity: Severity = "error" if seen.session_id is None else "warning"
                self.problems.append(Problem(name, number, finding.reason, severity))
            if seen.session_id is not None:
                batch = clean if seen.clean else odd
                batch.add(name, number, line)
                if batch.bytes >= _BATCH_BYTES:
                    batch.load()
        if unpacked.broken:
            self.problems.append(Problem(name, unpacked.breaks_at, unpacked.broken))

    def _index(self) -> int:
        """Find what later revisions have followed, make the views; returns how many calls."""
        self.connection.execute(
            "CREATE TABLE superseded AS SELECT object, line FROM records "
            "QUALIFY row_number() OVER (PARTITION BY session_id "
            "ORDER BY revision DESC NULLS LAST, object DESC, line DESC) > 1"
        )
        superseded = self._count("superseded")
        for statement in statements(superseded=bool(superseded)):
            self.connection.execute(statement)
        return self._count("records") - superseded

    def _count(self, name: str) -> int:
        row = self.connection.execute(f"SELECT count(*) FROM {name}").fetchone()
        assert row
        return int(row[0])
