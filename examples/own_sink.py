"""A sink of your own: every record in a table of SQLite.

Put it into a package of yours, with this in the package's pyproject.toml:

    [project.entry-points."livekit_plugins_analytics.writers"]
    sqlite = "acme_calls:sqlite"

Install that where the agent runs, and name it: ANALYTICS_SINKS=s3,sqlite. The record is then
spooled until both have it, and `livekit-analytics doctor` probes both.
"""

from __future__ import annotations

import gzip
import os
import sqlite3
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path

from livekit_plugins_analytics import Parcel, Settings, SinkError

NAME = "sqlite"

TABLES = (
    """
    CREATE TABLE IF NOT EXISTS sessions (
        session_id TEXT PRIMARY KEY,
        revision INTEGER NOT NULL,
        record TEXT NOT NULL
    )
    """,
    "CREATE TABLE IF NOT EXISTS probes (name TEXT PRIMARY KEY)",
)

# An earlier revision never takes the place of a later one, whichever comes last.
KEEP_THE_LATEST = """
INSERT INTO sessions VALUES (?, ?, ?)
ON CONFLICT (session_id) DO UPDATE SET revision = excluded.revision, record = excluded.record
WHERE excluded.revision >= revision
"""


class SQLiteWriter:
    """Keeps the latest revision of each session in one row."""

    name = NAME

    def __init__(self, path: Path) -> None:
        # Nothing is opened yet: whoever creates it may only want to look.
        self._path = path

    def prepare(self) -> None:
        """Create the tables, before the first call."""
        with self._database() as database:
            for statement in TABLES:
                database.execute(statement)

    def write(self, parcel: Parcel) -> str:
        """Store the record. To return is to confirm; to repeat must be harmless."""
        self.prepare()
        with self._database() as database:
            if parcel.probe:  # of the doctor's: beside the records, never among them
                database.execute("INSERT OR IGNORE INTO probes VALUES (?)", (parcel.session_id,))
            else:
                record = gzip.decompress(parcel.body).decode()
                row = (parcel.session_id, parcel.revision, record)
                database.execute(KEEP_THE_LATEST, row)
        return f"sqlite:{self._path}"

    @contextmanager
    def _database(self) -> Iterator[sqlite3.Connection]:
        """A connection for this call alone, since sinks are called from several threads."""
        try:
            with closing(sqlite3.connect(self._path, timeout=4)) as database, database:
                yield database
        except sqlite3.OperationalError as error:
            raise SinkError(
                NAME,
                type(error).__name__,
                retryable=True,  # busy, perhaps; the record waits in the spool meanwhile
                fix="CALLS_DATABASE must be a file that this process may write",
            ) from None


def sqlite(settings: Settings) -> SQLiteWriter:
    """The entry point. Variables of your own are yours: ANALYTICS_ is this package's."""
    return SQLiteWriter(Path(os.environ.get("CALLS_DATABASE", "calls.db")))
