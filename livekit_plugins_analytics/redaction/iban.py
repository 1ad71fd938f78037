"""International bank account numbers, written or spelled; the check digits decide."""

from __future__ import annotations

import re
from collections.abc import Iterator

from .digits import UNITS
from .plain import words
from .said import Said
from .span import Span

_DIGIT = rf"(?:[0-9]|(?:{'|'.join(UNITS)})(?![a-z]))"
_START = re.compile(
    rf"(?<![a-z0-9])[a-z][ ,.-]{{0,2}}[a-z][ ,.-]{{0,2}}{_DIGIT}[ ,.-]{{0,2}}{_DIGIT}"
)
_PIECE = re.compile(r"[a-z0-9]+")
_GAP = re.compile(r"[ ,.-]{0,3}")
_SHORTEST, _LONGEST = 15, 34
_COUNTRIES = words(
    """
    ad ae al at az ba be bg bh br by ch cr cy cz de dk do ee eg es fi fo fr gb ge gi gl gr gt hr
    hu ie il iq is it jo kw kz lb lc li lt lu lv ly mc md me mk mr mt mu nl no pk pl ps pt qa ro
    rs sa sc se si sk sm st sv tl tn tr ua va vg xk
    """
)


def find(said: Said) -> Iterator[Span]:
    """The account numbers of a text."""
    at = 0
    while match := _START.search(said.plain, at):
        end = _end(said, match.start())
        if end:
            yield Span(match.start(), end, "iban")
        at = end or match.start() + 1


def canonical(plain: str) -> str:
    """A number without spaces, in digits."""
    return "".join(_read(m[0]) for m in _PIECE.finditer(plain))


def _end(said: Said, start: int) -> int:
    """Where the number that starts here ends; 0 where none does."""
    from stdnum import iban

    text, best, at, likely = "", 0, start, 0
    for piece in _PIECE.finditer(said.plain, start, start + 12 * _LONGEST):
        if not _GAP.fullmatch(said.plain, at, piece.start()):
            break
        at = piece.end()
        read = _read(piece[0])
        text += read
        if len(text) > _LONGEST or (len(text) >= 2 and text[:2] not in _COUNTRIES):
            break
        if len(text) >= _SHORTEST:
            if read.isdigit():
                likely = at
            # Without the bank's own check digit: not all banks that there are are known.
            if _checks(text) and iban.is_valid(text, check_country=False):
                best = at
    if not best and likely and said.nearest(start, "iban", "phone", "card") == "iban":
        return likely
    return best


def _read(piece: str) -> str:
    return UNITS.get(piece, piece) if len(piece) > 1 else piece


def _checks(text: str) -> bool:
    """Whether the check digits are right: the library takes fifty times as long to see it."""
    turned = text[4:] + text[:4]
    return int("".join(str(int(c, 36)) for c in turned)) % 97 == 1
