"""What a caller takes back: "sorry, thirty not twenty five", "Salesforce, I mean HubSpot"."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from . import cues
from .engine import Pattern
from .mention import Mention
from .utterance import Utterance

_CORRECTION = [Pattern(p) for p in cues.CORRECTION]
_NOT_NUMBER = Pattern(r"{n},? (?:and )?not {n}")
_NOT_BUT = Pattern(r"not {n},? (?:but |it's |rather |we're )?{n}")
# What a correction may leave between its cue and the number: "sorry, I meant about thirty".
_FILLER = re.compile(
    r"[\s,.:-]*(?:(?:that's|it's|it is|to|is|about|around|like|we're|we|i|are|have|meant|mean|said|"
    r"say|make|that|it|closer|more|really|actually|no|not|wait|a|team|of|should|be|there|were|"
    r"rather|probably|roughly|there's|we've|got|at|now)[\s,.:-]+){0,7}"
)
# After a bare number in a correction: it counts something of its own.
_OTHER_UNIT = re.compile(
    r"[\s-]*(?:percent|%|dollars?|bucks|years?|months?|weeks?|days?|hours?|minutes?|am|pm|o'clock|"
    r"grand|euros?|pounds?|quid)\b|%"
)
_RETRACTION = re.compile(
    r"\b(?:sorry|i mean|i meant|no wait|wait no|scratch that|correction|or rather)\b"
    # "Salesforce, the CRM I mean, and Slack" takes nothing back.
    r"(?![^.]*\b(?:and|also|plus|then)\b)"
)
_MAX_WORDS_BETWEEN = 8


@dataclass(frozen=True)
class Focus:
    """A bare number, and the mention that it mends."""

    span: tuple[int, int]
    mention: Mention


def corrections(
    said: Utterance, mentions: Sequence[Mention], previous: Mention | None
) -> Iterator[Focus]:
    """The bare numbers that mend one given before.

    Args:
        said: The caller's words.
        mentions: What the rules found in them.
        previous: The last number of the turns before.
    """
    taken = {span for m in mentions for span in m.spans}
    for span in said.numerals:
        if span in taken or _OTHER_UNIT.match(said.text, span[1]):
            continue
        before = [m for m in mentions if m.number is not None and m.start < span[0]]
        focus = before[-1] if before else previous
        if focus is None or focus.status == "someone_else":
            continue
        if _corrects(said, span, focus):
            yield Focus(span, focus)


def _corrects(said: Utterance, span: tuple[int, int], focus: Mention) -> bool:
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


def retract(said: Utterance, mentions: Sequence[Mention]) -> None:
    """Negate what a correction replaces by another value of the same signal."""
    texts = [m for m in mentions if m.number is None]
    for one, other in zip(texts, texts[1:], strict=False):
        between = said.text[one.start : other.start]
        if one.name != other.name or len(between.split()) > _MAX_WORDS_BETWEEN:
            continue
        if one.status == "affirmed" and _RETRACTION.search(between):
            one.status = "negated"
