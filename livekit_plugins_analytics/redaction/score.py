"""How right a redactor is: precision and recall per entity, and what it lets through."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from ..accuracy import Accuracy
from .span import Redactor, Span, merged

OVERALL = "overall"


@dataclass(frozen=True)
class Case:
    """A labelled text."""

    id: str
    text: str
    spans: tuple[Span, ...]

    @classmethod
    def parse(cls, data: Any) -> Case:
        """Read one line of a file of cases: ``{"id", "text", "spans": [...]}``.

        Raises:
            ValueError: It is no case; the message says what is wrong.
        """
        if not isinstance(data, Mapping):
            raise ValueError("a case must be a JSON object")
        text, spans = data.get("text"), data.get("spans")
        if not isinstance(text, str) or not isinstance(spans, list):
            raise ValueError('a case needs "text" (a string) and "spans" (a list)')
        return cls(str(data.get("id", "")), text, tuple(_span(s, text) for s in spans))


def _span(data: Any, text: str) -> Span:
    if not isinstance(data, Mapping):
        raise ValueError('a span must be an object: {"start", "end", "entity"}')
    start, end, entity = data.get("start"), data.get("end"), data.get("entity")
    if type(start) is not int or type(end) is not int or not 0 <= start < end <= len(text):
        raise ValueError(
            f"a span from {start!r} to {end!r} is not within the text's {len(text)} characters"
        )
    if not isinstance(entity, str) or not entity:
        raise ValueError('a span needs "entity" (a name)')
    return Span(start, end, entity)


@dataclass
class Score(Accuracy):
    """Counts for one entity, or for all of them: right are the spans that are exactly so."""

    characters: int = 0
    """Of the labelled values, without spaces."""
    leaked: int = 0
    """Of those, the ones that no mask covers, whatever its entity."""
    overmasked: int = 0
    """Characters that a mask of this entity covers though they are part of no value."""

    @property
    def leakage(self) -> float:
        """The share of the values' characters that stays readable."""
        return self.leaked / self.characters if self.characters else 0.0


def predict(redactor: Redactor, case: Case) -> list[Span]:
    """The spans that a redactor finds in a case, in order and without overlap."""
    return merged(redactor.find(case.text))


def score(
    cases: Iterable[Case], predictions: Sequence[Sequence[Span]], entities: Iterable[str]
) -> dict[str, Score]:
    """Compare predictions with the labels, per entity and overall.

    Args:
        cases: The labelled texts; labels of other entities count for nothing.
        predictions: One list of spans a case, in the order of the cases.
        entities: What is scored.
    """
    scored = tuple(entities)
    scores = {name: Score() for name in (*scored, OVERALL)}
    for case, found in zip(cases, predictions, strict=True):
        wanted = {s for s in case.spans if s.entity in scored}
        got = {s for s in found if s.entity in scored}
        hidden = _indexes(found, case.text)
        values = _indexes(case.spans, case.text)
        for name, result in scores.items():
            there = wanted if name == OVERALL else {s for s in wanted if s.entity == name}
            made = got if name == OVERALL else {s for s in got if s.entity == name}
            characters = _indexes(there, case.text)
            result.right += len(there & made)
            result.wrong += len(made - there)
            result.missed += len(there - made)
            result.characters += len(characters)
            result.leaked += len(characters - hidden)
            result.overmasked += len(_indexes(made, case.text) - values)
            if there != made:
                result.faults.append(case.id)
    return scores


def _indexes(spans: Iterable[Span], text: str) -> set[int]:
    """Where the characters of spans are; spaces tell nothing."""
    return {i for s in spans for i in range(s.start, s.end) if not text[i].isspace()}
