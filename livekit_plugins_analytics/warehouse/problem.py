"""What is wrong with something that was read: where, and what came of it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

Severity = Literal["error", "warning"]


@dataclass(frozen=True)
class Problem:
    """One thing that is wrong with an object or one of its lines.

    Never carries what a caller said: reasons name fields and types, not values.
    """

    name: str
    """The object: a path below the lake's, or a key below its prefix."""
    line: int | None
    """Counted from 1; null where the object as a whole is meant."""
    reason: str
    severity: Severity = "error"
    """``error``: the line was left out. ``warning``: it is there, with what the reason says."""

    def __str__(self) -> str:
        place = self.name if self.line is None else f"{self.name}:{self.line}"
        return f"{place}: {self.reason}"
