"""Runs of digits, written or spoken: "415 555", "four one five", "double oh seven"."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass

UNITS = {
    "zero": "0",
    "oh": "0",
    "o": "0",
    "one": "1",
    "two": "2",
    "three": "3",
    "four": "4",
    "five": "5",
    "six": "6",
    "seven": "7",
    "eight": "8",
    "nine": "9",
}
TEENS = {
    "ten": "10",
    "eleven": "11",
    "twelve": "12",
    "thirteen": "13",
    "fourteen": "14",
    "fifteen": "15",
    "sixteen": "16",
    "seventeen": "17",
    "eighteen": "18",
    "nineteen": "19",
}
TENS = {
    "twenty": "2",
    "thirty": "3",
    "forty": "4",
    "fourty": "4",  # as people and recognisers write it
    "fifty": "5",
    "sixty": "6",
    "seventy": "7",
    "eighty": "8",
    "ninety": "9",
}
_TIMES = {"double": 2, "triple": 3, "treble": 3, "quadruple": 4}
_SCALES = {"hundred": "00", "thousand": "000"}
# What recognisers write for a digit; only between digits is it one.
_HOMOPHONES = {"to": "2", "too": "2", "for": "4", "fore": "4", "ate": "8", "won": "1"}
_NO_END = {*_HOMOPHONES, *_TIMES}

_WORDS = (*UNITS, *TEENS, *TENS, *_TIMES, *_SCALES, *_HOMOPHONES)
_ITEM = re.compile(rf"(?<![a-z0-9_])(?:[0-9]+|{'|'.join(_WORDS)})(?![a-z0-9_])")
# What may stand between two digits of one number; bounded, so that it is tried in no time.
_FILLER = "uh|uhm|um|er|erm|hmm|and|then|dash|hyphen|minus|space|okay|yeah|comma|like|so|sorry"
_GAP = re.compile(
    rf"(?:[ \n]|, ?|\.{{1,3}} |[.-] ?|\(|\)){{0,5}}(?:(?:{_FILLER})(?:[ \n,.-]){{1,4}}){{0,3}}"
)
_AND = re.compile(r"\band\b")
_MAX_GAP = 40
_STRONG = re.compile(r"[,.;\n(]")


@dataclass(frozen=True)
class Item:
    """One written number or one spoken piece of one, and the digits that it stands for."""

    start: int
    end: int
    digits: str
    spoken: bool
    apart: bool
    """A comma, a full stop or a bracket is before it."""


@dataclass(frozen=True)
class Run:
    """Items with nothing between them but what people put between digits."""

    items: tuple[Item, ...]
    quantity: bool
    """It reads as an amount: "four hundred and fifteen thousand five hundred"."""

    @property
    def start(self) -> int:
        return self.items[0].start

    @property
    def end(self) -> int:
        return self.items[-1].end

    @property
    def digits(self) -> str:
        return "".join(i.digits for i in self.items)

    @property
    def spoken(self) -> bool:
        """Whether any of it is in words."""
        return any(i.spoken for i in self.items)


def runs(plain: str) -> Iterator[Run]:
    """The runs of a plain text (see `plain`), left to right."""
    matches: list[re.Match[str]] = []
    for match in _ITEM.finditer(plain):
        if matches and not _joined(plain, matches[-1], match):
            yield from _run(plain, matches)
            matches = []
        matches.append(match)
    if matches:
        yield from _run(plain, matches)


def read(plain: str) -> str:
    """All digits that a text says, in order."""
    return "".join(run.digits for run in runs(plain))


def _joined(plain: str, left: re.Match[str], right: re.Match[str]) -> bool:
    start, end = left.end(), right.start()
    if end - start > _MAX_GAP:
        return False
    gap = plain[start:end]
    if gap == " ":
        return True
    if gap in (",", "."):
        # "1,415" and "3.14" are one number each, which is no run's.
        return len(left[0]) == len(right[0]) == 1 or not (left[0] + right[0]).isdigit()
    if _AND.search(gap) and not (left[0] in UNITS and right[0] in UNITS):
        # Two numbers, but for "415 and then 555", "five five five and oh one two three".
        code = len(left[0]) == len(right[0]) == 3 and (left[0] + right[0]).isdigit()
        return code and _GAP.fullmatch(gap) is not None
    return _GAP.fullmatch(gap) is not None


def _run(plain: str, matches: list[re.Match[str]]) -> Iterator[Run]:
    """One run; words at its edges that are digits only beside digits are no part of it."""
    first, last = 0, len(matches)
    while first < last and matches[first][0] in _HOMOPHONES:
        first += 1
    while first < last and matches[last - 1][0] in _NO_END:
        last -= 1
    matches = matches[first:last]
    items: list[Item] = []
    quantity = False
    i = 0
    while i < len(matches):
        match, start = matches[i], matches[i].start()
        word, spoken = match[0], not match[0].isdigit()
        if word in _TIMES and i + 1 < len(matches):
            i += 1
            unit = UNITS.get(matches[i][0], matches[i][0])
            digits = unit * _TIMES[word] if len(unit) == 1 else ""
        elif word in _SCALES:
            digits = _SCALES[word] if items else ""
            quantity = quantity or _amount(plain, matches, i)
        elif word in TENS:
            digits = TENS[word]
            unit = UNITS.get(matches[i + 1][0], "0") if i + 1 < len(matches) else "0"
            if unit != "0" and plain[match.end() : matches[i + 1].start()] in (" ", "-"):
                i += 1
                digits += unit
            else:
                digits += "0"
        else:
            digits = UNITS.get(word) or TEENS.get(word) or _HOMOPHONES.get(word) or word
        if digits:
            before = items[-1].end if items else start
            apart = not items or _STRONG.search(plain, before, start) is not None
            items.append(Item(start, matches[i].end(), digits, spoken, apart))
        i += 1
    if items:
        yield Run(tuple(items), quantity)


def _amount(plain: str, matches: list[re.Match[str]], i: int) -> bool:
    """Whether a "hundred" or "thousand" makes an amount, not the zeros of a number."""
    last = i + 1 == len(matches)
    if matches[i][0] == "thousand":
        return not last
    if last:
        return False
    after = plain[matches[i].end() : matches[i + 1].start()]
    return "and" in after or matches[i + 1][0] == "thousand"
