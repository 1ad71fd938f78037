"""Stored records as DuckDB tables: listed by partition, read in parallel, queried in place."""

from __future__ import annotations

import tempfile
from collections.abc import Callable
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from types import TracebackType
from typing import TYPE_CHECKING, Any

from .batch import Batch
from .cache import Cache
from .fetching import Fetched, fetched
from .inspection import inspect
from .lines import lines, whole
from .listing import Bucket, Directory, LakeError, records, source
from .partition import Span
from .problem import Problem, Severity
from .views import statements, table

if TYPE_CHECKING:
    from duckdb import DuckDBPyConnection
    from typing_extensions import Self

MISSING = (
    "DuckDB is not installed: pip install 'livekit-plugins-analytics[data]' (in a checkout: "
    "pip install -e '.[data]')"
)

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
    """Objects that were listed and read or passed over."""
    cached: int
    """Of them, those that were on this machine already."""
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
        self, where: Directory | Bucket, span: Span, cache: Cache | None, folder: Path | None = None
    ) -> None:
        self._source = where
        self._span = span
        self._cache = cache
        self._folder = tempfile.TemporaryDirectory(prefix="livekit-analytics-", dir=folder)
        self.problems: list[Problem] = []
        self.connection = _connection(Path(self._folder.name) / "lake.duckdb")

    @classmethod
    def open(
        cls,
        path: str,
        *,
        since: date | None = None,
        until: date | None = None,
        cache: Path | None = None,
    ) -> Lake:
        """Open the records of some days; nothing is read yet.

        Args:
            path: A directory, a file, or ``s3://bucket/prefix``.
            since: The first day: the UTC date on which calls began.
            until: The last day.
            cache: Where objects of a bucket are kept; null: nowhere. `default_folder` is the
                platform's place.

        Raises:
            LakeError: There is no such place or no way to it, or DuckDB is not installed.
        """
        return cls(source(path), Span(since, until), Cache(cache) if cache else None)

    def load(self, on_progress: Callable[[Progress], None] = lambda _: None) -> Loaded:
        """Read everything. What cannot be read is named in `problems`; the rest goes on.

        Args:
            on_progress: Called from this thread.

        Raises:
            LakeError: The root cannot be listed.
        """
        on_progress(Progress("listing"))
        objects = records(self._source, self._span, self.problems)
        self.connection.execute(table())
        cached = 0
        clean = self._batch("clean", strict=True)
        odd = self._batch("odd", strict=False)
        for number, found in enumerate(fetched(self._source, objects, self._cache)):
            on_progress(Progress("reading", number, len(objects)))
            cached += found.cached
            self._take(found, clean, odd)
        for batch in (clean, odd):
            batch.load()
        if self._cache:
            self._cache.trim()
        on_progress(Progress("indexing", len(objects), len(objects)))
        sessions = self._index()
        return Loaded(
            objects=len(objects),
            cached=cached,
            records=self._count("records"),
            sessions=sessions,
            left_out=sum(each.severity == "error" for each in self.problems),
        )

    def lock(self, *, allow_files: bool = False) -> None:
        """Let no SQL that follows reach other files or the network, or change this back.

        Args:
            allow_files: Reach them all the same.
        """
        if not allow_files:
            self.connection.execute("SET enable_external_access = false")
        self.connection.execute("SET lock_configuration = true")

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

    def _batch(self, name: str, *, strict: bool) -> Batch:
        path = Path(self._folder.name) / f"{name}.ndjson"
        return Batch(self.connection, path, self._span, self.problems, strict=strict)

    def _take(self, found: Fetched, clean: Batch, odd: Batch) -> None:
        name = found.object.name
        if found.failure:
            self.problems.append(Problem(name, None, found.failure))
            return
        unpacked = lines(found.body)
        kept = unpacked.lines
        if len(kept) > 1 and inspect(kept[0][1]).session_id is None and (one := whole(kept)):
            kept = [(1, one)]
        for number, line in kept:
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


def _connection(path: Path) -> DuckDBPyConnection:
    try:
        import duckdb
    except ModuleNotFoundError:
        raise LakeError(MISSING) from None
    settings: dict[str, Any] = {
        # Nothing is downloaded, and no SQL reads this process' variables.
        "autoinstall_known_extensions": False,
        "autoload_known_extensions": False,
        "python_enable_replacements": False,
        "temp_directory": str(path.parent / "spill"),
    }
    connection = duckdb.connect(str(path), config=settings)
    connection.execute("SET TimeZone = 'UTC'")
    connection.execute("SET preserve_insertion_order = false")
    return connection
