"""Values computed at close from the others: the qualification tier."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

_COMPARISON = re.compile(r"(?P<name>[a-z_]+) *(?P<op>>=|<=|>|<|==|!=) *(?P<value>.+)")
_MEMBERSHIP = re.compile(r"(?P<name>[a-z_]+) +(?P<op>in|has) +(?P<value>.+)")
_KNOWN = re.compile(r"(?P<name>[a-z_]+) +(?P<op>known|unknown)")


@dataclass(frozen=True)
class Condition:
    """``team_size >= 5``, ``integration_needs has salesforce, hubspot``, ``team_size known``."""

    name: str
    op: str
    value: Any = None

    @classmethod
    def parse(cls, text: str) -> Condition:
        """Read a condition.

        Raises:
            ValueError: It is none; the message shows the three forms.
        """
        stripped = text.strip()
        if match := _KNOWN.fullmatch(stripped):
            return cls(match["name"], match["op"])
        if match := _MEMBERSHIP.fullmatch(stripped):
            return cls(match["name"], match["op"], frozenset(_names(match["value"])))
        if match := _COMPARISON.fullmatch(stripped):
            return cls(match["name"], match["op"], _scalar(match["value"]))
        raise ValueError(
            "no condition; write 'name >= 5', 'name has a, b', 'name in a, b' or 'name known'"
        )

    def holds(self, values: Mapping[str, Any]) -> bool:
        """Whether it is true of the values; what is unknown fulfils nothing but 'unknown'."""
        if self.name not in values:
            return self.op == "unknown"
        known = values[self.name]
        if self.op in ("known", "unknown"):
            return self.op == "known"
        if self.op in ("has", "in"):
            held = known if isinstance(known, list) else [known]
            return not self.value.isdisjoint(str(v) for v in held)
        try:
            return bool(_OPERATIONS[self.op](known, self.value))
        except TypeError:
            return False


@dataclass(frozen=True)
class Computed:
    """A signal that nobody says: the first case that holds gives its value."""

    name: str
    cases: tuple[tuple[Any, tuple[Condition, ...]], ...]
    """Value, and the conditions of which one must hold."""

    def value(self, values: Mapping[str, Any]) -> Any:
        """The value, or None where no case holds."""
        for value, conditions in self.cases:
            if any(c.holds(values) for c in conditions):
                return value
        return None


_OPERATIONS = {
    ">=": lambda a, b: a >= b,
    "<=": lambda a, b: a <= b,
    ">": lambda a, b: a > b,
    "<": lambda a, b: a < b,
    "==": lambda a, b: a == b,
    "!=": lambda a, b: a != b,
}


def _names(text: str) -> list[str]:
    return [name for part in text.split(",") if (name := part.strip())]


def _scalar(text: str) -> Any:
    text = text.strip()
    try:
        return int(text)
    except ValueError:
        pass
    try:
        return float(text)
    except ValueError:
        return text.strip("'\"")
