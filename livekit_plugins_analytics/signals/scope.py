"""Who says what of a match: affirmed, negated, hypothetical, or someone else's."""

from __future__ import annotations

import re
from bisect import bisect_right
from collections.abc import Sequence

from . import cues
from .engine import Pattern, Prefilter
from .mention import Status
from .utterance import Utterance

# Words between a negation and what it negates; six was best on the prototype's cases, lists
# ("we don't use Salesforce, HubSpot or Pipedrive") need a few more.
_REACH = 8
# Characters looked at on either side: a clause of speech has about 60.
_WINDOW = 160

# Enough of a match to see whether it begins with "our".
_FIRST_WORD = 6
_AT_ONCE = 60
# What a denial after the target may take.
_DENIAL = 90
# A sentence that ends so soon after the match is only its echo.
_ECHO = 3

_SENTENCE_END = re.compile(r"[.?!;]+(?=\s|$)|\s-+\s|:\s")
_COMMA_CLAUSE = re.compile(
    r",\s+(?=(?:and |so |then )?"
    r"(?:so|because|which|we|i|it|they|our|my|he|she|you|there|now|just|only|that|this|it's|"
    r"we're|i'm|we've|we'd|they're|there's|that's|currently|today|here|mostly|mainly|maybe|"
    r"probably|use|using|make|more like|closer to|rather|actually|about|around|says?|\d+)\b)"
)


def _compiled(patterns: Sequence[str]) -> Prefilter:
    return Prefilter([Pattern(p) for p in patterns])


_BREAKS = _compiled(cues.BREAKS)
_NEGATION = _compiled(cues.NEGATION)
_NO, _ANSWER_NO = _compiled(cues.NO), _compiled(cues.ANSWER_NO)
_PSEUDO_NEGATION = _compiled(cues.PSEUDO_NEGATION)
_NEGATION_NEAR = _compiled(cues.NEGATION_NEAR)
_NEGATION_AFTER = _compiled(cues.NEGATION_AFTER)
_UNUSED_AFTER = _compiled(cues.UNUSED_AFTER)
_ABANDONED = _compiled(cues.ABANDONED)
_HYPOTHETICAL = _compiled(cues.HYPOTHETICAL)
_HYPOTHETICAL_NUMBER = _compiled(cues.HYPOTHETICAL_NUMBER)
_PSEUDO_HYPOTHETICAL = _compiled(cues.PSEUDO_HYPOTHETICAL)
_HYPOTHETICAL_AFTER = _compiled(cues.HYPOTHETICAL_AFTER)
_HYPOTHETICAL_AFTER_NUMBER = _compiled(cues.HYPOTHETICAL_AFTER_NUMBER)
_SOMEONE_ELSE = _compiled(cues.SOMEONE_ELSE)
_SOMEONE_ELSE_AFTER = _compiled(cues.SOMEONE_ELSE_AFTER)
_SOMEONE_ELSE_BEFORE = _compiled(cues.SOMEONE_ELSE_BEFORE)
_FORMERLY = _compiled(cues.FORMERLY)
_ANYONE = _compiled(cues.ANYONE)
_THEY = _compiled(cues.THEY)
_NEEDED = _compiled(cues.NEEDED)
_QUESTION = _compiled(cues.QUESTION)
_OWN_FOLLOWS = _compiled(cues.OWN_FOLLOWS)
_OWN_AT_ONCE = _compiled(cues.OWN_AT_ONCE)
_OWN, _OWN_AFTER = _compiled(cues.OWN), _compiled(cues.OWN_AFTER)


