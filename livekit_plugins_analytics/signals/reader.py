"""One turn of the caller, read with the pack's rules: its mentions."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from fractions import Fraction

from . import cues
from .engine import Pattern
from .mention import Mention, Status, When
from .ruleset import Hit, RuleSet
from .scope import Scope
from .text import MAX_CHARS, split
from .utterance import Utterance

_CORRECTION = [Pattern(p) for p in cues.CORRECTION]
_NOT_NUMBER = Pattern(r"{n},? (?:and )?not {n}")
_NOT_BUT = Pattern(r"not {n},? (?:but |it's |rather |we're )?{n}")
# What a correction may leave between its cue and the number: "sorry, I meant about thirty".
_FILLER = re.compile(
    r"[\s,.:-]*(?:(?:that's|it's|it is|to|is|about|around|like|we're|we|i|are|have|meant|mean|said|"
    r"say|make|that|it|closer|more|really|actually|no|not|wait|a|team|of|should|be|there|were|"
    r"rather|probably|roughly)[\s,.:-]+){0,7}"
)
# After a bare number in a correction: it counts something of its own.
_OTHER_UNIT = re.compile(
    r"[\s-]*(?:percent|%|dollars?|bucks|years?|months?|weeks?|days?|hours?|minutes?|am|pm|o'clock|grand|euros?)\b|%"
)
# A turn is at most some minutes of speech; what is longer is cut, and counted by the caller.
_MAX_PIECES = 20
_MAX_LINE = 600


@dataclass(frozen=True)
class Context:
    """What was said before a turn."""

    line: str = ""
    """The agent's last words."""
    previous: Mention | None = None
    """The last number that the caller gave; a correction refers to it."""


class Reader:
    """Finds the mentions of a turn.

    Args:
        rules: The pack.
    """

    def __init__(self, rules: RuleSet) -> None:
        self._rules = rules

    def read(self, said: str, context: Context, item_id: str | None, at: When) -> list[Mention]:
        """The mentions of one turn, in the order of the words."""
        line = None
        if context.line:
            line = Utterance(context.line[-_MAX_LINE:], self._rules.language)
        asked = self._rules.asked(line)
        previous, found = context.previous, list[Mention]()
        for _, piece in split(said, MAX_CHARS)[:_MAX_PIECES]:
            utterance = Utterance(piece, self._rules.language)
            mentions = self._mentions(utterance, asked, line, item_id, at)
            mentions += self._corrections(utterance, mentions, previous, asked, item_id, at)
            mentions.sort(key=lambda m: m.start)
            found += mentions
            previous = next((m for m in reversed(found) if m.number is not None), previous)
        return found

    def _mentions(
        self,
        said: Utterance,
        asked: frozenset[str],
        line: Utterance | None,
        item_id: str | None,
        at: When,
    ) -> list[Mention]:
        hits = _resolved(self._rules.hits(said, asked, line))
        if not hits:
            return []
        scope = Scope(said) if self._rules.language == "en" else None
        found = []
        for hit in hits:
            rule, value = hit.rule, hit.value
            status: Status = "affirmed"
            if scope is not None and rule.checks:
                status = scope.status(
                    hit.start, hit.end, rule.checks, number=hit.number is not None
                )
            if status == "negated" and rule.negated is not None:
                status, value = "affirmed", rule.negated
            found.append(
                Mention(
                    name=rule.signal,
                    value=value,
                    status=status,
                    chosen=False,
                    rule=rule.name,
                    item_id=item_id,
                    at=at,
                    text=said.evidence(hit.start, hit.end),
                    asked=rule.signal in asked,
                    weight=rule.weight,
                    start=hit.start,
                    number=hit.number,
                    factor=hit.factor,
                    spans=hit.spans,
                )
            )
        _retract(said, found)
        return found

    def _corrections(
        self,
        said: Utterance,
        mentions: list[Mention],
        previous: Mention | None,
        asked: frozenset[str],
        item_id: str | None,
        at: When,
    ) -> list[Mention]:
        """Bare numbers that mend one given before: "sorry, thirty not twenty five"."""
        if not said.numerals:
            return []
        taken = {span for m in mentions for span in m.spans}
        found = []
        for span, numeral in said.numerals.items():
            if span in taken or _OTHER_UNIT.match(said.text, span[1]):
                continue
            before = [m for m in mentions if m.number is not None and m.start < span[0]]
            focus = before[-1] if before else previous
            if focus is None or focus.number is None or focus.status == "someone_else":
                continue
            if not self._corrects(said, span, focus):
                continue
            value = self._rules.amount(focus.name, numeral.high * (focus.factor or Fraction(1)))
            if value is None:
                continue
            found.append(
                Mention(
                    name=focus.name,
                    value=value,
                    status="affirmed",
                    chosen=False,
                    rule="correction",
                    item_id=item_id,
                    at=at,
                    text=said.evidence(*span),
                    asked=focus.name in asked,
                    weight=focus.weight,
                    start=span[0],
                    number=numeral.high,
                    factor=focus.factor,
                    spans=(span,),
                )
            )
        return found

    def _corrects(self, said: Utterance, span: tuple[int, int], focus: Mention) -> bool:
        for pattern, new, old in ((_NOT_NUMBER, 0, 1), (_NOT_BUT, 1, 0)):
            for match in pattern.matches(said.data):
                numbers = [said.chars(*match.span(g)) for g in pattern.numbers]
                other = said.numerals.get(numbers[old])
                if numbers[new] == span and other and focus.number in (other.low, other.high):
                    return True
                if numbers[old] == span:
                    return False
        for pattern in _CORRECTION:
            for match in pattern.matches(said.data):
                _, end = said.chars(*match.span())
                filler = _FILLER.match(said.text, end)
                if end <= span[0] and filler and filler.end() >= span[0]:
                    return True
        return False


def _resolved(hits: Sequence[Hit]) -> list[Hit]:
    """One reading for all words: rules that need no question first, then the pack's order."""
    kept: list[Hit] = []
    claimed: set[tuple[int, int]] = set()
    for hit in sorted(hits, key=lambda h: h.rule.when == "asked"):
        if hit.number is not None and not claimed.isdisjoint(hit.spans):
            continue
        rivals = [
            k
            for k in kept
            if k.rule.signal == hit.rule.signal and k.start < hit.end and hit.start < k.end
        ]
        if hit.number is None and rivals:
            if any(k.end - k.start >= hit.end - hit.start for k in rivals):
                continue
            kept = [k for k in kept if k not in rivals]
        claimed.update(hit.spans)
        kept.append(hit)
    return sorted(kept, key=lambda h: h.start)


def _retract(said: Utterance, mentions: list[Mention]) -> None:
    """ "Salesforce, sorry, HubSpot": what a correction replaces is no longer affirmed."""
    texts = [m for m in mentions if m.number is None]
    for one, other in zip(texts, texts[1:], strict=False):
        between = said.text[one.start : other.start]
        if one.name != other.name or len(between.split()) > 8 or one.status != "affirmed":
            continue
        if re.search(
            r"\b(?:sorry|i mean|i meant|no wait|wait no|scratch that|correction|or rather)\b",
            between,
        ):
            one.status = "negated"
