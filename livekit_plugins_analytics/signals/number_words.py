"""English number words. Data and one quick test; the grammar is in `numerals`."""

from __future__ import annotations

import re

_UNITS = [
    "zero",
    "one",
    "two",
    "three",
    "four",
    "five",
    "six",
    "seven",
    "eight",
    "nine",
    "ten",
    "eleven",
    "twelve",
    "thirteen",
    "fourteen",
    "fifteen",
    "sixteen",
    "seventeen",
    "eighteen",
    "nineteen",
]
_TENS = ["twenty", "thirty", "forty", "fifty", "sixty", "seventy", "eighty", "ninety"]

CARDINALS: dict[str, int] = {
    **{word: value for value, word in enumerate(_UNITS)},
    **{word: 20 + 10 * index for index, word in enumerate(_TENS)},
    "fourty": 40,  # as people and recognisers write it
}
SCALES: dict[str, int] = {
    "dozen": 12,
    "dozens": 12,
    "hundred": 100,
    "thousand": 1_000,
    "k": 1_000,
    "million": 1_000_000,
    "billion": 1_000_000_000,
}
# What may stick to digits: "10k", "3m", "1.5mm".
SUFFIXES: dict[str, int] = {"k": 1_000, "m": 1_000_000, "mm": 1_000_000, "mil": 1_000_000}
# What makes a number vague without changing it.
VAGUE = frozenset({"odd", "ish", "something", "some", "plus", "ishy"})
# Before "one", which is no number then: "no one", "this one".
BEFORE_PRONOUN = frozenset(
    [
        "no",
        "any",
        "some",
        "every",
        "this",
        "that",
        "which",
        "each",
        "another",
        "the",
        "other",
        "good",
        "big",
        "only",
        "last",
        "next",
    ]
)
# After "of", these make it a share of something: "a couple of us".
AFTER_SHARE = frozenset(
    ["us", "them", "the", "our", "these", "those", "you", "my", "your", "their"]
)

_OPENERS = frozenset(CARDINALS) | frozenset(SCALES) | {"couple", "half", "quarter"}
_WORD = re.compile(r"[a-z]+")
_DIGIT = re.compile(r"\d")


def may_hold_numbers(text: str) -> bool:
    """Whether the text can hold a number at all: quicker than looking for one."""
    return bool(_DIGIT.search(text)) or not _OPENERS.isdisjoint(_WORD.findall(text))
