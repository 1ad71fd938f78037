"""The DuckDB of a lake: in a temporary file, in UTC, without a way out once it is locked."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from .objects import LakeError

if TYPE_CHECKING:
    from duckdb import DuckDBPyConnection

MISSING = (
    "DuckDB is not installed: pip install 'livekit-plugins-analytics[data]' (in a checkout: "
    "pip install -e '.[data]')"
)


def connect(path: Path) -> DuckDBPyConnection:
    """A database of its own.

    Args:
        path: Its file; what does not fit in memory goes beside it.

    Raises:
        LakeError: DuckDB is not installed.
    """
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


def lock(connection: DuckDBPyConnection, files: Sequence[str] | None) -> None:
    """Let no SQL that follows reach other files or the network, or change this back.

    Args:
        connection: Of `connect`.
        files: What may still be read; null: everything.
    """
    if files is not None:
        paths = ", ".join("'" + each.replace("'", "''") + "'" for each in files)
        connection.execute(f"SET allowed_paths = [{paths}]")
        connection.execute("SET enable_external_access = false")
    connection.execute("SET lock_configuration = true")
