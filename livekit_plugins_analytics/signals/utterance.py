"""One piece of speech, prepared for the rules: plain text, numbers in digits, the way back."""

from __future__ import annotations

import re

from .languages import numerals_of
from .numerals import Numeral
from .text import Rewritten, clean

# "A team of, um, fifteen" and "a team of, I don't know, fifteen" are a team of fifteen; without
# the comma, "I don't know who opened it" says something.
_HESITATION = re.compile(
    r",? \b(?:u+[hm]+|e+rm?|hmm+|mm+)\b(?:,|\.\.\.)?(?= )"
    r"|,? \b(?:you know|i don't know|i dunno|i think|i'd say|i would say|i guess|i suppose|"
    r"i reckon|i want to say|what is it(?: now)?|what's it now|let me think|let's see|let me see|"
    r"let's say|say|like|sort of|kind of|honestly|literally|basically|okay|ok|right|yeah),(?= )"
)


class Utterance:
    """What was said, as rules see it. Spans are in characters of `text`.

    Args:
        said: The words as they came; at most `text.MAX_CHARS` of them (see `text.split`).
        language: The pack's language, for number words.
    """

    __slots__ = ("_clean", "_rewritten", "data", "numerals", "said", "text")

    def __init__(self, said: str, language: str = "en") -> None:
        self.said = said
        self._clean = clean(said)
        found = numerals_of(self._clean.text, language)
        changes = [(n.start, n.end, n.text) for n in found]
        if language == "en":
            # No number word is among them, so that no two changes overlap.
            changes += [(*m.span(), "") for m in _HESITATION.finditer(self._clean.text)]
            changes.sort()
        self._rewritten = Rewritten(self._clean.text, changes)
        self.text = self._rewritten.text
        # "surrogatepass" is never needed after `clean`; "replace" keeps the promise anyway.
        self.data = self.text.encode("utf-8", "replace")
        self.numerals: dict[tuple[int, int], Numeral] = dict(
            zip((s for s in self._rewritten.spans if s[0] < s[1]), found, strict=True)
        )

    def chars(self, start: int, end: int) -> tuple[int, int]:
        """A span of `data` as a span of `text`."""
        if len(self.data) == len(self.text):
            return start, end
        return (
            len(self.data[:start].decode("utf-8", "ignore")),
            len(self.data[:end].decode("utf-8", "ignore")),
        )

    def evidence(self, start: int, end: int) -> str:
        """The words as they were said for a span of `text`."""
        first, last = self._clean.origin(*self._rewritten.before(start, end))
        return self.said[first:last]
