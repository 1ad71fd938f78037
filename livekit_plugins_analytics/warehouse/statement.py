"""One statement of SQL, and what it is for."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass


@dataclass(frozen=True)
class Statement:
    """A statement without its semicolon.

    Args:
        name: What it makes or does: a table's name, or "merge".
        about: One sentence for whoever runs it.
        sql: The statement.
    """

    name: str
    about: str
    sql: str


def script(statements: Iterable[Statement]) -> str:
    """All of them as a script: each after its comment, with its semicolon."""
    return "\n\n".join(f"-- {each.about}\n{each.sql};" for each in statements)
