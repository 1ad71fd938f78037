"""A text in ASCII and lower case, character for character: every index is that of the original."""

from __future__ import annotations

import unicodedata

# What keyboards and recognisers write for one and the same sign.
_SIGNS = {
    **dict.fromkeys("‘’‚‛′ʼ`´＇", "'"),
    **dict.fromkeys("‐‑‒–—―−﹣－", "-"),
    **dict.fromkeys("．。․·", "."),
    **dict.fromkeys("€£¥₹", "$"),
    "\t": " ",
    "\n": "\n",
}
_VARIATIONS = range(0xFE00, 0xFE10)


class _Table(dict[int, str]):
    """Fills itself, one character at a time; there are a million at most."""

    def __missing__(self, code: int) -> str:
        self[code] = sign = _sign(chr(code))
        return sign


def _sign(char: str) -> str:
    if char in _SIGNS:
        return _SIGNS[char]
    if char.isascii():
        return char.lower() if char.isprintable() else " "
    kind = unicodedata.category(char)
    if kind == "Nd":
        return str(unicodedata.digit(char))
    # Some signs are several: a ligature, one half. One of theirs says what kind they are.
    first = unicodedata.normalize("NFKD", char)[0].lower()
    if first.isascii() and first.isprintable():
        return first
    if kind[0] == "L" or (kind == "Mn" and ord(char) not in _VARIATIONS):
        # A letter of another script, or an accent that stands for itself: part of a word.
        return "q"
    return " "


_TABLE = _Table()


def plain(text: str) -> str:
    """The plain form, as long as the text. Never raises, whatever the text."""
    if text.isascii() and text.isprintable():
        return text.lower()
    return text.translate(_TABLE)


def words(listed: str) -> frozenset[str]:
    """A set of words, written with spaces between them."""
    return frozenset(listed.split())
