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
# How long a number is, by country.
_LENGTHS = {
    country[:2]: int(country[2:])
    for country in words(
        """
        ad24 ae23 al28 at20 az28 ba20 be16 bg22 bh22 br29 by28 ch21 cr22 cy28 cz24 de22 dk18 do28
        ee20 eg29 es24 fi18 fo18 fr27 gb22 ge22 gi23 gl18 gr27 gt28 hr21 hu28 ie22 il23 iq23 is26
        it27 jo30 kw30 kz20 lb28 lc32 li21 lt20 lu20 lv21 ly25 mc27 md24 me22 mk19 mr27 mt31 mu30
        nl18 no15 pk24 pl28 ps29 pt25 qa29 ro24 rs22 sa24 sc31 se24 si19 sk24 sm27 st25 sv28 tl23
        tn24 tr26 ua29 va22 vg24 xk20
        """
    )
}


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

    text, at, length = "", start, 2
    for piece in _PIECE.finditer(said.plain, start):
        if not _GAP.fullmatch(said.plain, at, piece.start()):
            break
        at = piece.end()
        text += _read(piece[0])
        if len(text) >= 2:
            length = _LENGTHS.get(text[:2], 0)
        if len(text) >= length:
            break
    if len(text) != length:
        return 0
    # Without the bank's own check digit: not all banks that there are are known.
    if _checks(text) and iban.is_valid(text, check_country=False):
        return at
    misheard = said.nearest(start, "iban", "phone", "card") == "iban" and text[4:].isdigit()
    return at if misheard else 0


def _read(piece: str) -> str:
    return UNITS.get(piece, piece) if len(piece) > 1 else piece


def _checks(text: str) -> bool:
    """Whether the check digits are right: the library takes fifty times as long to see it."""
    turned = text[4:] + text[:4]
    return int("".join(str(int(c, 36)) for c in turned)) % 97 == 1
