"""One mention of something worth knowing, chosen or not, with its evidence."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime
from fractions import Fraction
from typing import Any, Literal

When = datetime | float | str | None
"""A moment in the caller's own terms; it is only passed through."""

Status = Literal["affirmed", "negated", "hypothetical", "someone_else"]


@dataclass(slots=True)
class Mention:
    """What one rule found in one turn of the caller. The record's ``signals[]`` in Python."""

    name: str
    """The signal."""
    value: Any
    status: Status
    chosen: bool
    """Whether the session's final value rests on it."""
    rule: str
    item_id: str | None
    """The committed turn; None for words that no turn covers."""
    at: When
    """As it was given to the listener."""
    text: str
    """The words as they were said."""
    asked: bool
    """Whether the agent's last line had asked for it."""
    weight: int = 1
    """Of the rule: a statement outweighs a hint."""
    start: int = field(default=0, repr=False)
    """Where in the turn's prepared text; for order."""
    number: Fraction | int | None = field(default=None, repr=False)
    """What was said, before units."""
    factor: Fraction | None = field(default=None, repr=False)
    """What the unit made of it; a correction ("sorry, thirty") takes it over."""
    spans: tuple[tuple[int, int], ...] = field(default=(), repr=False)
    """Where its numbers are; no other mention may claim them."""

    def line(self) -> dict[str, Any]:
        """The mention as ``signals[]`` has it; `at` as it was given."""
        return {
            "name": self.name,
            "value": self.value,
            "status": self.status,
            "chosen": self.chosen,
            "rule": self.rule,
            "item_id": self.item_id,
            "at": self.at,
            "text": self.text,
            "asked": self.asked,
        }
