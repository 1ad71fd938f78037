"""What can be wrong with a rate card."""

from __future__ import annotations

from ..errors import SettingsError


class RatesError(SettingsError):
    """A rate card cannot be used. The message names the file, the entry and the fix.

    Args:
        problem: What is wrong and how to mend it.
        source: The card's file, or its name where it was made in code.
        entry: The entry at fault, from 1; None where it is the card itself.
        line: The line of the file, from 1, where it is known.
    """

    def __init__(
        self,
        problem: str,
        *,
        source: str = "rates",
        entry: int | None = None,
        line: int | None = None,
    ) -> None:
        self.problem, self.source, self.entry, self.line = problem, source, entry, line
        place = source if line is None else f"{source}:{line}"
        if entry is not None:
            place += f", rate {entry}"
        super().__init__(f"{place}: {problem}")

    def __reduce__(self) -> tuple[object, ...]:
        # Exceptions with keyword arguments do not pickle by themselves.
        return _rebuild, (self.problem, self.source, self.entry, self.line)


def _rebuild(problem: str, source: str, entry: int | None, line: int | None) -> RatesError:
    return RatesError(problem, source=source, entry=entry, line=line)
