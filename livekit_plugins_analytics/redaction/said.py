"""One text with what all finders need of it, made when first asked for."""

from __future__ import annotations

from functools import cached_property

from . import context
from .digits import Run, runs
from .plain import plain


class Said:
    """A text to be searched.

    Args:
        text: As it was said or written.
    """

    def __init__(self, text: str) -> None:
        self.text = text
        self.plain = plain(text)

    @cached_property
    def runs(self) -> list[Run]:
        """The runs of digits, written and spoken."""
        return list(runs(self.plain))

    def nearest(self, start: int, *kinds: str) -> str | None:
        """Which of the kinds (see `context`) was spoken of last before a place."""
        return context.nearest(self.plain, start, *kinds)

    def follows(self, end: int, kind: str) -> bool:
        """Whether what comes after a place says that it was of a kind."""
        return context.follows(self.plain, end, kind)

    def priced(self, start: int, end: int) -> bool:
        """Whether a number is an amount: a sign of money, a unit or a share beside it."""
        return context.priced(self.plain, start, end)
