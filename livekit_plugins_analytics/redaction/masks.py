"""Masks in the place of values: ``[phone-1]``, the same for the same value within one call."""

from __future__ import annotations

import re
from collections import Counter
from typing import Any

from .canonical import canonical
from .entities import ENTITIES, NAME
from .errors import RedactionError
from .span import Redactor, Span, merged

# Longer numbers are nobody's mask: they would hide a value that stands in brackets.
_MASK = re.compile(r"\[([a-z][a-z0-9-]*?)(?:-([1-9]\d{0,5}))?\]")
_CAMEL = re.compile(r"(?<=[a-z0-9])(?=[A-Z])|_+")
# What stands between a text and what was said before it: no value goes across it.
_BREAK = " :\n"
# No number that means a person is longer, and Python writes none of 5,000 digits.
_LARGEST = 10**40
# As much of what was said before as can tell something of a value, in characters.
_REACH = 200

UNCHECKED = "unchecked"
"""The mask of a whole text whose redactor raised: nothing of it may leave."""


class Masks:
    """The masks of one record. Not for two threads at a time.

    Args:
        redactor: What finds the values.
        stable: Number the masks, so that the same value has the same mask throughout the record,
            however it was written or spoken; False: ``[phone]`` for all of them.

    Raises:
        RedactionError: The redactor has an entity whose name cannot be a mask.

    Text that holds masks already is left as it is, and their numbers are given to no other value:
    redacting twice changes nothing.
    """

    def __init__(self, redactor: Redactor, *, stable: bool = True) -> None:
        self._redactor = redactor
        self._stable = stable
        # A redactor may know better than we do when two texts say the same.
        self._canonical = getattr(redactor, "canonical", canonical)
        self._known = frozenset({*ENTITIES, *redactor.entities, UNCHECKED})
        for name in self._known:
            if not NAME.fullmatch(name):
                raise RedactionError(
                    f"the redactor's entity {name!r} cannot be a mask: write lower-case letters "
                    "and digits, with hyphens between words that begin with a letter (customer-id)"
                )
        self._numbers: dict[tuple[str, str], int] = {}
        self._taken: Counter[str] = Counter()
        self._counts: Counter[str] = Counter()

    @property
    def counts(self) -> dict[str, int]:
        """How many values were masked, by entity; every occurrence counts."""
        return dict(sorted(self._counts.items()))

    def text(self, value: str, *, before: str = "") -> str:
        """The text with a mask for every value in it.

        Args:
            value: The text.
            before: What was said or written just before, which may tell what a value is: the
                agent's question, the name of a field. Nothing in it is masked or kept.
        """
        own = self._masks(value)
        self._reserve(own)
        spans = self.spans(value, before=before)
        pieces: list[str] = []
        at = 0
        for span in spans:
            pieces += value[at : span.start], self._mask(span.entity, value[span.start : span.end])
            at = span.end
        return "".join((*pieces, value[at:]))

    def spans(self, value: str, *, before: str = "") -> list[Span]:
        """What `text` would mask, in order and without overlap."""
        masks = self._masks(value)
        # A sign that belongs to no value, so that none goes across a mask.
        searched = _MASK.sub(self._barred, value) if masks else value
        lead = f"{before[-_REACH:]}{_BREAK}" if before else ""
        try:
            spans = merged(self._redactor.find(lead + searched))
            if any(s.entity not in self._known for s in spans):
                raise ValueError("an entity that the redactor does not have")
        except Exception:
            # Of a redactor that broke its promise nobody knows what it would have found.
            return [Span(0, len(value), UNCHECKED)] if value else []
        free = _free(masks, len(value))
        found = []
        at = 0
        for span in spans:
            start, end = span.start - len(lead), min(span.end - len(lead), len(value))
            while at < len(free) and free[at][1] <= start:
                at += 1
            i = at
            while i < len(free) and free[i][0] < end:
                found.append(Span(max(start, free[i][0]), min(end, free[i][1]), span.entity))
                i += 1
        return found

    def value(self, value: Any, *, before: str = "") -> Any:
        """A JSON value with masks in the place of values, in keys as well; a new one.

        A whole number whose digits are a phone or card number becomes its mask, a string. The
        name of a field counts as said before its value: ``{"order_number": "4155550123"}`` is
        an order's number.
        """
        self._look_through(value)
        return self._walk(value, before)

    def _walk(self, value: Any, before: str) -> Any:
        if isinstance(value, str):
            return self.text(value, before=before)
        if isinstance(value, dict):
            walked: dict[Any, Any] = {}
            for key, inner in value.items():
                name = self.text(key) if isinstance(key, str) else key
                while name in walked:
                    name = f"{name}'"  # two keys that masks made the same
                walked[name] = self._walk(inner, _words(key))
            return walked
        if isinstance(value, (list, tuple)):
            return [self._walk(v, before) for v in value]
        if (type(value) is int or (isinstance(value, float) and value.is_integer())) and (
            abs(value) < _LARGEST
        ):
            digits = str(int(value))
            spans = self.spans(digits, before=before)
            if spans:
                return self._mask(spans[0].entity, digits[spans[0].start : spans[0].end])
        return value

    def _look_through(self, value: Any) -> None:
        """Take over the numbers of all masks that are there, before any is given away."""
        if isinstance(value, str):
            self._reserve(self._masks(value))
        elif isinstance(value, dict):
            for key, inner in value.items():
                self._look_through(key)
                self._look_through(inner)
        elif isinstance(value, (list, tuple)):
            for inner in value:
                self._look_through(inner)

    def _masks(self, text: str) -> list[re.Match[str]]:
        if "[" not in text:
            return []
        return [m for m in _MASK.finditer(text) if m[1] in self._known]

    def _barred(self, match: re.Match[str]) -> str:
        return "|" * len(match[0]) if match[1] in self._known else match[0]

    def _reserve(self, masks: list[re.Match[str]]) -> None:
        for mask in masks:
            if mask[2]:
                self._taken[mask[1]] = max(self._taken[mask[1]], int(mask[2]))

    def _mask(self, entity: str, surface: str) -> str:
        self._counts[entity] += 1
        if not self._stable or entity == UNCHECKED:
            return f"[{entity}]"
        try:
            key = entity, self._canonical(entity, surface)
        except Exception:
            key = entity, surface  # what breaks its promise still hides the value
        number = self._numbers.get(key)
        if number is None:
            self._taken[entity] += 1
            number = self._numbers[key] = self._taken[entity]
        return f"[{entity}-{number}]"


def _free(masks: list[re.Match[str]], length: int) -> list[tuple[int, int]]:
    """What no mask covers of a text, in order."""
    edges = [0, *(edge for m in masks for edge in m.span()), length]
    return [(a, b) for a, b in zip(edges[::2], edges[1::2], strict=True) if a < b]


def _words(key: Any) -> str:
    """A field's name as words: "order_number" and "orderNumber" as "order number"."""
    return _CAMEL.sub(" ", key) if isinstance(key, str) else ""
