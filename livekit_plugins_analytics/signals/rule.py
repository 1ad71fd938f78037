"""What a pack is made of: signals, and the rules that find them."""

from __future__ import annotations

from dataclasses import dataclass, field
from fractions import Fraction
from typing import Any, Literal

Check = Literal["negation", "hypothetical", "question", "someone_else"]
CHECKS: tuple[Check, ...] = ("negation", "hypothetical", "question", "someone_else")


@dataclass(frozen=True, kw_only=True)
class Signal:
    """What a pack looks for: a name in ``discovered_signals`` and the kind of its value."""

    name: str
    type: Literal["integer", "number", "text", "list"]
    fold: Literal["last", "first", "largest", "union"] = "last"
    """Which affirmed mention counts; lists are the union."""
    minimum: float | None = None
    maximum: float | None = None
    """Caps: a value outside is no mention."""
    questions: tuple[str, ...] = ()
    """Patterns of the agent's question for it; they license ``when = "asked"`` rules."""
    unless: tuple[str, ...] = ()
    """Patterns of what only looks like a mention; for all rules of the signal."""
    barriers: tuple[str, ...] = ()
    """Words that may not stand in a ``{gap}``: "software *for* banks" is no bank."""


@dataclass(frozen=True, kw_only=True)
class Rule:
    """Patterns that tell a signal's value. Texts are plain and in lower case when they match."""

    name: str
    signal: str
    patterns: tuple[str, ...]
    value: Any = None
    """The value; None: the number ``{n}`` (several are summed), or see `values`."""
    values: str | None = None
    """The table of values that ``{value}`` in the patterns goes through: each of its values has
    the patterns once, with its own words."""
    add: int = 0
    """Added to the number: "me and two others" is three."""
    per: str | None = None
    """The unit of time of ``{n}``, where no group ``(?P<per>...)`` captures it; "asked": the one
    in the agent's question ("how many a week?")."""
    range: Literal["low", "high", "middle"] = "high"
    """Which end of "fifty to a hundred" counts."""
    when: Literal["always", "asked", "answered"] = "always"
    """Always; only after the agent asked for the signal; or, with `answers`, where the caller
    answers: the patterns are the agent's question then."""
    answers: str | None = None
    """The signal that the answer must give: "how many NDAs?" "fifteen" is about NDAs."""
    near: tuple[str, ...] = ()
    """Patterns, one of which must be in the same turn or in the agent's last line."""
    unless: tuple[str, ...] = ()
    weight: int = 1
    checks: tuple[Check, ...] = CHECKS
    """What can take the affirmation away."""
    negated: Any = None
    """The value that a negation gives, affirmed: "not urgent" is low."""


@dataclass(frozen=True)
class Hit:
    """One match of one rule."""

    rule: Rule
    start: int
    end: int
    value: Any
    number: Fraction | None = None
    factor: Fraction = Fraction(1)
    spans: tuple[tuple[int, int], ...] = field(default=())
    """Where its numbers are."""
    focus: int = -1
    """Where its number, its ``{value}`` or its group ``focus`` begins; the words before that
    decide on its status."""
