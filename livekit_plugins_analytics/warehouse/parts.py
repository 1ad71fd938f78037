"""Lines on their way into the Parquet files of one partition.

DuckDB reads one file of many lines in a hundredth of the time that many files of one take, so lines
go through a file. Its memory is bounded; what does not fit goes to its temporary directory.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, BinaryIO

from .columns import columns, duckdb_structure, quoted
from .objects import LakeError
from .surplus import separated, text_of

if TYPE_CHECKING:
    from duckdb import DuckDBPyConnection

MISSING = "DuckDB is not installed: pip install 'livekit-plugins-analytics[data]'"

# Of a record beside its own keys, in the file only: no record has such a key.
_EXTRA = "_extra_of_compaction"
# Rows that a reader can skip or has to read as one; 10,240 records are about 100 MB unpacked.
_GROUP = 10_240
# A line beyond is a call of hours, or hostile: such lines are written by themselves, for DuckDB
# takes 2,048 lines at a time, however long they are.
_LONG = 1 << 20
_LONG_BYTES = 64 << 20


@dataclass(frozen=True)
class Written:
    """A Parquet file that was written and read back."""

    file: Path
    rows: int


class Parts:
    """Writes files of about the same size.

    Args:
        connection: From `connection`.
        folder: For files that are gone afterwards.
        part_bytes: JSON that goes into one file; compressed it is about a seventh.
    """

    def __init__(self, connection: DuckDBPyConnection, folder: Path, part_bytes: int) -> None:
        self._connection = connection
        self._folder = folder
        self._part_bytes = part_bytes
        self._number = 0
        self._short = _Spool(folder / "short")
        self._long = _Spool(folder / "long")

    def add(self, line: bytes, record: dict[str, Any] | None) -> Iterator[Written]:
        """Take a record; gives a file where one is full.

        Args:
            line: Its JSON.
            record: The same parsed, where a value is known not to fit its column.

        Raises:
            LakeError: DuckDB cannot write it.
        """
        spool, limit = self._short, self._part_bytes
        if len(line) > _LONG:
            spool, limit = self._long, _LONG_BYTES
        if record is None:
            spool.add(line.strip(), odd=False)
        else:
            spool.add(_apart(record), odd=True)
        if spool.bytes >= limit:
            yield from self._write(spool)

    def finish(self) -> Iterator[Written]:
        """Write what waits.

        Raises:
            LakeError: DuckDB cannot write it.
        """
        for spool in (self._short, self._long):
            yield from self._write(spool)

    def _write(self, spool: _Spool) -> Iterator[Written]:
        rows = spool.rows
        if not rows:
            return
        spool.close()
        self._number += 1
        file = self._folder / f"{self._number:05}.parquet"
        try:
            self._copy(spool, file)
        except Exception as error:
            # A value fits the schema and no column (a number beyond 64 bits), or a line is JSON
            # for us and not for DuckDB: look at each.
            if _lacks_memory(error):
                raise LakeError(_MEMORY) from None
            spool.split_all()
            try:
                self._copy(spool, file)
            except Exception as again:
                raise LakeError(_MEMORY if _lacks_memory(again) else _said(again)) from None
        counted = self._counted(file)
        if counted != rows:
            raise LakeError(f"{counted} of {rows} records are in the Parquet: nothing was replaced")
        spool.clear()
        yield Written(file, rows)

    def _copy(self, spool: _Spool, file: Path) -> None:
        names = ", ".join(quoted(one.name) for one in columns())
        structure = _literal(duckdb_structure())
        extra = _literal(json.dumps({_EXTRA: "VARCHAR"}))
        selects = []
        for path, odd in ((spool.clean, False), (spool.odd, True)):
            if not path.exists():
                continue
            function = "json_transform" if odd else "json_transform_strict"
            rest = f"json_transform(json, {extra}).{_EXTRA}" if odd else "NULL::VARCHAR"
            selects.append(
                f"SELECT {names}, extra FROM (SELECT unnest({function}(json, {structure})), "
                f"{rest} AS extra FROM read_json_objects({_literal(str(path))}, "
                "format = 'newline_delimited', compression = 'uncompressed', "
                f"maximum_object_size = {max(spool.longest + 1024, 16 << 20)}))"
            )
        self._connection.execute(
            f"COPY ({' UNION ALL '.join(selects)}) TO {_literal(str(file))} "
            f"(FORMAT parquet, COMPRESSION zstd, ROW_GROUP_SIZE {_GROUP})"
        )

    def _counted(self, file: Path) -> int:
        """Rows that have a session: a line that DuckDB could not take would have none."""
        row = self._connection.execute(
            "SELECT count(session_id) FROM read_parquet(?)", [str(file)]
        ).fetchone()
        assert row
        return int(row[0])


class _Spool:
    """Lines in two files: those whose every value fits, and those that were split."""

    def __init__(self, stem: Path) -> None:
        self.clean = stem.with_name(f"{stem.name}-clean.ndjson")
        self.odd = stem.with_name(f"{stem.name}-odd.ndjson")
        self._files: dict[Path, BinaryIO] = {}
        self.rows = self.bytes = self.longest = 0

    def add(self, line: bytes, *, odd: bool) -> None:
        path = self.odd if odd else self.clean
        if path not in self._files:
            self._files[path] = path.open("ab")
        self._files[path].write(line + b"\n")
        self.rows += 1
        self.bytes += len(line)
        self.longest = max(self.longest, len(line))

    def split_all(self) -> None:
        """Look at each of the clean lines after all."""
        with open(self.odd, "ab") as odd:
            if self.clean.exists():
                with open(self.clean, "rb") as clean:
                    for line in clean:
                        split = _apart(json.loads(line))
                        self.longest = max(self.longest, len(split))
                        odd.write(split + b"\n")
        self.clean.unlink(missing_ok=True)

    def close(self) -> None:
        for file in self._files.values():
            file.close()
        self._files = {}

    def clear(self) -> None:
        self.close()
        self.clean.unlink(missing_ok=True)
        self.odd.unlink(missing_ok=True)
        self.rows = self.bytes = self.longest = 0


def connection(memory: str, threads: int, folder: Path) -> DuckDBPyConnection:
    """A DuckDB that stays within its memory and downloads nothing.

    Args:
        memory: As DuckDB reads it: ``1GB``.
        threads: More are faster where there are processors, and take more memory.
        folder: For what does not fit in memory.

    Raises:
        LakeError: DuckDB is not installed, or does not take the memory.
    """
    try:
        import duckdb
    except ModuleNotFoundError:
        raise LakeError(MISSING) from None
    settings: dict[str, Any] = {
        "memory_limit": memory,
        "threads": threads,
        "temp_directory": str(folder / "spill"),
        "autoinstall_known_extensions": False,
        "autoload_known_extensions": False,
        "python_enable_replacements": False,
        "preserve_insertion_order": False,
    }
    try:
        made = duckdb.connect(config=settings)
    except duckdb.Error:
        raise LakeError(f"--memory {memory}: write it as 512MB or 2GB") from None
    made.execute("SET TimeZone = 'UTC'")
    return made


_MEMORY = "DuckDB needs more memory for these records: raise --memory"


def _apart(record: dict[str, Any]) -> bytes:
    kept, rest = separated(record)
    text = json.dumps({**kept, _EXTRA: text_of(rest)}, separators=(",", ":"), ensure_ascii=False)
    # A lone surrogate is JSON and no text.
    return text.encode("utf-8", "replace")


def _lacks_memory(error: Exception) -> bool:
    return type(error).__name__ == "OutOfMemoryException"


def _said(error: Exception) -> str:
    """What DuckDB says, without the record that its messages quote."""
    return f"DuckDB cannot write these records ({type(error).__name__})"


def _literal(text: str) -> str:
    return "'" + text.replace("'", "''") + "'"
