"""How right a pack is: precision, recall and F1 per signal over labelled cases."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from ..accuracy import Accuracy
from .listener import Listener
from .ruleset import RuleSet


@dataclass(frozen=True)
class Case:
    """A labelled piece of dialogue; the agent's turns are context."""

    id: str
    turns: tuple[tuple[str, str], ...]
    """Role ("agent" or "user") and text."""
    expect: Mapping[str, Any]
    """Every value that must be found; null or absent: must not be found."""

    @classmethod
    def parse(cls, data: Mapping[str, Any]) -> Case:
        """Read one line of a cases file.

        Raises:
            ValueError: It is no case; the message says what is missing.
        """
        if not isinstance(data, Mapping):
            raise ValueError("a case must be a JSON object")
        turns, expect = data.get("turns"), data.get("expect", {})
        if not isinstance(turns, list) or not isinstance(expect, Mapping):
            raise ValueError('a case needs "turns" (a list) and "expect" (an object)')
        read = []
        for turn in turns:
            role = turn.get("role") if isinstance(turn, Mapping) else None
            text = turn.get("text") if isinstance(turn, Mapping) else None
            if role not in ("agent", "user") or not isinstance(text, str):
                raise ValueError('a turn needs "role" ("agent" or "user") and "text"')
            read.append((role, text))
        return cls(str(data.get("id", "")), tuple(read), dict(expect))


class Score(Accuracy):
    """Counts of one signal; a list counts by its elements."""


def predict(rules: RuleSet, case: Case) -> dict[str, Any]:
    """The values of one case."""
    listener = Listener(rules)
    for number, (role, text) in enumerate(case.turns):
        if role == "agent":
            listener.agent_said(text, float(number))
        else:
            listener.user_said(f"turn-{number}", text, float(number))
    return listener.result()[0]


def score(
    rules: RuleSet, cases: Iterable[Case], predictions: Mapping[str, Mapping[str, Any]]
) -> dict[str, Score]:
    """Compare predictions with what was expected, per signal.

    A value for a signal that a case does not name counts as wrong. Computed signals follow from
    the others: they count only in the cases that name them.

    Args:
        rules: The pack; its signals are scored.
        cases: The labelled cases.
        predictions: Values by case id, as from `predict`.
    """
    computed = {c.name for c in rules.computed}
    scores = {name: Score() for name in (*rules.signals, *sorted(computed))}
    for case in cases:
        found = predictions.get(case.id, {})
        for name, result in scores.items():
            if name in computed and name not in case.expect:
                continue
            wanted, got = _elements(case.expect.get(name)), _elements(found.get(name))
            result.right += len(wanted & got)
            result.wrong += len(got - wanted)
            result.missed += len(wanted - got)
            if wanted != got:
                result.faults.append(case.id)
    return scores


def _elements(value: Any) -> set[str]:
    if value is None:
        return set()
    values = value if isinstance(value, list) else [value]
    return {str(int(v)) if isinstance(v, float) and v.is_integer() else str(v) for v in values}
