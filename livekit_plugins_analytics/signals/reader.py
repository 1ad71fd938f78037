"""One turn of the caller, read with the pack's rules: its mentions."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from fractions import Fraction

from .correction import Focus, corrections, retract
from .mention import Mention, Status, When
from .question import agrees, proposal
from .ruleset import Hit, RuleSet
from .scope import Scope
from .text import MAX_CHARS, split
from .utterance import Utterance

# A turn is at most some minutes of speech; what is longer is cut, and counted by the caller.
_MAX_PIECES = 20
_MAX_LINE = 600
# Of a turn that only says yes, as evidence.
_MAX_EVIDENCE = 80


@dataclass(frozen=True)
class Context:
    """What was said before a turn."""

    line: str = ""
    """The agent's last words."""
    previous: Mention | None = None
    """The last number that the caller gave; a correction refers to it."""


@dataclass(frozen=True)
class _Question:
    """What the agent's last words ask."""

    line: Utterance | None = None
    asked: frozenset[str] = frozenset()
    proposed: Utterance | None = None
    """Its yes-or-no question, as the caller would say it."""
    hits: tuple[Hit, ...] = ()
    """What that would tell."""


class Reader:
    """Finds the mentions of a turn.

    Args:
        rules: The pack.
    """

    def __init__(self, rules: RuleSet) -> None:
        self._rules = rules
        self._english = rules.language == "en"
        # The finals of a turn and the turn itself share their question.
        self._last: tuple[str, _Question] = ("", _Question())

    def read(self, said: str, context: Context, item_id: str | None, at: When) -> list[Mention]:
        """The mentions of one turn, in the order of the words."""
        question = self._question(context.line[-_MAX_LINE:])
        previous, found = context.previous, list[Mention]()
        for _, piece in split(said, MAX_CHARS)[:_MAX_PIECES]:
            utterance = Utterance(piece, self._rules.language)
            hits = _resolved(self._rules.hits(utterance, question.asked, question.line))
            mentions = self._mentions(utterance, hits)
            retract(utterance, mentions)
            for focus in corrections(utterance, mentions, previous):
                if (mended := self._mended(utterance, focus)) is not None:
                    mentions.append(mended)
            mentions.sort(key=lambda m: m.start)
            found += mentions
            previous = next((m for m in reversed(found) if m.number is not None), previous)
        found = self._agreed(said, question, found) + found
        found += self._answered(said, question, found)
        for mention in found:
            mention.item_id, mention.at = item_id, at
            mention.asked = mention.name in question.asked
        return found

    def _question(self, line: str) -> _Question:
        if not line:
            return _Question()
        if self._last[0] != line:
            utterance = Utterance(line, self._rules.language)
            asked, words = self._rules.asked(utterance), proposal(line) if self._english else None
            question = _Question(utterance, asked)
            if words is not None:
                proposed = Utterance(words)
                hits = tuple(_resolved(self._rules.hits(proposed)))
                asked |= {h.rule.signal for h in hits}
                question = _Question(utterance, asked, proposed, hits)
            self._last = line, question
        return self._last[1]

    def _mentions(
        self, said: Utterance, hits: Sequence[Hit], evidence: str | None = None
    ) -> list[Mention]:
        scope = Scope(said) if hits and self._english else None
        found = []
        for hit in hits:
            rule, value = hit.rule, hit.value
            status: Status = "affirmed"
            if scope is not None and rule.checks:
                number = hit.number is not None
                status = scope.status(hit.focus, hit.end, rule.checks, number=number)
            if status == "negated" and rule.negated is not None:
                status, value = "affirmed", rule.negated
            words = said.evidence(hit.start, hit.end) if evidence is None else evidence
            found.append(_mention(hit, value, status, words))
        return found

    def _mended(self, said: Utterance, focus: Focus) -> Mention | None:
        """The mention that a correction makes of the number given before."""
        before, numeral = focus.mention, said.numerals[focus.span]
        factor = before.factor or 1
        value = self._rules.amount(before.name, numeral.high * factor)
        if value is None:
            return None
        return Mention(
            name=before.name,
            value=value,
            status="affirmed",
            chosen=False,
            rule="correction",
            item_id=None,
            at=None,
            text=said.evidence(*focus.span),
            asked=False,
            weight=before.weight,
            start=focus.span[0],
            number=_lean(numeral.high),
            factor=before.factor,
            spans=(focus.span,),
        )

    def _agreed(self, said: str, question: _Question, own: Sequence[Mention]) -> list[Mention]:
        """What a yes says; the caller's own words on the same thing say it better."""
        if question.proposed is None or not question.hits:
            return []
        if not agrees(said, question.proposed.text):
            return []
        told = {m.name for m in own if m.status == "affirmed"}
        heard = self._mentions(question.proposed, question.hits, said.strip()[:_MAX_EVIDENCE])
        return [m for m in heard if m.status == "affirmed" and m.name not in told]

    def _answered(self, said: str, question: _Question, own: Sequence[Mention]) -> list[Mention]:
        """What the question was about, where the answer gave what it asked for."""
        if question.line is None:
            return []
        given = {m.name for m in own if m.status == "affirmed"}
        evidence = said.strip()[:_MAX_EVIDENCE]
        told = {(h.rule.signal, h.value): h for h in self._rules.answered(question.line, given)}
        return [
            _mention(h, h.value, "affirmed", evidence)
            for h in told.values()
            if h.rule.signal not in given
        ]


def _mention(hit: Hit, value: object, status: Status, text: str) -> Mention:
    return Mention(
        name=hit.rule.signal,
        value=value,
        status=status,
        chosen=False,
        rule=hit.rule.name,
        item_id=None,
        at=None,
        text=text,
        asked=False,
        weight=hit.rule.weight,
        start=hit.start,
        number=_lean(hit.number),
        factor=hit.factor,
        spans=hit.spans,
    )


def _lean(number: Fraction | None) -> Fraction | int | None:
    """The same number, as an int where it is one: a long call keeps thousands of them."""
    return number.numerator if number is not None and number.denominator == 1 else number


def _resolved(hits: Sequence[Hit]) -> list[Hit]:
    """One reading for all words: rules that need no question first, then by weight, length and
    the pack's order."""
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
            if any(_strength(k) >= _strength(hit) for k in rivals):
                continue
            kept = [k for k in kept if k not in rivals]
        claimed.update(hit.spans)
        kept.append(hit)
    return sorted(kept, key=lambda h: h.start)


def _strength(hit: Hit) -> tuple[int, int]:
    return hit.rule.weight, hit.end - hit.start
