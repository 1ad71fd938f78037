"""The words and digits of a text, as the grammar of numbers takes them."""

from __future__ import annotations

import re
from dataclasses import dataclass
from fractions import Fraction

from . import number_words as words

# Longer numerals than a phone number are somebody's identifier, not a quantity.
_MAX_DIGITS = 12

# Simple alternatives over single characters: linear time in any engine.
_TOKEN = re.compile(
    r"(?P<digits>\d{1,3}(?:,\d{3})+(?!\d|,\d)(?:\.\d+)?|\d+(?:\.\d+)?|\.\d+)(?P<suffix>[a-z]*)"
    r"|(?P<word>[a-z]+(?:'(?!s\b)[a-z]+)?)"
)


@dataclass(frozen=True)
class Token:
    start: int
    end: int
    word: str
    """Empty for digits."""
    value: Fraction | None = None
    scale: int = 1


def tokens(text: str) -> list[Token]:
    """All tokens of a plain text, in order; what is no quantity (a time, "2nd") has no value."""
    return [_token(text, m) for m in _TOKEN.finditer(text)]


def _token(text: str, match: re.Match[str]) -> Token:
    start, end = match.span()
    if word := match["word"]:
        return Token(start, end, word)
    digits, suffix = match["digits"].replace(",", ""), match["suffix"]
    before, after = text[start - 1 : start], text[end : end + 2]
    if len(digits) > _MAX_DIGITS or before.isalnum() or (before in ".:/" and before):
        return Token(start, end, suffix or "?")
    if after[:1] in (":", "/", "_") and after[1:].isalnum():
        return Token(start, end, "?")  # a time, a date, a fraction
    if not suffix or suffix in words.SUFFIXES:
        scale = words.SUFFIXES.get(suffix, 1)
        return Token(start, end, "", Fraction(digits), scale)
    if suffix in words.VAGUE:
        return Token(start, end, "", Fraction(digits))
    return Token(start, end, "?")
