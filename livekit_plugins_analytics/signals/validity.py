"""What a rule needs beyond patterns that compile."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence

from .engine import Pattern
from .rule import Rule, Signal


def problem_of(
    rule: Rule,
    compiled: Sequence[Pattern],
    signals: Mapping[str, Signal],
    units: Collection[str],
) -> str | None:
    """What is wrong with a rule and how to mend it; None where nothing is.

    Args:
        rule: The rule; its signal is known.
        compiled: Its patterns.
        signals: The pack's signals by name.
        units: The names of its units of time.
    """
    signal = signals[rule.signal]
    numeric = signal.type in ("integer", "number")
    problem = None
    if not compiled:
        problem = "no patterns"
    elif (rule.when == "answered") != (rule.answers in signals):
        problem = 'when = "answered" needs answers, a signal\'s name, and answers needs it'
    elif any(not _fits(v, numeric) for v in (rule.value, rule.negated)):
        kind = "a number" if numeric else "a string, a number or a boolean"
        problem = f"{rule.signal} is {signal.type}: value and negated must be {kind}"
    elif rule.values is not None and numeric:
        problem = f"{rule.signal} is a number, and the values of a table are texts"
    elif rule.values is not None:
        if not all("value" in p.groups for p in compiled):
            problem = "values, and a pattern without {value}"
    elif rule.value is None and not rule.add and not all(p.numbers for p in compiled):
        problem = "no value, and a pattern without {n}: give one of the two"
    elif rule.value is None and not numeric:
        problem = f"{rule.signal} is no number: give a value"
    elif rule.per not in (None, "asked") and rule.per not in units:
        problem = f"no unit {rule.per!r}; there are: {', '.join(sorted(units)) or 'none'}"
    return problem


def _fits(value: object, numeric: bool) -> bool:
    if value is None:
        return True
    if numeric:
        return isinstance(value, (int, float)) and not isinstance(value, bool)
    return isinstance(value, (str, int, float, bool))