class Scope:
    """The clauses of one utterance. Made only where a rule has matched.

    Args:
        utterance: The caller's words.
    """

    def __init__(self, utterance: Utterance) -> None:
        self._text = text = utterance.text
        ends = [m.end() for m in _SENTENCE_END.finditer(text)]
        self._sentences = sorted({0, *ends})
        starts = {0, *ends, *(m.end() for m in _COMMA_CLAUSE.finditer(text))}
        for first, last in _BREAKS.spans(utterance.data):
            start, _ = utterance.chars(first, last)
            if _last_word(text[max(0, start - 20) : start]) not in cues.CONTINUES:
                starts.add(start)
        self._clauses = sorted(starts)
        self._end = len(text)

    def status(self, start: int, end: int, checks: Sequence[str], *, number: bool) -> Status:
        """What is said of the words from start to end.

        Args:
            start: Where the match begins, in characters.
            end: Where it ends.
            checks: Which doubts apply; the rule says so.
            number: Whether it is a number; "if we sign, we'd need Slack" is a need all the same.
        """
        first, last = _around(self._clauses, start, self._end)
        before = self._text[max(first, start - _WINDOW) : start]
        after = self._text[end : min(max(last, end), end + _WINDOW)]
        if not number and _any(_NEEDED, self._sentence(start)):
            return "affirmed"
        if number:
            before = _AMOUNTS_TO.sub(" ", before)
        elif _any(_OWN_AT_ONCE, self._text[end : end + _AT_ONCE]):
            return "affirmed"
        if "question" in checks and self._claimed(start, before):
            return "affirmed"
        if "someone_else" in checks:
            if self._someone_else(before, start, after, first):
                return "someone_else"
            if number and self._theirs(before, first):
                return "someone_else"
        if "hypothetical" in checks and self._hypothetical(before, after, first, number):
            return "hypothetical"
        if "negation" in checks and _negated(before, after + self._text[last : last + 12]):
            return "negated"
        if "negation" in checks and not number and self._unused(end):
            return "negated"
        if "negation" in checks and not number and self._abandoned(end):
            return "negated"
        if "question" in checks and self._question(start, before, after):
            return "hypothetical"
        return "affirmed"

    def _someone_else(self, before: str, start: int, after: str, first: int) -> bool:
        if _any(_SOMEONE_ELSE, before) or _any(_SOMEONE_ELSE_AFTER, after):
            return True
        # "Clients say our quotes come late": ours all the same.
        others = _outside(_SOMEONE_ELSE_BEFORE, (_ANYONE,), before)
        if others is not None:
            told = before[others:] + self._text[start : start + _FIRST_WORD].partition(" ")[0]
            if not _any(_OWN_TAIL, told):
                return True
        if first == 0:
            return False
        # "My brother has a firm. They use Slack": the clause before says who "they" are.
        start, _ = _around(self._clauses, first - 1, self._end)
        earlier = self._text[start:first]
        if _any(_FORMERLY, earlier):
            return True
        if not _starts(_THEY, before):
            return False
        return _any(_SOMEONE_ELSE, earlier) or _any(_SOMEONE_ELSE_BEFORE, earlier)

    def _theirs(self, before: str, first: int) -> bool:
        """ "They're a company of ten": ours only where the clause before says so."""
        if not _any(_THEIRS, before):
            return False
        start, _ = _around(self._clauses, max(first - 1, 0), self._end)
        return first == 0 or not _any(_OWN_TAIL, self._text[start:first])

    def _hypothetical(self, before: str, after: str, first: int, number: bool) -> bool:
        if number and _any(_HYPOTHETICAL_NUMBER, before):
            return True
        if _outside(_HYPOTHETICAL, (_PSEUDO_HYPOTHETICAL,), before) is not None:
            return True
        if _any(_HYPOTHETICAL_AFTER, after):
            return True
        if number and _any(_HYPOTHETICAL_AFTER_NUMBER, after):
            return True
        if not number or first == 0:
            return False
        start, _ = _around(self._sentences, first, self._end)
        condition = self._text[start:first]
        return bool(
            re.search(r"\b(?:would|could|might)\b|'d\b", before)
            and _outside(_HYPOTHETICAL, (_PSEUDO_HYPOTHETICAL,), condition) is not None
        )

    def _unused(self, end: int) -> bool:
        return _any(_UNUSED_AFTER, self._text[end : end + _DENIAL])

    def _abandoned(self, end: int) -> bool:
        _, last = _around(self._sentences, end, self._end)
        if last - end < _ECHO:  # "DocuSign? We tried it and hated it"
            _, last = _around(self._sentences, last, self._end)
        return _any(_ABANDONED, self._text[end : min(last, end + _WINDOW)])

    def _sentence(self, position: int) -> str:
        first, last = _around(self._sentences, position, self._end)
        return self._text[max(first, position - _WINDOW) : min(last, position + _WINDOW)]

    def _claimed(self, start: int, before: str) -> bool:
        """Asked for, and then said to be the caller's own: "Does it do Zoho? That's our CRM"."""
        if not self._asks(start, before):
            return False
        _, last = _around(self._sentences, start, self._end)
        _, clause = _around(self._clauses, start, self._end)
        return any(_any(_OWN_FOLLOWS, self._text[at : at + 60]) for at in {last, clause})

    def _asks(self, start: int, before: str) -> bool:
        return _any(_QUESTION, self._sentence(start)) or _any(_QUESTION, before)

    def _question(self, start: int, before: str, after: str) -> bool:
        if not self._asks(start, before):
            return False
        return not (_any(_OWN, self._sentence(start)) or _any(_OWN_AFTER, after))


