"""What the data team was promised: each schema version's columns, kept in ``columns.json``.

``python -m tests.warehouse.snapshot`` brings the file up to date after a column was added. It
refuses what breaks a table that somebody has: that needs another ``SCHEMA_VERSION`` first.
"""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any

from livekit_plugins_analytics.record import SCHEMA_VERSION
from livekit_plugins_analytics.warehouse.columns import Column, ListOf, Struct, Type, columns

FILE = Path(__file__).with_name("columns.json")
CHANGELOG = Path(__file__).parents[2] / "CHANGELOG.md"
COMMAND = "python -m tests.warehouse.snapshot"

Types = dict[str, str]
"""By path, such as ``participants[].sip.call_id``, the type."""


def current() -> Types:
    """The columns of the schema as it is."""
    return _types(columns())


def kept() -> dict[str, Any]:
    """By schema version its columns, and those that were added since it began."""
    versions: dict[str, Any] = json.loads(FILE.read_text())
    return versions


def broken(before: Types, after: Types) -> list[str]:
    """What is gone, or has another type: it breaks tables, queries and loads."""
    gone = [f"{path} ({kind}) is gone" for path, kind in before.items() if path not in after]
    changed = [
        f"{path} was {kind} and is {after[path]}"
        for path, kind in before.items()
        if after.get(path, kind) != kind
    ]
    return gone + changed


def untold(versions: dict[str, Any], changelog: str) -> list[str]:
    """Versions and added columns that the changelog does not name."""
    silent = [f"schema {version}" for version in versions if f"schema {version}" not in changelog]
    for version in versions.values():
        names = (path.rpartition(".")[2].removesuffix("[]") for path in version["added"])
        silent += [f"`{name}`" for name in names if name not in changelog]
    return silent


def updated(versions: dict[str, Any], version: str, types: Types) -> dict[str, Any]:
    """The versions with this one as it is now.

    Raises:
        ValueError: Something is broken, and the version is still the same.
    """
    before = versions.get(version, {"columns": types, "added": []})
    if faults := broken(before["columns"], types):
        raise ValueError(
            f"{'; '.join(faults)}: SCHEMA_VERSION {version} promises it. Raise SCHEMA_VERSION in "
            "record.py and say so in CHANGELOG.md, or put the column back."
        )
    new = [path for path in types if path not in before["columns"]]
    return {**versions, version: {"added": before["added"] + new, "columns": types}}


def _types(of: tuple[Column, ...], path: str = "") -> Types:
    found: Types = {}
    for one in of:
        found |= _type(path + one.name, one.type)
    return found


def _type(path: str, of: Type) -> Types:
    if isinstance(of, ListOf):
        return {path: "ListOf", **_type(f"{path}[]", of.item)}
    if isinstance(of, Struct):
        return {path: "Struct", **_types(of.columns, f"{path}.")}
    return {path: type(of).__name__}


def main() -> int:
    """Bring the file up to date; 1 where that is refused."""
    try:
        versions = updated(kept(), SCHEMA_VERSION, current())
    except ValueError as error:
        print(error, file=sys.stderr)
        return 1
    FILE.write_text(json.dumps(versions, indent=1) + "\n")
    for name in untold(versions, CHANGELOG.read_text()):
        print(f"CHANGELOG.md does not name {name} yet.", file=sys.stderr)
    return 0


if __name__ == "__main__":
    sys.exit(main())
