"""From mentions to values: which one counts, and what follows from them."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from .mention import Mention
from .ruleset import RuleSet, Signal

# More values than this in one list are noise; the record stays small.
_MAX_LIST = 50


def fold(
    rules: RuleSet, mentions: Iterable[Mention], given: Mapping[str, Any] | None = None
) -> dict[str, Any]:
    """The final value of every signal that was heard; marks the mentions that it rests on.

    Args:
        rules: The pack; it names the policy per signal and the computed signals.
        mentions: All mentions, in the order of the call. Their `chosen` is set anew.
        given: Values that stand whatever was heard; signals are computed from them too.
    """
    mentions = list(mentions)
    values, chosen = settled(rules, mentions, given)
    for mention in mentions:
        mention.chosen = False
    for mention in chosen:
        mention.chosen = True
    return values


def settled(
    rules: RuleSet, mentions: Iterable[Mention], given: Mapping[str, Any] | None = None
) -> tuple[dict[str, Any], list[Mention]]:
    """The same without the marks: the final values, and the mentions that they rest on."""
    given = given or {}
    by_name: dict[str, list[Mention]] = {}
    for mention in mentions:
        by_name.setdefault(mention.name, []).append(mention)
    values: dict[str, Any] = {}
    chosen: list[Mention] = []
    for name, signal in rules.signals.items():
        if name in given or name not in by_name:
            continue
        if signal.type == "list":
            union = _union(by_name[name])
            if union:
                values[name] = list(union)
                chosen += union.values()
        elif (single := _single(signal, by_name[name])) is not None:
            values[name] = single.value
            chosen.append(single)
    values |= given
    for computed in rules.computed:
        value = None if computed.name in given else computed.value(values)
        if value is not None:
            values[computed.name] = value
    return values, chosen


def _single(signal: Signal, mentions: list[Mention]) -> Mention | None:
    standing: list[Mention] = []
    for mention in mentions:
        if mention.status == "affirmed":
            standing.append(mention)
        elif mention.status == "negated":
            # "No, we're not fifty": what was affirmed before and is denied now no longer stands.
            # Within one turn only a number is: "urgent if this isn't sorted by Monday".
            standing = [
                m
                for m in standing
                if m.value != mention.value or (m.number is None and _same_turn(m, mention))
            ]
    if not standing:
        return None
    heaviest = max(m.weight for m in standing)
    rivals = [m for m in standing if m.weight == heaviest]
    chosen = rivals[-1]
    if signal.fold == "first":
        chosen = rivals[0]
    elif signal.fold == "largest":
        chosen = max(rivals, key=lambda m: m.value)
    return chosen


def _same_turn(one: Mention, other: Mention) -> bool:
    return (one.item_id, one.at) == (other.item_id, other.at)


def _union(mentions: list[Mention]) -> dict[Any, Mention]:
    """The values in the order of first mention, each with its last; a later turn's no removes."""
    standing: dict[Any, list[Mention]] = {}
    for mention in mentions:
        if mention.status == "affirmed" and len(standing) < _MAX_LIST:
            standing.setdefault(mention.value, []).append(mention)
        elif mention.status == "negated" and not any(
            # Within one turn both may be true: "GDPR worries us, our files aren't compliant".
            _same_turn(m, mention)
            for m in standing.get(mention.value, ())
        ):
            standing.pop(mention.value, None)
    return {value: supporters[-1] for value, supporters in standing.items()}
