"""IP addresses, written or spoken."""

from __future__ import annotations

import re
from collections.abc import Iterator
from ipaddress import AddressValueError, IPv4Address, IPv6Address

from .digits import TEENS, TENS, UNITS
from .said import Said
from .span import Span

_V4 = re.compile(r"(?<![\w.])[0-9]{1,3}(?:\.[0-9]{1,3}){3}(?!\w|\.[0-9])")
_V6 = re.compile(
    r"(?<![\w:.])(?:[0-9a-f]{0,4}:){2,8}(?:[0-9]{1,3}(?:\.[0-9]{1,3}){3}|[0-9a-f]{0,4})(?![\w:])"
)
_NUMBER = rf"(?:[0-9]{{1,3}}|{'|'.join((*UNITS, *TEENS, *TENS))})"
_OCTET = rf"{_NUMBER}(?:[ -](?:hundred(?: and)?|{_NUMBER})){{0,4}}"
_DOT = r",? (?:dot|point|period),? "
_SPOKEN = re.compile(rf"(?<![\w.]){_OCTET}(?:{_DOT}{_OCTET}){{3}}(?!\w|{_DOT}(?:{_NUMBER}))")
_DOTS = re.compile(_DOT)


def find(said: Said) -> Iterator[Span]:
    """The addresses of a text; a number of four parts after "version" is none."""
    plain = said.plain
    for match in _V4.finditer(plain):
        if octets(match[0].split(".")) and not _version(said, match.start()):
            yield Span(*match.span(), "ip")
    if "::" in plain or plain.count(":") > 6:
        for match in _V6.finditer(plain):
            if re.search("[0-9]", match[0]) and _v6(match[0]):
                yield Span(*match.span(), "ip")
    if "dot" in plain or "point" in plain or "period" in plain:
        for match in _SPOKEN.finditer(plain):
            if octets([_value(p) for p in _DOTS.split(match[0])]) and not _version(
                said, match.start()
            ):
                yield Span(*match.span(), "ip")


def canonical(plain: str) -> str:
    """An address in one form, however it was written or said."""
    if ":" in plain:
        try:
            return str(IPv6Address(plain))
        except AddressValueError:
            return plain
    parts = plain.split(".") if "." in plain else [_value(p) for p in _DOTS.split(plain)]
    return ".".join(p.lstrip("0") or "0" for p in parts)


def octets(parts: list[str]) -> bool:
    """Whether the parts make an address of version 4."""
    try:
        IPv4Address(".".join(str(int(p)) for p in parts))
    except ValueError:
        return False
    return True


def _v6(text: str) -> bool:
    try:
        IPv6Address(text)
    except ValueError:
        return False
    return True


def _version(said: Said, start: int) -> bool:
    return said.nearest(start, "version", "ip") == "version"


def _value(words: str) -> str:
    """The number that an octet's words say: "one ninety two", "two hundred and five"."""
    digits = ""
    hundreds = ""
    for word in re.split(r"[ -]", words.strip()):
        if word == "hundred":
            hundreds, digits = digits, ""
        elif word in TENS:
            digits += TENS[word] + "0"
        elif word in UNITS:
            ten = digits.endswith("0") and len(digits) > 1 and UNITS[word] != "0"
            digits = digits[:-1] + UNITS[word] if ten else digits + UNITS[word]
        elif word != "and":
            digits += TEENS.get(word, word)
    return str(int(hundreds) * 100 + int(digits or "0")) if hundreds else digits