_THEIRS = _compiled((r"^[ ,]*(?:and |so |but )?(?:they|they're|they've|he|he's|she|she's)\b.*",))
_OWN_TAIL = _compiled((r"(?:our|my|us|we|we're|we've|i|i'm)(?: .*)? ?$",))


# "We're looking at about thirty contracts" is a count, "we went from 8 to 14" leaves nothing.
_AMOUNTS_TO = re.compile(
    r"\b(?:look(?:ing|s)? (?:at|like)|(?:went|gone|moved|jumped) from)\b[ \w]{0,30}$"
)
_TURNED = re.compile(
    r" from|replac|instead|ditched|dropped|dumped|swapped|scrapped|binned|left |moved off|got rid"
)
_TURNS_TO = re.compile(r"\b(?:to|just|only|over to|with|by|we|in favou?r of|for)\b")


def _negated(before: str, after: str) -> bool:
    cue = _outside(_NEGATION, (_PSEUDO_NEGATION,), before)
    no = _outside(_NO, (_ANSWER_NO, _PSEUDO_NEGATION), before)
    nearest = max((c for c in (cue, no) if c is not None), default=None)
    if nearest is not None:
        between = before[nearest:]
        # "Switched from Pipedrive to HubSpot", "not Slack, it's Teams", "not Slack but Teams".
        turned = _TURNED.search(before) and _TURNS_TO.search(between)
        if len(between.split()) <= _REACH and not turned:
            return True
    return _any(_NEGATION_NEAR, before) or _any(_NEGATION_AFTER, after)


def _outside(cue: Prefilter, pseudo: Sequence[Prefilter], text: str) -> int | None:
    """Where the last cue ends that no pseudo-cue covers; None where there is none."""
    data = text.encode("utf-8", "replace")
    found = cue.spans(data)
    if not found:
        return None
    covered = [span for p in pseudo for span in p.spans(data)]
    ends = [
        end
        for start, end in found
        if not any(first <= start < last or start <= first < end for first, last in covered)
    ]
    return len(data[: max(ends)].decode("utf-8", "ignore")) if ends else None


def _any(cue: Prefilter, text: str) -> bool:
    return cue.any(text.encode("utf-8", "replace"))


def _starts(cue: Prefilter, text: str) -> bool:
    head = text.lstrip(" ,").split(" ", 2)[:2]
    return _any(cue, " ".join(w for w in head if w not in ("and", "so", "then")))


def _around(starts: Sequence[int], position: int, end: int) -> tuple[int, int]:
    """The stretch that a position lies in."""
    index = bisect_right(starts, position)
    return starts[index - 1], starts[index] if index < len(starts) else end


def _last_word(text: str) -> str:
    words = re.findall(r"[a-z']+", text)
    trailing = re.search(r"[.?!,;]\s*$", text)
    return "" if trailing or not words else words[-1]
