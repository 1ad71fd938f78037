"""Entities of a team's own: patterns, and the words that must be near."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Iterator, Sequence
from itertools import accumulate

from .engine import Pattern
from .entities import ENTITIES, NAME
from .errors import RedactionError
from .plain import plain
from .said import Said
from .span import Span

# As far as a context word may be from a value, before or after it.
REACH = 60


class Own:
    """An entity that a team defines.

    Args:
        name: As the mask shows it: ``[customer-id-1]``.
        patterns: RE2 syntax; case counts unless the pattern says ``(?i)``. Where one has a group
            ``(?P<value>...)``, only that is masked.
        context: Words or phrases, in any case; one of them must stand within 60 characters. None:
            the patterns are enough.

    Raises:
        RedactionError: A name or a pattern cannot be used.
    """

    def __init__(self, name: str, patterns: Sequence[str], context: Sequence[str] = ()) -> None:
        self.name = checked(name)
        if not patterns:
            raise RedactionError(f"entity {name!r}: no patterns")
        self._patterns = [self._compiled(p) for p in patterns]
        self._context = tuple(plain(word) for word in context)

    def find(self, said: Said) -> Iterator[Span]:
        """Its spans in a text."""
        # Halves of a pair, which no encoder takes, are a sign that nobody's pattern names.
        data = said.text.encode("utf-8", "replace")
        spans = [s for p in self._patterns for s in p.spans(data)]
        if not spans:
            return
        places = _Places(said.text)
        for first, last in spans:
            start, end = places.at(first), places.at(last)
            if not self._context or self._near(said, start, end):
                yield Span(start, end, self.name)

    def _near(self, said: Said, start: int, end: int) -> bool:
        around = said.plain[max(0, start - REACH) : start], said.plain[end : end + REACH]
        return any(word in stretch for word in self._context for stretch in around)

    def _compiled(self, written: str) -> Pattern:
        try:
            return Pattern(written)
        except RedactionError as error:
            raise RedactionError(f"entity {self.name!r}, pattern {written!r}: {error}") from None


class _Places:
    """The way back from bytes of UTF-8 to characters."""

    def __init__(self, text: str) -> None:
        self._ends = None
        if not text.isascii():
            self._ends = list(accumulate(len(c.encode("utf-8", "replace")) for c in text))

    def at(self, byte: int) -> int:
        return byte if self._ends is None else bisect_right(self._ends, byte)


def checked(name: str) -> str:
    """The name, if it can be an entity's.

    Raises:
        RedactionError: It cannot.
    """
    if not NAME.fullmatch(name):
        raise RedactionError(
            f"{name!r} cannot be an entity's name: write lower-case letters and digits, with "
            "hyphens between words that begin with a letter (customer-id)"
        )
    if name in ENTITIES:
        raise RedactionError(f"entity {name!r} is built in; give yours another name")
    return name
