"""Number words by language: English by our own grammar, others by text2num (an extra)."""

from __future__ import annotations

import re
from collections.abc import Callable
from fractions import Fraction
from functools import lru_cache

from .numerals import Numeral, numerals

# What text2num 3 reads, English apart.
OTHERS = frozenset({"de", "es", "fr", "it", "nl", "pt"})
LANGUAGES = OTHERS | {"en"}
EXTRA = "livekit-plugins-analytics[languages]"

_DIGITS = re.compile(r"\d+(?:[.,]\d{3})+(?!\d)|\d+(?:[.,]\d+)?")
_WORD = re.compile(r"[^\W\d_]+")


@lru_cache(maxsize=1)
def _converter() -> Callable[[str, str], str] | None:
    try:
        from text_to_num import text2num
    except ImportError:
        return None

    def convert(words: str, language: str) -> str:
        return str(text2num(words, language))

    return convert


def available(language: str) -> bool:
    """Whether number words of this language can be read here."""
    return language == "en" or (language in OTHERS and _converter() is not None)


def numerals_of(text: str, language: str) -> list[Numeral]:
    """The numbers of a plain text; digits alone where the language's words are unknown."""
    if language == "en":
        return numerals(text)
    found = [_digits(m) for m in _DIGITS.finditer(text)]
    convert = _converter() if language in OTHERS else None
    if convert is not None:
        found += _spoken(text, language, convert)
    return sorted(found, key=lambda n: n.start)


def _digits(match: re.Match[str]) -> Numeral:
    digits = match[0]
    if re.fullmatch(r"\d+(?:[.,]\d{3})+", digits):
        digits = digits.replace(",", "").replace(".", "")
    value = Fraction(digits.replace(",", ".")) if len(digits) <= 12 else Fraction(0)
    return Numeral(*match.span(), value, value)


def _spoken(text: str, language: str, convert: Callable[[str, str], str]) -> list[Numeral]:
    """The longest runs of words that text2num takes for one number; a run has at most ten."""
    words = list(_WORD.finditer(text))
    found, i = [], 0
    while i < len(words):
        best: Numeral | None = None
        end = i + 1
        if _value(words[i][0], language, convert) is None:
            i += 1
            continue
        for j in range(i, min(i + 10, len(words))):
            value = _value(text[words[i].start() : words[j].end()], language, convert)
            if value is not None:
                best = Numeral(words[i].start(), words[j].end(), value, value)
                end = j + 1
        # "un", "una", "ein": articles far more often than numbers.
        if best is not None and not (best.low == 1 and end == i + 1):
            found.append(best)
        i = end
    return found


@lru_cache(maxsize=4096)
def _value(words: str, language: str, convert: Callable[[str, str], str]) -> Fraction | None:
    try:
        return Fraction(convert(words, language))
    except (ValueError, ZeroDivisionError):
        return None
