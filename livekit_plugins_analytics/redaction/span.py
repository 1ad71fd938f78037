"""What a redactor answers: which characters of a text are to be masked, and as what."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Protocol, runtime_checkable


@dataclass(frozen=True)
class Span:
    """A stretch of a text that is to be masked.

    Args:
        start: The index of its first character.
        end: The index after its last one.
        entity: What it is, as the mask says it: "phone", "email", a name of your own.
    """

    start: int
    end: int
    entity: str


@runtime_checkable
class Redactor(Protocol):
    """Finds what is to be masked: the built-in one (`redactor`), Presidio's, or your own.

    It is called from threads of the recorder's, never on the event loop, and may be called for
    several calls at a time. It must not raise; spans may overlap.
    """

    @property
    def entities(self) -> Sequence[str]:
        """The names that its spans may have, each like ``[a-z][a-z0-9-]*``."""
        ...

    def find(self, text: str) -> Iterable[Span]:
        """The spans of one text, in any order."""
        ...


def merged(spans: Iterable[Span]) -> list[Span]:
    """The spans in order and without overlap.

    Spans that overlap become one, which covers all their characters and has the entity of the
    longest; of two as long, that of the one that came first.
    """
    ordered = sorted(
        (s for s in spans if s.start < s.end), key=lambda s: (s.start, s.start - s.end)
    )
    result: list[Span] = []
    length = 0  # of the span that named the last one
    for span in ordered:
        if result and span.start < result[-1].end:
            last = result[-1]
            own = span.end - span.start
            entity = span.entity if own > length else last.entity
            length = max(length, own)
            result[-1] = Span(last.start, max(last.end, span.end), entity)
        else:
            result.append(span)
            length = span.end - span.start
    return result
