"""Where a string of a pack stands in its file: TOML parsers tell no positions."""

from __future__ import annotations

import re
from collections.abc import Iterator

# Strings of TOML and, so that no quote in them counts, its comments.
_STRING = re.compile(
    r'"""(?P<long>(?:\\.|(?!""").)*)"""'
    r"|'''(?P<raw_long>(?:(?!''').)*)'''"
    r'|"(?P<basic>(?:\\.|[^"\\\n])*)"'
    r"|'(?P<raw>[^'\n]*)'"
    r"|\#[^\n]*",
    re.DOTALL,
)
_ESCAPE = re.compile(r"\\(?:u[0-9A-Fa-f]{4}|U[0-9A-Fa-f]{8}|\r?\n\s*|.)|.", re.DOTALL)
_ESCAPED = {"b": "\b", "t": "\t", "n": "\n", "f": "\f", "r": "\r", "e": "\x1b"}


def locate(text: str, wanted: str, offset: int, after_line: int = 1) -> tuple[int, int] | None:
    """Line and column, from 1, of a character of a string in TOML text.

    Args:
        text: The file.
        wanted: The string's value.
        offset: The character's index in the value.
        after_line: Where to begin; what stands there wins over the same string further up.

    Returns:
        The place; None where no string of the file has this value.
    """
    found = list(_places(text, wanted, offset))
    later = [at for at in found if at[0] >= after_line]
    return next(iter(later or found), None)


def _places(text: str, wanted: str, offset: int) -> Iterator[tuple[int, int]]:
    for match in _STRING.finditer(text):
        kind = match.lastgroup
        if kind is None:
            continue
        start = match.start(kind)
        if kind.endswith("long") and text[start : start + 1] == "\n":
            start += 1  # TOML drops a line's end right after the quotes
        written = text[start : match.end(kind)]
        pieces = list(written) if kind.startswith("raw") else _ESCAPE.findall(written)
        values = pieces if kind.startswith("raw") else [_unescaped(p) for p in pieces]
        if "".join(values) != wanted:
            continue
        position = start
        passed = 0
        for piece, value in zip(pieces, values, strict=True):
            if passed + len(value) > offset:
                break
            passed += len(value)
            position += len(piece)
        line_start = text.rfind("\n", 0, position) + 1
        yield text.count("\n", 0, position) + 1, position - line_start + 1


def _unescaped(piece: str) -> str:
    if not piece.startswith("\\"):
        return piece
    if piece[1] in "uU":
        return chr(int(piece[2:], 16))
    return "" if piece[1] in "\r\n" else _ESCAPED.get(piece[1], piece[1])
