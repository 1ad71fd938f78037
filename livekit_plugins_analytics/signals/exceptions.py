"""What only looks like a mention: the patterns of ``unless``, over one utterance."""

from __future__ import annotations

from collections.abc import Mapping

from .engine import Prefilter
from .rule import Rule
from .utterance import Utterance


class Exceptions:
    """The exceptions in one utterance; each list is searched once, and only where needed.

    Args:
        filters: By rule: its own patterns, and those of its signal.
        said: The caller's words.
    """

    __slots__ = ("_filters", "_said", "_spans")

    def __init__(self, filters: Mapping[str, tuple[Prefilter, Prefilter]], said: Utterance) -> None:
        self._filters, self._said = filters, said
        self._spans: dict[int, list[tuple[int, int]]] = {}

    def touch(self, rule: Rule, first: int, last: int) -> bool:
        """Whether an exception of the rule, or of its signal, overlaps a span."""
        return any(
            a < last and first < b
            for prefilter in self._filters[rule.name]
            for a, b in self._of(prefilter)
        )

    def _of(self, prefilter: Prefilter) -> list[tuple[int, int]]:
        known = self._spans.get(id(prefilter))
        if known is None:
            said = self._said
            known = [said.chars(a, b) for a, b in prefilter.spans(said.data)]
            self._spans[id(prefilter)] = known
        return known
