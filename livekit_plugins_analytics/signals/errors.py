"""What can be wrong with a pack of rules."""

from __future__ import annotations

from ..errors import SettingsError


class PackError(SettingsError):
    """A pack cannot be used. The message names the file, the rule, the column and the fix.

    Args:
        source: The pack's file, or its name where it was built in Python.
        rule: The rule at fault; None where it is the pack itself.
        column: The column of the fault, from 1: in the file where `line` is known, else in the
            pattern; None where it is no pattern.
        problem: What is wrong and how to mend it.
        line: The line of the file, from 1, where it is known.
        pattern: The pattern at fault.
    """

    def __init__(
        self,
        source: str,
        problem: str,
        *,
        rule: str | None = None,
        column: int | None = None,
        line: int | None = None,
        pattern: str | None = None,
    ) -> None:
        self.source, self.problem = source, problem
        self.rule, self.column, self.line = rule, column, line
        self.pattern = pattern
        place = source if line is None else f"{source}:{line}"
        if rule is not None:
            place += f", rule {rule!r}"
        if column is not None:
            place += f", column {column}"
        super().__init__(f"{place}: {problem}")

    def __reduce__(self) -> tuple[object, ...]:
        # Exceptions with keyword arguments do not pickle by themselves.
        return _rebuild, (
            self.source,
            self.problem,
            self.rule,
            self.column,
            self.line,
            self.pattern,
        )


def _rebuild(
    source: str,
    problem: str,
    rule: str | None,
    column: int | None,
    line: int | None,
    pattern: str | None,
) -> PackError:
    return PackError(source, problem, rule=rule, column=column, line=line, pattern=pattern)
