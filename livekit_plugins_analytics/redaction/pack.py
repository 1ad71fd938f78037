"""Files of a team's own entities: TOML, a table for each. The one module that reads files."""

from __future__ import annotations

import re
import sys
from pathlib import Path
from typing import Any

from .errors import RedactionError
from .own import Own
from .said import Said

if sys.version_info >= (3, 11):
    import tomllib
else:  # pragma: no cover  # the standard library has it from 3.11 on
    import tomli as tomllib

_KEYS = ("patterns", "context", "examples")
_MAX_BYTES = 1_000_000


def load(path: str) -> list[Own]:
    """The entities of a file.

        [customer-id]
        patterns = ['C-\\d{6}']
        context = ["customer", "client"]    # optional: one of them must be near
        examples = ["my client id is C-123456"]   # optional: each must be found

    Raises:
        RedactionError: The file cannot be read, or something in it is wrong; names the file, the
            line and the entity.
    """
    try:
        with Path(path).open("rb") as file:
            body = file.read(_MAX_BYTES + 1)
    except (OSError, ValueError) as error:
        reason = getattr(error, "strerror", None) or "not a file's name"
        raise RedactionError(f"{path}: cannot be read ({reason})") from None
    if len(body) > _MAX_BYTES:
        raise RedactionError(f"{path}: larger than {_MAX_BYTES // 1_000_000} MB; split it")
    try:
        text = body.decode("utf-8-sig")
    except UnicodeDecodeError:
        raise RedactionError(f"{path}: not UTF-8 text; save it as UTF-8") from None
    return parse(text, path)


def parse(text: str, source: str) -> list[Own]:
    """The entities of TOML text; see `load`."""
    try:
        data = tomllib.loads(text)
    except (tomllib.TOMLDecodeError, RecursionError) as error:
        raise RedactionError(f"{source}: not TOML: {error}") from None
    if not data:
        raise RedactionError(f"{source}: no entity; write a table: [customer-id]")
    found = []
    for name, table in data.items():
        try:
            found.append(_own(name, table))
        except RedactionError as error:
            line = _line(text, name)
            place = source if line is None else f"{source}:{line}"
            raise RedactionError(f"{place}: {error}") from None
    return found


def _own(name: str, table: Any) -> Own:
    if not isinstance(table, dict):
        raise RedactionError(f"{name!r} must be a table: [{name}]")
    unknown = sorted(set(table) - set(_KEYS))
    if unknown:
        raise RedactionError(
            f"entity {name!r}: no such key {unknown[0]!r}; there are: {', '.join(_KEYS)}"
        )
    patterns, context, examples = (_strings(name, table, key) for key in _KEYS)
    own = Own(name, patterns, context)
    for example in examples:
        if not any(own.find(Said(example))):
            raise RedactionError(
                f"entity {name!r}: example {example!r} is not found; mend the patterns or the "
                "context, or take it out"
            )
    return own


def _strings(name: str, table: dict[str, Any], key: str) -> list[str]:
    value = table.get(key, [])
    listed = [value] if isinstance(value, str) else value
    if not isinstance(listed, list) or not all(isinstance(v, str) and v for v in listed):
        raise RedactionError(f"entity {name!r}: {key} must be a list of strings")
    return listed


def _line(text: str, name: str) -> int | None:
    """The line that opens the entity's table."""
    opening = re.compile(rf"\s*(?:\[\s*)?[\"']?{re.escape(name)}[\"']?\s*[\]=]")
    lines = enumerate(text.splitlines(), 1)
    return next((number for number, line in lines if opening.match(line)), None)
